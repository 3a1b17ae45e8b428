"""A target out of range raises an IndexError with its row and value, on every path."""

import re
from typing import Any

import cases
import numpy as np
import pytest
from budgets import ULPS
from checks import dtype_of


def check_index_error(error: pytest.ExceptionInfo[IndexError], row: int, value: int) -> None:
    """The message contains both numbers as separate words."""
    for number in (row, value):
        assert re.search(rf"(?<![\d-]){number}(?!\d)", str(error.value)), (number, str(error.value))


# No option; each that takes another way through the target: classes weighed, dense targets too,
# rows weighed, another class ignored, each reduction.
WAYS = (
    {},
    {"weight": np.ones(11)},
    {"label_smoothing": 0.1},
    {"weight": np.ones(11), "label_smoothing": 0.1},
    {"row_weight": np.ones(40)},
    {"ignore_index": 3},
    {"ignore_index": -1000},
    {"z_loss": 0.1},
    {"temperature": np.ones(40)},
    {"reduction": "none"},
    {"reduction": "sum"},
    {"axis": 0},
)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("bad", cases.BAD_TARGETS)
def test_a_target_out_of_range(face: Any, dtype: str, bad: int | str) -> None:
    """In the last of 40 rows, which a check of the first row or block would miss."""
    value = 11 if bad == "V" else int(bad)
    z = np.zeros((40, 11)).astype(dtype_of(dtype)) - np.ones(1, dtype_of(dtype))
    target = np.arange(40) % 11
    target[-1] = value
    for options in WAYS:
        x = z.T.copy() if options.get("axis") == 0 else z
        for function in ("cross_entropy", "cross_entropy_and_grad"):
            with pytest.raises(IndexError, match="target") as error:
                getattr(face, function)(x, target, **options)
            check_index_error(error, 39, value)
    for function in ("row_stats", "one_vs_rest_nll", "nll_loss"):
        with pytest.raises(IndexError) as error:
            getattr(face, function)(z, target)
        check_index_error(error, 39, value)


SWAPPED = pytest.param(">i4", marks=pytest.mark.needs("byte order"))


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", SWAPPED])
def test_the_largest_target_of_every_integer_dtype(face: Any, kind: str) -> None:
    target = np.zeros(5, kind)
    target[3] = np.iinfo(target.dtype).max
    with pytest.raises(IndexError) as error:
        face.cross_entropy(np.zeros((5, 3)) - 1, target)
    check_index_error(error, 3, int(np.iinfo(target.dtype).max))


def test_an_unsigned_target_does_not_wrap_into_ignore_index(face: Any) -> None:
    """2^64 - 100 is -100 as a signed integer: a bad target that would be ignored."""
    target = np.array([0, 2**64 - 100, 1], np.uint64)
    with pytest.raises(IndexError) as error:
        face.cross_entropy(np.zeros((3, 3)) - 1, target)
    check_index_error(error, 1, 2**64 - 100)


@pytest.mark.needs("out")
def test_the_first_bad_row_is_named_and_nothing_is_written(face: Any) -> None:
    z, target = np.zeros((6, 4)) - 1, np.array([0, -100, 7, 1, -5, 0])
    own = z.copy()
    with pytest.raises(IndexError) as error:
        face.cross_entropy_and_grad(own, target, out=own)
    check_index_error(error, 2, 7)
    np.testing.assert_array_equal(own, z)
