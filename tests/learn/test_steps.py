"""Value, gradient, curvature and preconditioner of the objective, and what a step costs."""

from functools import reduce
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from scipy.optimize import approx_fprime
from scipy.sparse import csr_array

from neglog.learn._newton import newton
from neglog.learn._objective import Penalised
from neglog.learn._rows import Moments, Rows, Scaling

Doubles = NDArray[np.float64]


def objective_of(X: Any, target: Any, share: Doubles, classes: int, l2: float) -> Penalised:
    scaling = Scaling.of(Moments.of(X, share), centred=isinstance(X, np.ndarray))
    return Penalised(Rows(X, target, share, classes, scaling), l2)


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


class Counted:
    """An objective that counts its products."""

    def __init__(self, objective: Penalised, *, preconditioned: bool = True) -> None:
        self.products, self._of, self.precision = 0, objective, objective.precision
        self.value_and_gradient = objective.value_and_gradient
        self.metric = objective.metric
        self.precondition = objective.precondition if preconditioned else lambda v, _: v.copy()

    def hessian_product(self, v: Doubles, damping: float = 0.0) -> Doubles:
        self.products += 1
        return self._of.hessian_product(v, damping)


def test_the_curvature_of_classes_and_columns_saves_products() -> None:
    """Columns of unlike size and classes of unlike number: 127 products instead of 993."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5)) @ rng.standard_normal((5, 5)) * [1, 5, 1, 0.2, 1]
    z = X @ rng.standard_normal((5, 40)) + 2 * rng.standard_normal(40)
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    objective = objective_of(X, y, np.full(300, 1 / 300), 40, 1e-3)
    with_it, without = Counted(objective), Counted(objective, preconditioned=False)
    found = [newton(o, np.zeros((40, 6)), max_iter=300, tol=1e-7) for o in (with_it, without)]
    assert found[0].value == pytest.approx(found[1].value, rel=1e-6)
    assert with_it.products < 0.6 * without.products


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
