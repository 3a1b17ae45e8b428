"""Objectives of small problems, and how many products a step of them takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.learn._in_memory import Rows
from neglog.learn._rows import Moments, Scaling
from neglog.learn._solver.objective import Penalised

Doubles = NDArray[np.float64]


def shares(rows: int) -> Doubles:
    return np.full(rows, 1 / rows)


def objective_of(X: Any, target: Any, share: Doubles, classes: int, l2: float) -> Penalised:
    scaling = Scaling.of(Moments.of(X, share), centred=isinstance(X, np.ndarray))
    return Penalised(Rows(X, target, share, classes, scaling), l2)


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
