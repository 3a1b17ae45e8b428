"""Whether a fit without a penalty has reached a maximum of the likelihood."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .._in_memory import Rows
from .._rows import Doubles, linear
from .._solver.newton import Solution, newton_direction
from .._solver.objective import Penalised
from .found import find

CHUNK = 2**20  # logits at a time
# By how much the next Newton step moves a logit: 2e-5 or less at a maximum. Along a direction that
# separates, the nll falls as e^-t, so the step is about 1 however small the gradient is.
MOVED = 1e-2


def why_none(
    objective: Penalised, found: Solution, classes: Sequence[Any], names: Sequence[str]
) -> str:
    """What separates the classes; empty if there is a maximum."""
    step = newton_direction(objective, found.gradient)
    rows = objective.rows
    if not isinstance(rows, Rows):  # they are elsewhere: nothing can be named
        far = np.abs(step).max() > MOVED * max(np.abs(found.theta).max(), 1.0)
        return "some classes can be separated" if far else ""
    right, moved = _looked_at(rows, found.theta, step)
    if rows.target.ndim == 2:
        return "some classes can be separated" if moved else ""
    separation = find(
        rows.X,
        rows.target,
        rows.num_classes,
        objective.fit_intercept,
        right=right,
        combinations=moved or not found.converged,
    )
    return "" if separation is None else separation.text(classes, names)


def _looked_at(rows: Rows, theta: Doubles, step: Doubles) -> tuple[bool, bool]:
    """Whether every row is right, and whether a step moves a logit against the others."""
    right, moved = rows.target.ndim == 1, False
    for part, z, change in _chunks(rows, theta, step):
        moved = moved or bool(np.abs(change - change.mean(axis=1, keepdims=True)).max() > MOVED)
        if right:
            of_class = rows.target[part, None]
            own = np.take_along_axis(z, of_class, 1)[:, 0]
            np.put_along_axis(z, of_class, -np.inf, 1)
            right = bool((own > z.max(axis=1)).all())
    return right, moved


def _chunks(rows: Rows, theta: Doubles, step: Doubles) -> Iterator[tuple[slice, Any, Any]]:
    """Logits and what a step changes in them."""
    size = max(CHUNK // rows.num_classes, 1)
    at = rows.scaling.model(theta)
    after = rows.scaling.model(step)
    for start in range(0, rows.X.shape[0], size):
        part = slice(start, start + size)
        yield part, linear(rows.X[part], *at), linear(rows.X[part], *after)
