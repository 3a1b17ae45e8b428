"""Value, gradient, curvature and preconditioner of the objective, and what a step costs."""

from functools import reduce
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra cli")

from learn_helpers.objectives import Counted, Doubles, objective_of, shares
from scipy.optimize import approx_fprime
from scipy.sparse import csr_array
from scipy.special import softmax

from neglog.learn import _in_memory
from neglog.learn._in_memory import Rows
from neglog.learn._rows import Moments, Scaling
from neglog.learn._solver import class_blocks
from neglog.learn._solver.newton import newton
from neglog.learn._solver.objective import Penalised


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_gradient_and_hessian_are_the_slopes(sparse: bool, soft: bool) -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(40, 3)) * [1.0, 30.0, 0.5] + [0.0, 200.0, 5.0]
    target = rng.dirichlet(np.ones(4), 40) if soft else rng.integers(0, 4, size=40)
    share = rng.dirichlet(np.ones(40))
    objective = objective_of(csr_array(X) if sparse else X, target, share, 4, 0.3)
    theta, v = rng.normal(size=(2, 4, 4))

    def value(flat: Doubles) -> float:
        return objective.value_and_gradient(flat.reshape(4, 4))[0]

    def slope(flat: Doubles) -> float:
        return float(np.vdot(objective.value_and_gradient(flat.reshape(4, 4))[1], v))

    gradient = objective.value_and_gradient(theta)[1]
    product = objective.hessian_product(v)
    assert gradient.ravel() == pytest.approx(approx_fprime(theta.ravel(), value, 1e-7), 1e-6, 2e-5)
    assert product.ravel() == pytest.approx(approx_fprime(theta.ravel(), slope, 1e-7), 1e-6, 2e-5)


def test_the_curvature_of_classes_and_columns_saves_products() -> None:
    """Columns of unlike size and classes of unlike number: 94 products instead of 1,010."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5)) @ rng.standard_normal((5, 5)) * [1, 5, 1, 0.2, 1]
    z = X @ rng.standard_normal((5, 40)) + 2 * rng.standard_normal(40)
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    objective = objective_of(X, y, np.full(300, 1 / 300), 40, 1e-3)
    with_it, without = Counted(objective), Counted(objective, preconditioned=False)
    found = [newton(o, np.zeros((40, 6)), max_iter=300, tol=1e-7) for o in (with_it, without)]
    assert found[0].value == pytest.approx(found[1].value, rel=1e-6)
    assert with_it.products < 0.6 * without.products


def drawn(rows: int, columns: int, classes: int, seed: int = 0) -> tuple[Doubles, Any]:
    """Features, and labels from a softmax model of them whose p are near 0 and 1."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((rows, columns))
    z = 2 * X @ rng.standard_normal((columns, classes))
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def drawn_words(rows: int, columns: int, classes: int) -> tuple[Any, Any]:
    """Sparse features, a few in most rows and alike, as words are; labels of a model of them."""
    rng = np.random.default_rng(4)
    rate = 2.0 / (1 + np.arange(columns))
    rate[:3] = 2.0
    X = rng.poisson(rate, (rows, columns)) + rng.poisson(6, (rows, 1)) * (rate > 1.5)
    z = 0.7 * X @ rng.standard_normal((columns, classes))
    return csr_array(X.astype(float)), (z + rng.gumbel(size=z.shape)).argmax(axis=1)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_blocks_of_classes_are_those_of_the_hessian(
    fit_intercept: bool, sparse: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As far as all rows count as near; of sparse rows the blocks of the most frequent columns."""
    monkeypatch.setattr(class_blocks, "_NEAR", 0.0)
    monkeypatch.setattr(class_blocks, "_SPREAD", 1.0)
    monkeypatch.setattr(class_blocks, "_ROWS", 400)
    monkeypatch.setattr(_in_memory, "MOST_FREQUENT", 3)
    X, y = drawn_words(400, 8, 12) if sparse else drawn(400, 3, 12)
    scaling = Scaling.of(Moments.of(X, shares(400)), centred=fit_intercept and not sparse)
    rows = Rows(X, y, shares(400), 12, scaling)
    objective = Penalised(rows, 1e-2, fit_intercept=fit_intercept)
    theta = (1 if sparse else 4) * np.random.default_rng(1).normal(size=(12, X.shape[1] + 1))
    theta[:, -1] *= fit_intercept
    objective.value_and_gradient(theta)
    objective._sharpen(0.0)
    assert objective._blocks is not None
    columns, inverse = objective._blocks
    columns = np.arange(X.shape[1] + 1)[columns]
    assert list(columns) == ([0, 1, 2, 8] if sparse else [0, 1, 2, 3])
    for k in range(12):
        for column in columns[: 3 + fit_intercept]:
            v = np.zeros_like(theta)
            v[k, column] = 1
            product = np.zeros((12, 4))
            product[k] = objective.hessian_product(v)[k, columns]
            found = inverse(product, objective._curvature)
            assert found == pytest.approx(v[:, columns], abs=1e-9)


@pytest.mark.parametrize("sparse", [False, True])
def test_blocks_of_classes_save_products(sparse: bool) -> None:
    """48 products instead of 107, of sparse rows 116 instead of 372, to the same optimum."""
    X, y = drawn_words(3000, 60, 30) if sparse else drawn(3000, 12, 30)
    with_blocks, without = (objective_of(X, y, shares(3000), 30, 1e-4) for _ in range(2))
    without._many = 10**9
    counted = [Counted(with_blocks), Counted(without)]
    start = np.zeros((30, X.shape[1] + 1))
    found = [newton(o, start, max_iter=100, tol=1e-9) for o in counted]
    assert with_blocks._blocks is not None
    assert all(each.converged for each in found)
    assert found[0].value == pytest.approx(found[1].value, rel=1e-12)
    assert counted[0].products < 0.6 * counted[1].products


def test_a_sample_of_near_rows_weighs_as_much_as_all() -> None:
    rng = np.random.default_rng(0)
    of_class = rng.choice(4, 5000, p=[0.5, 0.4, 0.098, 0.002])
    weight = rng.random(5000).astype(np.float32)
    near = class_blocks.Near(np.arange(5000), of_class, weight)
    found = near.sample(300, 4)
    counts = np.bincount(found.of_class, minlength=4)
    assert counts[:3] == pytest.approx([300] * 3, abs=60)
    assert counts[3] == (of_class == 3).sum()
    assert found.total(4) == pytest.approx(near.total(4), rel=1e-5)
    ratio = found.weight / weight[found.rows]
    assert ratio[found.of_class == 3] == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("classes", [30, 70])
def test_blocks_are_the_same_where_probabilities_are_not_kept(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    X, y = drawn(3000, 4, classes)
    theta = 2 * np.random.default_rng(2).normal(size=(classes, 5))
    v = np.random.default_rng(3).normal(size=(classes, 5))
    monkeypatch.setattr(Rows, "_is_tiny", lambda self: False)
    found = []
    for most in (_in_memory.MOST_KEPT, 0):
        monkeypatch.setattr(_in_memory, "MOST_KEPT", most)
        objective = objective_of(X, y, shares(3000), classes, 1e-3)
        objective.value_and_gradient(theta)
        objective._sharpen(0.0)
        assert objective._blocks is not None
        found.append(objective.precondition(v))
    assert found[0] == pytest.approx(found[1], rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("classes", [3, 10, 70])
def test_parts_and_groups_of_classes_change_no_sum(
    classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows in parts, on threads, with few classes in groups of four: the sums of plain NumPy."""
    X, y = drawn(3000, 5, classes)
    share, theta = shares(3000), np.random.default_rng(2).normal(size=(classes, 6))
    v = np.random.default_rng(3).normal(size=(classes, 6))
    monkeypatch.setattr(Rows, "_is_tiny", lambda self: False)
    scaling = Scaling.of(Moments.of(X, share), centred=True)
    rows = Rows(X, y, share, classes, scaling)
    assert len(rows._parts()) > 1
    x = np.column_stack([(X - scaling.mean) / scaling.scale, np.ones(3000)])
    p = softmax(x @ theta.T, axis=1)
    wrong = share[:, None] * (p - np.eye(classes)[y])
    u = x @ v.T
    curved = share[:, None] * p * (u - (p * u).sum(1, keepdims=True))
    found = rows.first_order(theta)
    assert found.nll == pytest.approx(-(share @ np.log(p[np.arange(3000), y])), rel=1e-13)
    assert found.gradient == pytest.approx(wrong.T @ x, rel=1e-12, abs=1e-15)
    assert found.curvature == pytest.approx(share @ (p * (1 - p)), rel=1e-5)
    assert rows.second_order(theta, v) == pytest.approx(curved.T @ x, rel=1e-4, abs=1e-6)


def test_rough_sums_end_in_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps begin in float32; the optimum is that of float64."""
    monkeypatch.setattr(Rows, "_is_tiny", lambda self: False)
    X, y = drawn(1500, 8, 20)
    share = shares(1500)
    scaling = Scaling.of(Moments.of(X, share), centred=True)
    found = []
    for rough in (True, False):
        rows = Rows(X, y, share, 20, scaling, rough=rough)
        assert rows.rough is rough
        start = np.zeros((20, 9))
        found.append(newton(Penalised(rows, 1e-3), start, max_iter=100, tol=1e-8))
        assert not rows.rough
    assert all(each.converged for each in found)
    assert found[0].value == pytest.approx(found[1].value, rel=1e-13)
    assert found[0].theta == pytest.approx(found[1].theta, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_keeps_its_digits_whatever_units_and_offsets(seed: int) -> None:
    """Columns of 1e7 +- 1e-6 to 1e7 +- 1e6: the minimum is that of the standardised columns."""
    rng = np.random.default_rng(seed)
    units, rows = 10.0 ** np.linspace(-6, 6, 6), 600
    X = rng.normal(size=(rows, 6)) * units + 1e7
    far = X - X.mean(axis=0)  # X keeps 3 digits of a unit of 1e-6, and so does its mean
    z = far / units @ rng.normal(size=(6, 3))
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    share = np.full(rows, 1 / rows)
    plain = objective_of(far / far.std(axis=0), y, share, 3, 0.0)
    offset = objective_of(X, y, share, 3, 0.0)
    best, found = (newton(o, np.zeros((3, 7)), max_iter=50, tol=1e-10) for o in (plain, offset))
    assert best.converged
    assert found.converged
    assert found.value == pytest.approx(best.value, rel=1e-12)
    assert found.steps <= best.steps + 2
    np.testing.assert_allclose(offset.rows.scaling.scale, far.std(axis=0), rtol=1e-4)
    np.testing.assert_allclose(found.theta[:, :-1], best.theta[:, :-1], atol=1e-4)


def test_moments_of_parts_are_those_of_all_rows() -> None:
    """Offsets of 1e9 deviations, weights of 0, a column that never changes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 3)) * [1.0, 1e-3, 0.0] + [1e6, 1e6, 0.1]
    share = rng.integers(0, 3, size=90).astype(float)
    share[:10] = 0
    cuts = [slice(0, 10), slice(10, 11), slice(11, 60), slice(60, 90)]
    found = reduce(Moments.plus, [Moments.of(X[part], share[part]) for part in cuts])
    assert found.weight == share.sum()
    mean = X[0] + np.average(X - X[0], axis=0, weights=share)
    away = X - X[0] - np.average(X - X[0], axis=0, weights=share)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-14)
    np.testing.assert_allclose(found.squares[:2], (share @ away**2)[:2], rtol=1e-5)
    assert Scaling.of(found, centred=True).scale[2] == 1
