"""Value, gradient, curvature and preconditioner of the objective, and what a step costs."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from scipy.optimize import approx_fprime
from scipy.sparse import csr_array

from neglog.learn._in_memory import Rows
from neglog.learn._newton import newton
from neglog.learn._objective import Penalised
from neglog.learn._rows import Moments, Scaling

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
        self.metric, self.refine = objective.metric, objective.refine
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
