"""Curves of rows whose target is unlikely, against 80-bit floats from their definition."""

from typing import Any

import numpy as np
import oracle
import pytest
from checks import assert_identical
from engine_helpers.score_checks import BETAS, DTYPES, WIDTHS, problem, rows_for

from neglog._engine.scores import Scores, scores

LONGDOUBLE = np.longdouble
NEVER = np.full(len(BETAS), np.inf)


def log_sums(x: Any) -> tuple[Any, Any]:
    """log sum exp(beta x) and its slope in log beta, (n, 9); an x of -inf is left out."""
    value, slope = np.empty((2, len(x), len(BETAS)), LONGDOUBLE)
    for k, beta in enumerate(BETAS):
        e = np.exp(beta * x)
        value[:, k] = np.log(e.sum(1))
        slope[:, k] = beta * np.where(e > 0, e * np.maximum(x, -1e30), 0).sum(1) / e.sum(1)
    return value, slope


def exact(z: Any, y: Any) -> tuple[Any, Any]:
    """(n, 4, 9): A - B, its slope, B, its slope; and the nll at each beta, (n, 9)."""
    wide = oracle.wide(z)
    own, top = wide[np.arange(len(z)), y][:, None], wide.max(1)[:, None]
    a, a_slope = log_sums(np.where(wide <= own, wide - own, -LONGDOUBLE(np.inf)))
    b, b_slope = log_sums(wide - top)
    return np.stack([a - b, a_slope - b_slope, b, b_slope], 1), b + BETAS * (top - own)


def found(z: Any, y: Any, from_nll: Any, weight: Any = None) -> Scores:
    return scores(z, y, weight=weight, from_nll=from_nll)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", WIDTHS)
def test_against_the_definition(v: int, dtype: str) -> None:
    z, y, _ = problem(rows_for(v), v, dtype)
    curves, _ = exact(z, y)
    have = found(z, y, np.zeros(len(BETAS)))
    wrong = np.flatnonzero(oracle.wide(z).argmax(1) != y)
    np.testing.assert_array_equal(have.unlikely, wrong)
    np.testing.assert_allclose(have.curves, curves[wrong].astype(float), rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("v", [3, 10, 300])
@pytest.mark.parametrize("k", range(len(BETAS)))
def test_the_limit_of_one_temperature_decides(v: int, k: int) -> None:
    z, y, _ = problem(200, v, "float32")
    nll = exact(z, y)[1][:, k].astype(float)
    from_nll = NEVER.copy()
    from_nll[k] = np.quantile(nll, 0.7) + 1e-9
    wrong = oracle.wide(z).argmax(1) != y
    have = found(z, y, from_nll).unlikely
    np.testing.assert_array_equal(have, np.flatnonzero((nll >= from_nll[k]) & wrong))
    assert 0 < len(have) < wrong.sum()


@pytest.mark.parametrize("v", [4, 300])
def test_ties_with_the_target_belong_to_its_tail(v: int) -> None:
    z = np.zeros((1, v), np.float32)
    z[0, 0] = 5
    for y in (1, v - 1):
        tail = found(z, np.array([y]), np.zeros(len(BETAS))).curves[0, 0] - BETAS * 5
        p = (v - 1) / (np.exp(5 * BETAS) + v - 1)
        np.testing.assert_allclose(np.exp(tail), p, rtol=2e-5)


def test_what_is_left_out() -> None:
    """A weight of 0, no class, no finite loss; and everything without a limit."""
    z, y, w = problem(40, 10, "float32")
    y[:] = oracle.wide(z).argmin(1)
    w[3], y[5], z[7, y[7]] = 0, 10, -np.inf
    have = found(z, y, np.zeros(len(BETAS)), w)
    np.testing.assert_array_equal(have.unlikely, np.setdiff1d(np.arange(40), [3, 5, 7]))
    assert found(z, y, NEVER, w).unlikely.shape == (0,)
    assert scores(z, y, weight=w).curves.shape == (0, 4, 9)


def test_a_row_does_not_depend_on_the_others() -> None:
    for v in (10, 300):
        z, y, _ = problem(60, v, "float32")
        whole = found(z, y, np.zeros(len(BETAS)))
        for i, row in enumerate(whole.unlikely.tolist()):
            alone = found(z[row : row + 1], y[row : row + 1], np.zeros(len(BETAS)))
            assert_identical(alone.curves[0], whole.curves[i], f"row {row} of {v} classes")
