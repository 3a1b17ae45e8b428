"""Newton steps for an absolute penalty: within one orthant at a time.

G. Andrew, J. Gao, "Scalable training of L1-regularized log-linear models" (2007), with conjugate
gradients in place of L-BFGS.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neglog.learn._rows import Doubles
from neglog.learn._solver.newton import Point, Solution, dot, newton_direction
from neglog.learn._solver.objective import Objective

_DAMPING = 1e-4  # what all classes share has no curvature of its own


class _Free:
    """An objective of the entries that may leave zero or are elsewhere."""

    def __init__(self, objective: Objective, free: NDArray[np.bool_]) -> None:
        self._of, self._free, self.precision = objective, free, objective.precision

    def value_and_gradient(self, theta: Doubles) -> tuple[float, Doubles]:
        value, gradient = self._of.value_and_gradient(theta)
        return value, gradient * self._free

    def metric(self, v: Doubles) -> float | None:
        return self._of.metric(v)

    def hessian_product(self, v: Doubles, damping: float = 0.0) -> Doubles:
        return self._of.hessian_product(v, damping) * self._free

    def precondition(self, v: Doubles, damping: float = 0.0) -> Doubles:
        return self._of.precondition(v, damping) * self._free

    def refine(self) -> bool:
        return self._of.refine()


def orthant_newton(
    objective: Objective,
    l1: Doubles,
    start: Doubles,
    *,
    max_iter: int,
    tol: float,
    after_step: Callable[[Doubles], object] = lambda _: None,
) -> Solution:
    """Minimise objective + sum l1 |theta| until no entry of the subgradient exceeds `tol`.

    Args:
        objective: convex and smooth.
        l1: (D + 1,) >= 0, by column of theta.
        start: theta of the first step.
        max_iter: the largest number of steps.
        tol: as above, for the smallest subgradient of each entry.
        after_step: called with theta at the start and after each step.
    """
    at = Point(start, *objective.value_and_gradient(start))
    after_step(start)
    for done in range(max_iter + 1):
        slope = subgradient(at, l1)
        if np.abs(slope).max() <= tol:
            return Solution(at.theta, _total(at, l1), slope, done, True, "")
        if done == max_iter:
            break
        free = (at.theta != 0) | (slope != 0)
        direction = newton_direction(_Free(objective, free), slope, _DAMPING)
        if -dot(slope, direction) <= objective.precision * abs(at.value):
            return Solution(at.theta, _total(at, l1), slope, done, True, "")
        found = _search(objective, at, l1, slope, direction)
        if found is None:
            why = "no smaller value was found"
            return Solution(at.theta, _total(at, l1), slope, done, False, why)
        at = found
        after_step(at.theta)
    why = f"{max_iter} steps were not enough"
    return Solution(at.theta, _total(at, l1), slope, max_iter, False, why)


def subgradient(at: Point, l1: Doubles) -> Doubles:
    """The smallest subgradient: 0 for an entry at 0 that the penalty holds there."""
    held = np.sign(at.gradient) * np.maximum(np.abs(at.gradient) - l1, 0)
    return np.where(at.theta != 0, at.gradient + l1 * np.sign(at.theta), held)


def _total(at: Point, l1: Doubles) -> float:
    return at.value + float(np.sum(np.abs(at.theta) * l1))


def _search(
    objective: Objective, at: Point, l1: Doubles, slope: Doubles, direction: Doubles
) -> Point | None:
    """A point with a smaller value; entries that would change their sign stop at 0."""
    side = np.where(at.theta != 0, np.sign(at.theta), -np.sign(slope))
    value, length = _total(at, l1), 1.0
    noise = objective.precision * abs(value)
    for _ in range(40):
        theta = at.theta + length * direction
        theta[(theta * side < 0) & (l1 > 0)] = 0
        fall = dot(slope, theta - at.theta)
        if fall < 0:
            there = Point(theta, *objective.value_and_gradient(theta))
            if _total(there, l1) <= value + 1e-4 * fall + noise:
                return there
        length /= 2
    objective.value_and_gradient(at.theta)
    return None
