"""The sparse part of a gradient: what is kept, what is left out, and the products, against NumPy.

Run as a program too: the last test starts this file for each of the other instruction sets.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from budgets import ULPS
from checks import assert_identical, assert_runs_on, dtype_of

import neglog
from neglog import _kernels
from neglog._engine import sparse

DTYPES = list(ULPS)
# one entry; below a panel of 1024 classes, at it, above it; above a band of 512 rows; D of one
# number, below a vector, a register file and a bit, a slice of 256 and a bit
SHAPES = [
    (1, 1, 1), (7, 1000, 3), (33, 1024, 17), (5, 1025, 130), (513, 70, 127), (1100, 1030, 2),
    (3, 5000, 64), (40, 2500, 300), (2, 3000, 1000),
]  # fmt: skip


def problem(
    n: int, num_classes: int, width: int, dtype: str, keep: float = 0.1
) -> tuple[Any, Any, Any, Any]:
    """A gradient of both signs, a threshold a row, classes and hidden."""
    rng = np.random.default_rng(n + num_classes)
    grad = (rng.standard_normal((n, num_classes)) ** 3).astype(dtype_of(dtype))
    size = np.abs(grad.astype(np.float64))
    threshold = np.quantile(size, 1 - keep, axis=1) * rng.uniform(0.5, 2, n)
    classes = rng.standard_normal((num_classes, width)).astype(grad.dtype)
    hidden = rng.standard_normal((n, width)).astype(grad.dtype)
    return grad, threshold, classes, hidden


def split(grad: Any, threshold: Any) -> tuple[Any, Any]:
    """What is kept and what is left out, in float64."""
    wide = grad.astype(np.float64)
    kept = ~(np.abs(wide) <= threshold[:, None])
    return np.where(kept, wide, 0), np.where(kept, 0, wide)


def compute_type(array: Any) -> Any:
    return np.float64 if array.dtype == np.float64 else np.float32


def compressed(grad: Any, threshold: Any, most: float = 1.0) -> sparse.Compressed:
    kept = sparse.compress(grad, threshold, most)
    assert kept is not None
    return kept


def products(chunks: list[sparse.Compressed], classes: Any, hidden: Any) -> tuple[Any, Any]:
    entries = [chunk.entries for chunk in chunks]
    compute = compute_type(classes)
    by_row, by_class = np.zeros(hidden.shape, compute), np.zeros(classes.shape, compute)
    sparse.add_times_classes(entries, classes, by_row)
    sparse.add_times_hidden(entries, hidden, by_class)
    return by_row, by_class


def assert_product(have: Any, before: Any, left: Any, right: Any) -> None:
    """`have` = before + left @ right, as far as sums in the type of `have` can be."""
    right = right.astype(np.float64)
    size = np.abs(left) @ np.abs(right) + np.abs(before)
    terms = (left != 0).sum(axis=1, keepdims=True) + 2
    assert have.shape == size.shape
    off = np.abs(have - (before + left @ right))
    assert (off <= terms * np.finfo(have.dtype).eps * size).all(), off.max()


def check(grad: Any, threshold: Any, classes: Any, hidden: Any) -> None:
    """Everything that `compress` and the products give for this gradient."""
    kept, left = split(grad, threshold)
    have = compressed(grad, threshold)
    assert have.entries.count == (np.abs(grad.astype(np.float64)) > threshold[:, None]).sum()
    for sign, part in ((0, np.maximum(left, 0)), (1, np.maximum(-left, 0))):
        np.testing.assert_allclose(have.row_sums[sign], part.sum(axis=1), rtol=1e-13)
        np.testing.assert_allclose(have.class_sums[sign], part.sum(axis=0), rtol=1e-13)
    rng, compute = np.random.default_rng(0), compute_type(grad)
    for add, factor, rows, left_factor in (
        (sparse.add_times_classes, classes, len(hidden), kept),
        (sparse.add_times_hidden, hidden, len(classes), kept.T),
    ):
        before = rng.standard_normal((rows, factor.shape[1])).astype(compute)
        add([have.entries], factor, out := before.copy())
        assert_product(out, before, left_factor, factor)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_against_numpy(shape: tuple[int, int, int], dtype: str) -> None:
    check(*problem(*shape, dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("keep", ["all", "none"])
def test_all_kept_and_none_kept(keep: str, dtype: str) -> None:
    grad, _, classes, hidden = problem(20, 1100, 9, dtype)
    grad[grad == 0] = 1
    check(grad, np.full(20, 0.0 if keep == "all" else 1e30), classes, hidden)
    have = sparse.compress(grad, np.full(20, 0.0 if keep == "all" else 1e30), 1.0)
    assert have is not None
    assert have.entries.count == (grad.size if keep == "all" else 0)


def test_a_threshold_of_zero_leaves_out_zeros_alone() -> None:
    grad = problem(9, 50, 5, "float32")[0]
    grad[:, ::3] = 0
    grad[:, 1::3] = -0.0
    have = compressed(grad, np.zeros(9))
    assert have.entries.count == np.count_nonzero(grad)
    assert not have.row_sums.any()
    assert not have.class_sums.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_reaches_the_products(dtype: str, value: float) -> None:
    grad, threshold, classes, hidden = problem(6, 1500, 20, dtype)
    grad[2, 1499] = value
    have = compressed(grad, threshold)
    assert np.isfinite(have.row_sums).all()
    assert np.isfinite(have.class_sums).all()
    by_row, by_class = products([have], classes, hidden)
    assert (~np.isfinite(by_row)).any(axis=1).nonzero()[0].tolist() == [2]
    assert (~np.isfinite(by_class)).any(axis=1).nonzero()[0].tolist() == [1499]


def test_a_threshold_between_two_float32_is_not_rounded_up() -> None:
    grad = np.array([[1.0, np.nextafter(np.float32(1), np.float32(2)), 0.5]], np.float32)
    between = np.array([1 + 2.0**-24 + 2.0**-30])  # nearer to the second
    assert compressed(grad, between).entries.count == 1
    assert compressed(grad, np.array([1e300])).entries.count == 0
    assert compressed(grad, np.array([np.nan])).entries.count == 3


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_row_and_class_keeps_its_sum(dtype: str) -> None:
    """Kept and left out together are the whole, through a column of ones."""
    grad, threshold, classes, hidden = problem(60, 2100, 3, dtype)
    classes[:, 0] = hidden[:, 0] = 1
    have = compressed(grad, threshold)
    by_row, by_class = (p[:, 0].astype(np.float64) for p in products([have], classes, hidden))
    whole, eps = grad.astype(np.float64), np.finfo(compute_type(grad)).eps
    for total, sums, axis in ((by_row, have.row_sums, 1), (by_class, have.class_sums, 0)):
        size = np.abs(whole).sum(axis=axis)
        off = np.abs(total + sums[0] - sums[1] - whole.sum(axis=axis))
        assert (off <= 100 * eps * size).all(), (off / size).max()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_may_lie_anywhere(dtype: str) -> None:
    grad, threshold, classes, hidden = problem(31, 1200, 45, dtype)
    want = compressed(grad, threshold)
    wanted = products([want], classes, hidden)
    apart = [np.zeros((len(a), a.shape[1] + 7), a.dtype)[::-1, 3:-4] for a in
             (grad, classes, hidden, *wanted)]  # fmt: skip
    for to, array in zip(apart, (grad, classes, hidden), strict=False):
        to[...] = array
    have = compressed(apart[0], threshold)
    sparse.add_times_classes([have.entries], apart[1], apart[3])
    sparse.add_times_hidden([have.entries], apart[2], apart[4])
    assert_identical(have.row_sums, want.row_sums, "row sums")
    assert_identical(have.class_sums, want.class_sums, "class sums")
    assert_identical(apart[3], wanted[0], "product with classes")
    assert_identical(apart[4], wanted[1], "product with hidden")


@pytest.mark.parametrize("dtype", DTYPES)
def test_bits_depend_neither_on_threads_nor_on_chunks(
    dtype: str, threads: Callable[[int], None]
) -> None:
    grad, threshold, classes, hidden = problem(700, 3300, 290, dtype, 0.02)
    threads(1)
    whole = compressed(grad, threshold)
    wanted = products([whole], classes, hidden)
    for n in (1, 2, 3):
        threads(n)
        have = compressed(grad, threshold)
        assert_identical(have.row_sums, whole.row_sums, f"row sums by {n} threads")
        assert_identical(have.class_sums, whole.class_sums, f"class sums by {n} threads")
        parts = [compressed(grad[i:j], threshold[i:j]) for i, j in ((0, 1), (1, 600), (600, 700))]
        for chunks in ([have], parts):
            for value, want in zip(products(chunks, classes, hidden), wanted, strict=True):
                assert_identical(value, want, f"{len(chunks)} chunks by {n} threads")


@pytest.mark.parametrize("n", [1, 3])
def test_too_many_entries_are_none(n: int, threads: Callable[[int], None]) -> None:
    threads(n)
    grad, threshold, _, _ = problem(600, 2000, 1, "float32")
    kept = compressed(grad, threshold).entries.count
    assert compressed(grad, threshold, (kept + 0.5) / grad.size).entries.count == kept
    assert sparse.compress(grad, threshold, (kept - 0.5) / grad.size) is None
    assert sparse.compress(grad, threshold, 0.0) is None
    assert compressed(grad, np.full(600, 1e9), 0.0).entries.count == 0


def test_nothing_to_do() -> None:
    none = compressed(np.zeros((0, 5), np.float32), np.zeros(0))
    assert none.entries.count == 0
    assert none.class_sums.tolist() == [[0] * 5] * 2
    out = np.ones((5, 3), np.float32)
    sparse.add_times_hidden([none.entries], np.zeros((0, 3), np.float32), out)
    assert (out == 1).all()
    some = compressed(np.ones((2, 5), np.float32), np.zeros(2))
    sparse.add_times_classes(
        [some.entries], np.zeros((5, 0), np.float32), np.zeros((2, 0), np.float32)
    )
    grown = np.zeros((2, 3), np.float32)
    sparse.add_times_classes(
        [none.entries, some.entries, none.entries], np.ones((5, 3), np.float32), grown
    )
    assert (grown == 5).all()


def test_what_does_not_fit_is_refused() -> None:
    f4, grad = np.float32, np.ones((4, 6), np.float32)
    kept = compressed(grad, np.zeros(4))
    wide = compressed(grad.astype(np.float64), np.zeros(4))
    other = compressed(np.ones((4, 7), f4), np.zeros(4))
    for threshold in (np.zeros(3), np.zeros(4, f4), np.zeros((4, 1))):
        with pytest.raises(ValueError, match="threshold"):
            sparse.compress(grad, threshold, 1.0)
    for array in (np.ones((6, 4), f4).T, np.ones(6, f4), np.ones((2, 4, 6), f4)):
        with pytest.raises(ValueError, match=r"grad|unpack"):
            sparse.compress(array, np.zeros(4), 1.0)
    with pytest.raises(ValueError, match="capacity"):
        sparse.compress(grad, np.zeros(4), -1.0)
    out = np.zeros((4, 3), f4)
    read_only = out.copy()
    read_only.flags.writeable = False
    for chunks, classes, to, error in (
        ([kept], np.ones((5, 3), f4), out, ValueError),  # another number of classes
        ([kept], np.ones((6, 2), f4), out, ValueError),  # another width
        ([kept], np.ones((6, 3), f4), out[:3], ValueError),  # another number of rows
        ([kept, kept], np.ones((6, 3), f4), out, ValueError),
        ([kept, other], np.ones((6, 3), f4), np.zeros((8, 3), f4), ValueError),
        ([wide], np.ones((6, 3), f4), out, ValueError),  # another compute type
        ([kept], np.ones((6, 3)), out.astype(np.float64), ValueError),
        ([kept], np.ones((6, 3), f4), out.astype(np.float64), ValueError),
        ([kept], np.ones((3, 6), f4).T, out, ValueError),  # last axis not contiguous
        ([], np.ones((6, 3), f4), out, ValueError),
        ([kept], np.ones((6, 3), f4), read_only, (BufferError, ValueError)),
    ):
        with pytest.raises(error):
            sparse.add_times_classes([chunk.entries for chunk in chunks], classes, to)
    for rows, to in ((5, np.zeros((6, 3), f4)), (4, np.zeros((4, 3), f4))):
        with pytest.raises(ValueError, match=r"hidden|out"):
            sparse.add_times_hidden([kept.entries], np.ones((rows, 3), f4), to)


def test_entries_cannot_be_forged() -> None:
    with pytest.raises(TypeError):
        _kernels.Entries()
    classes, out = np.ones((6, 3), np.float32), np.zeros((4, 3), np.float32)
    for forged in ([None], [object()], [(1, 2)], None):
        with pytest.raises((TypeError, ValueError)):
            _kernels.add_times_classes(1, forged, classes, out)  # type: ignore[arg-type]
        with pytest.raises((TypeError, ValueError)):
            _kernels.compress(1, out, forged, out, out, 3)


@pytest.mark.parametrize("instruction_set", neglog.cpu_info().supported)
def test_against_numpy_on(instruction_set: str) -> None:
    """In a process of its own: the instruction set is chosen once, at import."""
    assert_runs_on(instruction_set, __file__)


if __name__ == "__main__":
    for name in DTYPES:
        for sizes in SHAPES:
            check(*problem(*sizes, name))
    print(neglog.cpu_info().instruction_set)
