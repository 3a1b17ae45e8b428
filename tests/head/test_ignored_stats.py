"""Statistics of rows whose target is ignored: nll 0, and what needs no target as it is."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of

NUMBERS = ("nll", "lse", "entropy", "argmax")


def logits(dtype: str) -> Any:
    z = np.random.default_rng(4).standard_normal((12, 5)) * 4
    return z.astype(np.float32).astype(dtype_of(dtype))


def of_head(face: Any, z: Any, target: Any, **options: Any) -> Any:
    """The statistics of a head whose logits are exactly z."""
    return face.linear_row_stats(z, np.eye(z.shape[-1]).astype(z.dtype), target, **options)


def of_logits(face: Any, z: Any, target: Any, **options: Any) -> Any:
    return face.row_stats(face.array(z), target, **options)


@pytest.mark.parametrize("stats", [of_logits, of_head])
@pytest.mark.parametrize("dtype", list(ULPS))
# the usual number; a class; the largest number; one that narrow targets hold as an unsigned one
@pytest.mark.parametrize("ignore", [-100, 3, 2**63 - 1, 255])
def test_an_ignored_row_has_all_but_its_nll(face: Any, stats: Any, dtype: str, ignore: int) -> None:
    z, target = logits(dtype), np.arange(12) % 5
    target[::5] = ignore
    kept = target != ignore
    options = {} if ignore == -100 else {"ignore_index": ignore}
    found = stats(face, z, target, **options)
    r = oracle.rows(z)
    nll = np.where(kept, -r.log_p[np.arange(12), np.where(kept, target, 0)], 0)
    for have, want in ((found.nll, nll), (found.lse, r.lse), (found.entropy, oracle.entropy(r))):
        size = np.maximum(np.abs(want), 1)
        assert_ulps(face.numpy(have), want, RESULT_DTYPE[dtype], ULPS[dtype].nll, "", size=size)
    assert (face.numpy(found.nll)[~kept] == 0).all()
    # Every other number has the bits that it has with any class for a target.
    known = stats(face, z, np.where(kept, target, 0), ignore_index=-1)
    for name in NUMBERS[1:]:
        have, want = getattr(found, name), getattr(known, name)
        assert_identical(face.numpy(have), face.numpy(want), name)


@pytest.mark.parametrize("stats", [of_logits, of_head])
@pytest.mark.parametrize("kind", ["i1", "u1", "i4", "u8"])
def test_targets_of_any_width(face: Any, stats: Any, kind: str) -> None:
    ignore = 255 if kind[0] == "u" else -100
    target = np.array([0, ignore % 2**64 if kind == "u8" else ignore, 2, ignore]).astype(kind)
    found = stats(face, logits("float32")[:4], target, ignore_index=ignore)
    np.testing.assert_array_equal(face.numpy(found.nll) == 0, [False, True, False, True])


@pytest.mark.parametrize("stats", [of_logits, of_head])
def test_all_rows_ignored_one_row_and_none(face: Any, stats: Any) -> None:
    z = logits("float64")
    assert (face.numpy(stats(face, z, np.full(12, -100)).nll) == 0).all()
    assert stats(face, z[:0], np.zeros(0, int)).nll.shape == (0,)
    one = stats(face, z[0], np.array(-100))
    assert float(one.nll) == 0
    assert float(one.lse) == pytest.approx(float(oracle.rows(z[:1]).lse[0]))


@pytest.mark.parametrize("stats", [of_logits, of_head])
def test_a_nan_in_an_ignored_row_costs_nothing(face: Any, stats: Any) -> None:
    z = logits("float32")
    z[1], z[2] = np.nan, -np.inf if stats is of_logits else np.nan
    found = stats(face, z, np.array([0, -100, -100] + 9 * [1]))
    assert (face.numpy(found.nll)[1:3] == 0).all()
    assert np.isfinite(face.numpy(found.nll)).all()
    assert np.isnan(face.numpy(found.lse)[1])


@pytest.mark.parametrize("stats", [of_logits, of_head])
@pytest.mark.parametrize("bad", [-1, 5, -100, 2**40])
def test_other_targets_out_of_range_are_errors(face: Any, stats: Any, bad: int) -> None:
    target = np.array([0, -7, 2, bad])
    with face.raises(IndexError, rf"target\[3\] is {bad}\b"):
        stats(face, logits("float32")[:4], target, ignore_index=-7)


@pytest.mark.parametrize("stats", [of_logits, of_head])
@pytest.mark.parametrize(
    ("bad", "error"),
    [(1.5, TypeError), ("none", TypeError), (True, TypeError), (2**63, ValueError)],
)
def test_what_is_no_number_of_a_class(
    face: Any, stats: Any, bad: Any, error: type[Exception]
) -> None:
    with face.raises(error, "ignore_index"):
        stats(face, logits("float32")[:2], np.zeros(2, int), ignore_index=bad)


def test_an_axis_and_more_rows(face: Any) -> None:
    """Rows that are not the first axis: class-major pixels of an image."""
    z = np.random.default_rng(5).standard_normal((2, 5, 4, 8))
    target = np.random.default_rng(6).integers(0, 5, (2, 4, 8))
    target[0, 1, ::3] = -100
    found = face.row_stats(face.array(z), target, axis=1)
    known = face.row_stats(face.array(z), target.clip(0), axis=1)
    want = np.where(target == -100, 0, face.numpy(known.nll))
    assert_identical(face.numpy(found.nll), want, "nll")
    for name in NUMBERS[1:]:
        have, want = getattr(found, name), getattr(known, name)
        assert_identical(face.numpy(have), face.numpy(want), name)


def test_chosen_classes_of_an_ignored_row(face: Any) -> None:
    z = logits("float64")[:3]
    chosen = np.array([[0, 4], [1, 1], [2, 3]])
    found, log_p = of_head(face, z, np.array([1, -100, 0]), chosen=chosen)
    assert float(found.nll[1]) == 0
    want = oracle.rows(z).log_p[np.arange(3)[:, None], chosen]
    np.testing.assert_allclose(face.numpy(log_p), want.astype(float), rtol=1e-12)
