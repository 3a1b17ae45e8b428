"""Blocks of classes of few rows, and how often the start is seen."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra cli")

from learn_helpers.objectives import Counted, Doubles, objective_of, shares

from neglog.learn import SoftmaxRegression
from neglog.learn._in_memory import Rows
from neglog.learn._rows import Moments, Scaling
from neglog.learn._solver import class_blocks, low_rank
from neglog.learn._solver.low_rank import LowRank
from neglog.learn._solver.newton import newton
from neglog.learn._solver.objective import Penalised


def few_rows(rows: int = 200, columns: int = 24, classes: int = 60) -> tuple[Doubles, Any]:
    """Three rows of each class and a bit, near its mean."""
    rng = np.random.default_rng(5)
    y = rng.permutation(np.resize(np.arange(classes), rows))
    means = rng.standard_normal((classes, columns))
    return means[y] + rng.standard_normal((rows, columns)), y


@pytest.mark.parametrize("damping", [0.0, 0.5])
@pytest.mark.parametrize("most", [200, 2])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_blocks_of_classes_of_few_rows_are_those_of_the_hessian(
    fit_intercept: bool, most: int, damping: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of low rank and whole, where all rows count as near; and at another curvature."""
    monkeypatch.setattr(class_blocks, "_NEAR", 0.0)
    monkeypatch.setattr(class_blocks, "_SPREAD", 1.0)
    monkeypatch.setattr(low_rank, "_MOST", most)
    monkeypatch.setattr(low_rank, "_LEAST", 1e-9)
    X, y = few_rows()
    scaling = Scaling.of(Moments.of(X, shares(200)), centred=fit_intercept)
    rows = Rows(X, y, shares(200), 60, scaling)
    monkeypatch.setattr(Rows, "has_few_rows", True)
    objective = Penalised(rows, 1e-2, fit_intercept=fit_intercept)
    theta = 0.3 * np.random.default_rng(1).normal(size=(60, 25))
    theta[:, -1] *= fit_intercept
    objective.value_and_gradient(theta)
    objective._sharpen(damping)
    assert objective._blocks is not None
    inverse = objective._blocks.times
    curvature = objective._curvature + damping * objective._inverse.mass
    assert isinstance(inverse, LowRank) == (most == 200)
    for k in range(0, 60, 7):
        for column in range(0, 24 + fit_intercept, 4):
            v = np.zeros_like(theta)
            v[k, column] = 1
            product = np.zeros_like(theta)
            product[k] = objective.hessian_product(v, damping)[k]
            assert inverse(product, curvature) == pytest.approx(v, abs=1e-5)
            assert 4 * inverse(product, 4 * curvature) == pytest.approx(v, abs=1e-5)


@pytest.mark.parametrize("most", [32, 1])
def test_blocks_of_classes_of_few_rows_save_products(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """50 products instead of 114; whole blocks of classes of two rows or more save as many."""
    monkeypatch.setattr(Rows, "_is_tiny", lambda self: False)
    monkeypatch.setattr(low_rank, "_MOST", most)
    X, y = few_rows()
    with_blocks, without = (objective_of(X, y, shares(200), 60, 1e-4) for _ in range(2))
    assert with_blocks.rows.has_few_rows
    without._many, without._is_slow = 10**9, False
    counted = [Counted(with_blocks), Counted(without)]
    found = [newton(o, np.zeros((60, 25)), max_iter=100, tol=1e-8) for o in counted]
    assert with_blocks._blocks is not None
    assert all(each.converged for each in found)
    assert found[0].value == pytest.approx(found[1].value, rel=1e-9)
    assert counted[0].products < 0.6 * counted[1].products


def test_the_start_is_seen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The way to the discriminant begins where the first step does."""
    seen: list[Doubles] = []
    first_order = Rows.first_order

    def counted(self: Rows, theta: Doubles) -> Any:
        seen.append(theta)
        return first_order(self, theta)

    monkeypatch.setattr(Rows, "first_order", counted)
    SoftmaxRegression().fit(*few_rows())
    assert sum(not theta.any() for theta in seen) == 1
