"""The head with grad_tolerance: how far off results may be, and which arguments are accepted."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tolerance import (
    T,
    exact,
    peaked,
    solve,
)

import neglog


@settings(max_examples=60)
@given(st.data(), st.integers(1, 8), st.integers(1, 5), st.integers(1, 40))
def test_no_row_is_further_off_than_the_bound(data: Any, n: int, d: int, v: int) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    spread = data.draw(st.sampled_from([0.1, 3.0, 30.0]))
    problem = {
        "hidden": spread * random.normal(size=(n, d)),
        "classes": random.normal(size=(v, d)) + 5,
        "target": random.integers(0, v, n),
        "bias": random.normal(size=v),
    }
    if data.draw(st.booleans()):
        problem["target"] = random.dirichlet(np.ones(v), n)
    possible = {
        "weight": random.uniform(0.1, 2, v),
        "row_weight": random.integers(0, 3, n).astype(float),
        "label_smoothing": 0.1,
        "z_loss": 1e-2,
        "temperature": random.uniform(0.5, 2, n),
        "softcap": 5.0,
        "reduction": data.draw(st.sampled_from(["mean", "sum", "none"])),
    }
    options = {k: possible[k] for k in data.draw(st.sets(st.sampled_from(list(possible))))}
    t = data.draw(st.sampled_from([1e-6, 1e-3, 0.1, 0.9]))
    _, have, info = solve(problem, t, memory=data.draw(st.integers(1, 4)) * v * 10, **options)
    _, want = exact(problem, **options)
    off = np.linalg.norm(have[0] - want[0], axis=1)
    rounding = 1e-13 * np.abs(problem["classes"]).sum()
    assert (off <= info.bound * (1 + 1e-12) + rounding).all()
    assert 0 <= info.kept <= 1
    assert 0 <= info.mean_dropped <= info.largest_dropped


def test_the_bound_is_not_absurd() -> None:
    for t in (1e-5, T):
        problem = peaked(16)
        _, have, info = solve(problem, t)
        off = np.linalg.norm(have[0] - exact(problem)[1][0], axis=1)
        assert (off <= info.bound).all()
        assert info.bound.max() < 1e4 * off.max()
        assert np.median(info.bound) < 1e4 * np.median(off)


def test_info_is_of_the_last_call_and_can_be_read() -> None:
    problem, info = peaked(17), neglog.HeadInfo()
    arguments: Any = (problem["hidden"], problem["classes"], problem["target"])
    neglog.linear_cross_entropy_and_grad(*arguments, grad_tolerance=T, info=info)
    kept, said = info.kept, repr(info)
    assert 0 < kept < 0.1
    for name in ("HeadInfo", "kept", "mean_dropped", "largest_dropped"):
        assert name in said
    assert len(said) < 300, "not every row's bound"
    neglog.linear_cross_entropy_and_grad(*arguments, grad_tolerance=0.5, info=info)
    assert info.kept < kept
    neglog.linear_cross_entropy_and_grad(*arguments, info=info)
    assert info.kept == 1
    assert not info.bound.any()


@pytest.mark.parametrize("t", [-0.1, -1e-300, 1, 1.0, 2, math.inf, -math.inf, math.nan])
def test_a_tolerance_that_is_no_share_is_refused(t: float) -> None:
    with pytest.raises(ValueError, match="grad_tolerance"):
        solve(peaked(), t)


@pytest.mark.parametrize("t", ["0.1", None, True, [0.1], 1j, np.array([0.1, 0.2])], ids=repr)
def test_a_tolerance_that_is_no_number_is_refused(t: Any) -> None:
    with pytest.raises(TypeError, match="grad_tolerance"):
        solve(peaked(), t)


@pytest.mark.parametrize("info", [{}, 1, "info", neglog.HeadInfo], ids=repr)
@pytest.mark.parametrize("t", [0.0, T])
def test_an_info_of_another_type_is_refused(info: Any, t: float) -> None:
    problem = peaked()
    with pytest.raises(TypeError, match="info"):
        neglog.linear_cross_entropy_and_grad(
            problem["hidden"], problem["classes"], problem["target"], grad_tolerance=t, info=info
        )
