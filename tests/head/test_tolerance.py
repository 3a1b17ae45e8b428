"""The head with grad_tolerance: what is left out of the gradient, and what replaces it."""

from typing import Any

import ml_dtypes
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
    grouped,
    peaked,
    rows_of,
    slopes,
    solve,
)


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("name", OPTIONS)
def test_the_result_is_that_of_the_mathematics(name: str, soft: bool) -> None:
    """For any chunks: one chunk, a few, or one per row. The loss is exact."""
    problem, options = peaked(), dict(OPTIONS[name])
    if "ignore_index" in options:
        problem["target"][::5] = 7
    if soft:
        options.pop("ignore_index", None)
        chosen = np.random.default_rng(3).dirichlet(np.ones(5), N)
        classes = np.random.default_rng(3).integers(0, V, (N, 5))
        problem["target"] = np.zeros((N, V))
        np.put_along_axis(problem["target"], classes, chosen, 1)
    chunks = [(None, MANY), (rows_of(15), 1), (rows_of(1), 1)]
    grad = slopes(problem, options)
    for memory, groups in chunks if name == "all" else chunks[:2]:
        want = expected(problem, T, groups=groups, grad=grad, **options)
        assert want.kept[want.used].mean(1).max() < 1 / 16, "no chunk takes the dense way"
        loss, gradients, info = solve(problem, memory=memory, **options)
        plain = exact(problem, memory=memory, **options)
        np.testing.assert_allclose(loss, plain[0], rtol=1e-13)
        assert_near(gradients, want[:3], 1e-10)
        assert_info(info, want, 1e-9)
        with pytest.raises(AssertionError):
            assert_near(gradients[:2], plain[1][:2], 1e-6)  # something was left out


@pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-4), (np.float16, 1e-3), (ml_dtypes.bfloat16, 5e-3)], ids=str
)
def test_other_dtypes(dtype: Any, rtol: float) -> None:
    """A gradient of halves is rounded once."""
    problem = peaked(1, dtype)
    grad = slopes(problem, {"reduction": "sum"})
    for memory, groups in ((None, MANY), (rows_of(7, 4), 1)):
        want = expected(problem, T, groups=groups, grad=grad, reduction="sum")
        _, gradients, info = solve(problem, memory=memory, reduction="sum")
        assert_near(gradients, want[:3], rtol)
        assert_info(info, want, 1e-3)
        assert {x.dtype for x in gradients} == {np.dtype(dtype)}
        assert info.bound.dtype == np.float64


def test_mixed_types_and_layouts() -> None:
    problem = peaked(2)
    want = expected(problem, T)
    spread = np.zeros((N, 24))
    spread[:, ::2] = problem["hidden"]
    turned = {"hidden": spread[:, ::2], "classes": np.asfortranarray(problem["classes"])}
    _, gradients, _ = solve(problem | turned)
    assert_near(gradients, want[:3], 1e-10)
    problem["hidden"] = problem["hidden"].astype(np.float32)
    _, gradients, _ = solve(problem)
    assert [x.dtype.name for x in gradients] == ["float32", "float64", "float64"]
    assert_near(gradients, expected(problem, T)[:3], 1e-7)


def test_hidden_may_have_any_leading_shape() -> None:
    problem = peaked(3)
    want = expected(problem, T, groups=1)
    problem["hidden"] = problem["hidden"].reshape(2, 20, -1)
    problem["target"] = problem["target"].reshape(2, 20)
    _, gradients, info = solve(problem, memory=rows_of(9))
    assert gradients[0].shape == problem["hidden"].shape
    assert info.bound.shape == (2, 20)
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)
    one = {**problem, "hidden": problem["hidden"][0, 0], "target": problem["target"][0, 0]}
    _, gradients, info = solve(one)
    assert gradients[0].shape == (12,)
    assert info.bound.shape == ()


def test_nothing_of_the_callers_is_written_to() -> None:
    problem = peaked(4)
    before = {name: array.copy() for name, array in problem.items()}
    for array in problem.values():
        array.flags.writeable = False
    solve(problem)
    assert all(np.array_equal(before[name], problem[name]) for name in problem)


# ---- where much would be kept


def test_a_flat_problem_is_exact() -> None:
    problem = peaked(5, flat=slice(None))
    for memory in (None, rows_of(8)):
        _, gradients, info = solve(problem, 1 / V, memory=memory)
        assert_near(gradients, exact(problem, memory=memory)[1], 1e-14)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        np.testing.assert_array_equal(info.bound, np.zeros(N))


def test_a_flat_chunk_is_exact_among_others_that_are_not() -> None:
    problem = peaked(6, flat=FLAT)
    want = expected(problem, 1 / V, dense=FLAT, groups=1)
    assert want.kept[: FLAT.start].mean() < 0.1
    _, gradients, info = solve(problem, 1 / V, memory=rows_of(10))
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)
    assert not info.bound[FLAT].any()


@pytest.mark.parametrize("some_flat", [False, True])
def test_groups_and_chunks_need_not_agree(some_flat: bool) -> None:
    """Two groups, one after the other, in three chunks; groups of flat rows are exact."""
    n, chunks = 200, 3
    flat = slice(n // 2, n) if some_flat else None
    problem, t = peaked(18, flat=flat, n=n), 1 / V
    if some_flat:
        problem["hidden"][flat] += 5e-3 * problem["classes"][0]  # so that they are of one group
    group = grouped(problem["hidden"], np.ones(n, bool), 2)
    order, grad = np.argsort(group, kind="stable"), slopes(problem, {})
    kept = expected(problem, t, grad=grad).kept
    dense = np.zeros(n, bool)
    for k in range(chunks):
        part = order[n * k // chunks : n * (k + 1) // chunks]
        shares = [kept[part[group[part] == g]].mean() for g in np.unique(group[part])]
        dense[part] = max(shares) > 1 / 16
    assert dense.any() == some_flat
    assert not dense.all()
    want = expected(problem, t, dense, groups=2, grad=grad)
    _, gradients, info = solve(problem, t, memory=100 * V * 8)
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)
