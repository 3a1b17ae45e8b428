"""The head with grad_tolerance: what stays exact, and rows that are special."""

import itertools
from typing import Any

import numpy as np
import pytest
from tolerance import (
    FLAT,
    MANY,
    OPTIONS,
    N,
    T,
    V,
    assert_info,
    assert_near,
    exact,
    expected,
    peaked,
    rows_of,
    slopes,
    solve,
)


@pytest.mark.parametrize("t", [1e-6, 1e-3, 0.1, 0.999])
@pytest.mark.parametrize("name", ["mean", "all"])
def test_row_and_class_sums_are_exact(name: str, t: float) -> None:
    """A column of ones in hidden makes one of dclasses the class sums; in classes, the row sums."""
    problem, options = peaked(7), OPTIONS[name] | {"z_loss": 1e-2}
    problem["hidden"][:, 0], problem["classes"][:, 1] = 1, 1
    _, (dhidden, dclasses, dbias), _ = solve(problem, t, memory=rows_of(20), **options)
    want = expected(problem, 0, **options)
    size = np.abs(want.dbias).max()
    np.testing.assert_allclose(dbias, want.dbias, rtol=1e-12, atol=1e-13 * size)
    np.testing.assert_allclose(dclasses[:, 0], want.dbias, rtol=1e-10, atol=1e-12 * size)
    sums = want.dhidden[:, 1]
    assert np.abs(sums).max() > 1e-4, "the z-loss makes them something"
    np.testing.assert_allclose(dhidden[:, 1], sums, rtol=1e-10, atol=1e-12 * np.abs(sums).max())


def test_without_tolerance_not_a_bit_changes() -> None:
    problem = peaked(8, np.float32)
    for options in OPTIONS.values():
        loss, gradients, info = solve(problem, 0.0, **options)
        plain = exact(problem, **options)
        np.testing.assert_array_equal(loss, plain[0])
        for have, want in zip(gradients, plain[1], strict=True):
            np.testing.assert_array_equal(have, want)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        assert info.bound.shape == (N,)
        assert not info.bound.any()


def test_less_tolerance_is_less_error() -> None:
    problem = peaked(9)
    _, want = exact(problem)
    found = []
    for t in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7):
        _, have, info = solve(problem, t)
        pairs = zip(have[:2], want[:2], strict=True)
        errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]
        found.append((*errors, info.mean_dropped, info.largest_dropped, -info.kept))
    for larger, smaller in itertools.pairwise(found):
        assert all(a > b for a, b in zip(larger, smaller, strict=True))
    assert max(found[-1][:2]) < 1e-6


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_smallest_tolerance_keeps_all_that_is_not_zero(dtype: Any) -> None:
    """Also below the smallest float32, and for rows in which most probabilities are 0."""
    problem, kept = peaked(10, dtype), []
    for scale in (1, 300):
        problem["hidden"] = problem["hidden"] * dtype(scale)
        _, gradients, info = solve(problem, 1e-300)
        assert_near(gradients, exact(problem)[1], 2e-6 if dtype == np.float32 else 1e-13)
        assert info.largest_dropped < 1e-290
        kept.append(info.kept)
    assert kept[0] == 1
    assert 0 < kept[1] < 0.1


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_row_left(reduction: str) -> None:
    problem = peaked(11)
    nobody = problem | {"target": np.full(N, -100)}
    nothing = problem | {"hidden": problem["hidden"][:0], "target": problem["target"][:0]}
    for empty in (nobody, nothing):
        loss, gradients, info = solve(empty, reduction=reduction)
        assert not np.any(loss)
        assert not any(x.any() for x in gradients)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        assert info.bound.shape == empty["target"].shape
        assert not info.bound.any()


def test_rows_that_do_not_count_harm_nobody() -> None:
    problem, left_out = peaked(12), [3, 30]
    problem["target"][left_out] = -100
    grad = slopes(problem, {})
    clean = {groups: expected(problem, T, groups=groups, grad=grad) for groups in (1, MANY)}
    for wrong, groups in itertools.product((np.nan, np.inf), clean):
        problem["hidden"][left_out] = wrong
        _, gradients, info = solve(problem, memory=rows_of(11) if groups == 1 else None)
        assert_near(gradients, clean[groups][:3], 1e-10)
        assert_info(info, clean[groups], 1e-9)
        assert not gradients[0][left_out].any()
        assert not info.bound[left_out].any()


@pytest.mark.parametrize("what", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("t", [T, 0.5])
def test_what_is_no_number_reaches_the_gradients(what: float, t: float) -> None:
    problem = peaked(13)
    problem["hidden"][5, 2] = what
    with np.errstate(invalid="ignore"):
        _, (dhidden, dclasses, dbias), _ = solve(problem, t)
    assert np.isnan(dhidden[5]).all()
    assert np.isfinite(np.delete(dhidden, 5, 0)).all()
    assert np.isnan(dclasses).all()
    assert np.isnan(dbias).all()


@pytest.mark.parametrize("gap", [30.0, 200.0, 2000.0])
def test_a_confident_model_divides_by_nothing(gap: float) -> None:
    """Every entry is left out; with a gap of 2000 the sum of what is left out is 0."""
    random = np.random.default_rng(14)
    classes, target = random.normal(size=(V, 12)), random.integers(0, V, N)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    problem = {"hidden": gap * classes[target], "classes": classes, "bias": np.zeros(V),
               "target": target}  # fmt: skip
    want = expected(problem, T)
    _, gradients, info = solve(problem)
    assert_near(gradients, want[:3], 1e-9)
    assert all(np.abs(x).max() < 1e-2 * gap for x in gradients)
    assert info.kept == want.kept.mean()
    np.testing.assert_allclose(info.bound, want.bound, rtol=1e-9, atol=1e-300)


def test_threads_do_not_change_a_bit(threads: Any) -> None:
    problem, results = peaked(15, np.float32, FLAT), []
    for count in (1, 2, 3):
        threads(count)
        results.append(solve(problem, 1e-4, memory=rows_of(10, 4)))
    for loss, gradients, info in results[1:]:
        assert loss == results[0][0]
        for have, want in zip(gradients, results[0][1], strict=True):
            np.testing.assert_array_equal(have, want)
        np.testing.assert_array_equal(info.bound, results[0][2].bound)
        assert info.mean_dropped == results[0][2].mean_dropped
