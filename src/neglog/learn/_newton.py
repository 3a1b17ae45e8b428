"""Truncated Newton: conjugate gradients for each step, a line search along it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from neglog.learn._objective import Objective
from neglog.learn._rows import Doubles


class Solution(NamedTuple):
    """Where a solver stopped."""

    theta: Doubles
    value: float
    gradient: Doubles
    steps: int
    converged: bool
    why: str  # it stopped, if it has not converged


def dot(a: Doubles, b: Doubles) -> float:
    return float(np.vdot(a, b))


def newton(
    objective: Objective,
    start: Doubles,
    *,
    max_iter: int,
    tol: float,
    after_step: Callable[[Doubles], object] = lambda _: None,
) -> Solution:
    """Minimise from `start` until no entry of the gradient exceeds `tol`.

    Args:
        objective: convex.
        start: theta of the first step.
        max_iter: the largest number of steps.
        tol: as above.
        after_step: called with theta at the start and after each step.
    """
    theta = start
    value, gradient = objective.value_and_gradient(theta)
    after_step(theta)
    for step in range(max_iter + 1):
        if np.abs(gradient).max() <= tol:
            return Solution(theta, value, gradient, step, True, "")
        if step == max_iter:
            break
        direction = newton_direction(objective, gradient)
        if -dot(gradient, direction) <= objective.precision * abs(value):
            return Solution(theta, value, gradient, step, True, "")  # the rest is rounding
        found = line_search(objective, theta, direction, value, gradient)
        if found is None:
            return Solution(theta, value, gradient, step, False, "no smaller value was found")
        theta, value, gradient = found
        after_step(theta)
    return Solution(theta, value, gradient, max_iter, False, f"{max_iter} steps were not enough")


def newton_direction(objective: Objective, gradient: Doubles) -> Doubles:
    """About -H^-1 gradient."""
    reduction = min(0.25, float(np.sqrt(np.abs(gradient).max())))
    direction, residual = np.zeros_like(gradient), gradient.copy()
    steepest = objective.precondition(residual)
    square = dot(residual, steepest)
    limit = reduction**2 * square
    search = -steepest
    for _ in range(500):
        product = objective.hessian_product(search)
        bend = dot(search, product)
        if not bend > 0:  # rounding: nothing is left of the curvature
            return direction if direction.any() else search
        length = square / bend
        direction += length * search
        residual += length * product
        steepest = objective.precondition(residual)
        before, square = square, dot(residual, steepest)
        if square <= limit:
            break
        search *= square / before
        search -= steepest
    return direction


def line_search(
    objective: Objective, theta: Doubles, direction: Doubles, value: float, gradient: Doubles
) -> tuple[Doubles, float, Doubles] | None:
    """A point along the direction whose value is enough below: point, value, gradient."""
    slope = dot(gradient, direction)
    noise = objective.precision * abs(value)
    length = 1.0
    for _ in range(30):
        there = theta + length * direction
        new_value, new_gradient = objective.value_and_gradient(there)
        if new_value <= value + 1e-4 * length * slope + noise:
            return there, new_value, new_gradient
        new_slope = dot(new_gradient, direction)
        # the minimum of the cubic that has these two values and slopes
        length *= float(np.clip(cubic(length, value, slope, new_value, new_slope), 0.1, 0.5))
    objective.value_and_gradient(theta)
    return None


def cubic(length: float, value: float, slope: float, new_value: float, new_slope: float) -> float:
    """The minimum of a cubic between 0 and `length`, as a part of it."""
    if not (np.isfinite(new_value) and np.isfinite(new_slope)):
        return 0.1
    a = slope * length
    b = new_slope * length
    d1 = a + b - 3 * (new_value - value)
    root = np.sqrt(max(d1 * d1 - a * b, 0))
    return float(1 - (b + root - d1) / (b - a + 2 * root)) if b - a + 2 * root > 0 else 0.5
