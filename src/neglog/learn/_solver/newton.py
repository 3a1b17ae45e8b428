"""Truncated Newton: conjugate gradients for each step, a line search along it."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from neglog.learn._rows import Doubles
from neglog.learn._solver.objective import Objective

_MOST_PRODUCTS = 500  # of one step
_LEAST_GAIN = 0.1  # of a product, in parts of the mean gain of those of its step
_FLAT = 0.1  # see `line_search`


class Solution(NamedTuple):
    """Where a solver stopped."""

    theta: Doubles
    value: float
    gradient: Doubles
    steps: int
    converged: bool
    why: str  # it stopped, if it has not converged


class Point(NamedTuple):
    """What is known of theta."""

    theta: Doubles
    value: float
    gradient: Doubles


def dot(a: Doubles, b: Doubles) -> float:
    return float(np.einsum("kd,kd->", a, b))  # np.vdot copies tables in column order


def newton(
    objective: Objective,
    start: Doubles,
    *,
    max_iter: int,
    tol: float,
    direction: Doubles | None = None,
    after_step: Callable[[Doubles], object] = lambda _: None,
) -> Solution:
    """Minimise from `start` until no entry of the gradient exceeds `tol`.

    Args:
        objective: convex.
        start: theta of the first step.
        max_iter: the largest number of steps.
        tol: as above.
        direction: that of the first step, if it is not Newton's.
        after_step: called with theta at the start and after each step.
    """
    after_step(start)
    found = Solution(start, np.nan, start, 0, False, "")
    while True:
        found = _descend(objective, found, max_iter, tol, direction, after_step)
        if not objective.refine():
            return found
        direction = None


def _descend(
    objective: Objective,
    start: Solution,
    max_iter: int,
    tol: float,
    direction: Doubles | None,
    after_step: Callable[[Doubles], object],
) -> Solution:
    """From where another descent stopped, to where it does not pay to go on."""
    at = Point(start.theta, *objective.value_and_gradient(start.theta))
    damping, largest = 0.0, np.inf
    for done in range(start.steps, max_iter + 1):
        before, largest = largest, float(np.abs(at.gradient).max())
        if largest <= tol:
            return Solution(*at, done, True, "")
        if done == max_iter:
            break
        newtons = direction is None
        if direction is None:
            direction = newton_direction(objective, at.gradient, damping)
        fall = -dot(at.gradient, direction)
        if fall <= objective.precision * abs(at.value) and largest > before / 2:
            return Solution(*at, done, True, "")  # the rest is rounding
        found, length = line_search(objective, at, direction, _FLAT if newtons else 0.0)
        if not length:
            return Solution(*at, done, False, "no smaller value was found")
        if newtons and (bend := objective.metric(direction)):
            damping = _next_damping(damping, length, fall / bend)
        at, direction = found, None
        after_step(at.theta)
    return Solution(*at, max_iter, False, f"{max_iter} steps were not enough")


def _next_damping(damping: float, length: float, bend: float) -> float:
    """What is added to the curvature of the next step, in units of `Objective.metric`.

    A step that had to be shortened has met more curvature than the Hessian told: that of the
    direction over the length. Without damping, steps of rows whose p are near 0 and 1 are many
    times too long, and each costs several evaluations: without blocks of classes, 20,000 x 64 rows
    of 1,000 classes took 45 evaluations and 135 products to 1e-6 of the optimum. A trusted radius
    took 51 and 165, this 23 and 162.
    """
    if length < 1:
        return damping + bend * (1 / length - 1)
    return damping / 8 if damping > 1e-3 * bend else 0.0


def newton_direction(objective: Objective, gradient: Doubles, damping: float = 0.0) -> Doubles:
    """About -(H + damping M)^-1 gradient, by conjugate gradients.

    They end where a product gains little beside the mean of those before it (S. G. Nash, A. Sofer,
    "Assessing a search direction within a truncated Newton method", 1990). By a
    residual of at most a quarter that shrinks with the gradient, or by Eisenstat and Walker's rule,
    MNIST-5k took 179 and 181 products instead of 152; by the latter 50,000 x 64 rows of 100 classes
    118 instead of 62.
    """
    direction, residual = np.zeros_like(gradient), gradient.copy("K")
    steepest = objective.precondition(residual, damping)
    square = dot(residual, steepest)
    search = -steepest
    gained = 0.0
    for count in range(1, _MOST_PRODUCTS + 1):
        product = objective.hessian_product(search, damping)
        bend = dot(search, product)
        if not bend > 0:  # rounding: nothing is left of the curvature
            return direction if gained else search
        length = square / bend
        direction += length * search
        residual += length * product
        del product  # of 100,000 classes it has 100 MB, beside the next one's sums
        gain = length * square
        gained += gain
        if count * gain <= _LEAST_GAIN * gained:
            break
        steepest = objective.precondition(residual, damping)
        before, square = square, dot(residual, steepest)
        search *= square / before
        search -= steepest
        del steepest
    return direction


def line_search(
    objective: Objective, at: Point, direction: Doubles, flat: float
) -> tuple[Point, float]:
    """A point along the direction whose value is enough below, and the length to it; or 0.

    Where the slope there is more than `flat` of the first one, the minimum is well behind, and
    the search goes back once.
    """
    slope = dot(at.gradient, direction)
    noise = objective.precision * abs(at.value)
    best, best_length, length = at, 0.0, 1.0
    for _ in range(30):
        theta = at.theta + length * direction
        there = Point(theta, *objective.value_and_gradient(theta))
        new_slope = dot(there.gradient, direction)
        if there.value <= at.value + 1e-4 * length * slope + noise:
            if not best_length and new_slope > -flat * slope:  # beyond the minimum: once more
                best, best_length = there, length
            elif best_length and there.value > best.value:
                break
            else:
                return there, length
        elif best_length:
            break
        # the minimum of the cubic that has these two values and slopes
        part = cubic(length, at.value, slope, there.value, new_slope)
        length *= float(np.clip(part, 0.1, 0.9 if best_length else 0.5))
    objective.value_and_gradient(best.theta)
    return best, best_length


def cubic(length: float, value: float, slope: float, new_value: float, new_slope: float) -> float:
    """The minimum of a cubic between 0 and `length`, as a part of it."""
    if not (np.isfinite(new_value) and np.isfinite(new_slope)):
        return 0.1
    a, b = slope * length, new_slope * length
    d = a + b - 3 * (new_value - value)
    root = np.sqrt(max(d * d - a * b, 0))
    return float(1 - (b + root - d) / (b - a + 2 * root)) if b - a + 2 * root > 0 else 0.5
