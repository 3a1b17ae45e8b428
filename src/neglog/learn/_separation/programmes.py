"""Separation by combinations of features: linear programmes.

1. Two classes that no combination separates become one group: their d are equal on their own
   rows, and the mean of both separates from the others whatever one of them does. A programme for
   two classes has q variables. One for 10 classes and 40 features at once took 77 s.
2. For the groups that are left, max c d with |d|_1 <= 1, c the sum of all differences that are
   not separated yet, gives a direction with few features; then once more for the rest.

A constraint joins a programme when it is broken; most never are.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import issparse

from .._rows import Doubles
from .splits import Direction, Indices

Flags = NDArray[np.bool_]

AT_ONCE = 500  # constraints that one round adds
ROUNDS = 100
DIRECTIONS = 30  # each leaves a few rows on its border
BROKEN = -1e-9  # features being scaled to [-1, 1]
STRICT = 1e-7  # above this a difference is more than 0
FEW = 0.1  # features below this part of the largest are tried to be left out
ENTRY = 1e-6  # below this part of the largest, a coefficient is 0


def scaled(X: Any, intercept: bool) -> Doubles:
    """(N, q) features scaled to [-1, 1], and a column of ones."""
    table = np.asarray(X.toarray() if issparse(X) else X, np.float64)
    low, high = table.min(axis=0), table.max(axis=0)
    centre = low / 2 + high / 2 if intercept else np.zeros(len(low))
    half = np.maximum(high - centre, centre - low)
    table = (table - centre) / np.where(half > 0, half, 1.0)
    return np.column_stack([table, np.ones(len(table))]) if intercept else table


def groups(table: Doubles, target: Indices, num_classes: int) -> Indices:
    """(K,) a number for each class, the same for classes that cannot be separated; 0 for most."""
    sets = [[k] for k in np.argsort(-np.bincount(target, minlength=num_classes), kind="stable")]
    number = np.empty(num_classes, np.int64)
    tried = 1
    while tried < len(sets):
        both = (
            (kept, np.isin(target, kept), np.isin(target, sets[tried])) for kept in sets[:tried]
        )
        alike = next((kept for kept, a, b in both if _alike(table, a, b)), None)
        if alike is None:
            tried += 1
        else:  # a larger group may be alike to one that was tried before
            alike += sets.pop(tried)
            tried = 1
    for k, kept in enumerate(sets):
        number[kept] = k
    return number


def _alike(table: Doubles, first: Flags, second: Flags) -> bool:
    """Whether two sets of rows cannot be separated."""
    rows = first | second
    own = second[rows].astype(np.int64)
    left = own[:, None] != np.arange(2)
    return _direction(table[rows], own, left) is None


def combinations(
    table: Doubles, target: Indices, number: Indices, known: Sequence[Direction], intercept: bool
) -> tuple[list[Direction], bool]:
    """Directions that separate what the known ones do not, and whether all is separated.

    Args:
        table: (N, q) as `scaled` gives it.
        target: (N,) classes.
        number: (K,) the group of each class.
        known: of one feature each.
        intercept: whether the last column of the table is that.
    """
    own = number[target]
    left = own[:, None] != np.arange(number.max() + 1)
    for one in known:
        left &= _slack(table, own, _coefficients(table, own, number, one, intercept)) <= STRICT
    found: list[Direction] = []
    for _ in range(DIRECTIONS):
        direction = _direction(table, own, left) if left.any() else None
        if direction is None:
            break
        direction = _thinned(table, own, left, direction, intercept)
        left &= _slack(table, own, direction) <= STRICT
        size = np.abs(direction).max(axis=0)[: table.shape[1] - int(intercept)]
        classes = np.abs(direction).max(axis=1) > ENTRY * size.max()
        features = np.argsort(-size, kind="stable")
        features = features[: np.count_nonzero(size > ENTRY * size.max())]
        found.append(Direction(np.flatnonzero(classes[number]), features))
    return found, not left.any()


def _thinned(
    table: Doubles, own: Indices, left: Flags, direction: Doubles, intercept: bool
) -> Doubles:
    """A direction of the largest features alone, if they separate anything."""
    size = np.abs(direction).max(axis=0)
    kept = size > FEW * size[: len(size) - int(intercept)].max()
    kept[len(size) - int(intercept) :] = True
    few = _direction(table * kept, own, left)
    return direction if few is None else few * kept


def _coefficients(
    table: Doubles, own: Indices, number: Indices, known: Direction, intercept: bool
) -> Doubles:
    """(G, q): a split by one feature as a direction."""
    feature = known.features[0]
    groups_of = np.unique(number[known.classes])
    inside, x = np.isin(own, groups_of), table[:, feature]
    sign = 1.0 if x[inside].min() >= x[~inside].max() else -1.0
    direction = np.zeros((number.max() + 1, table.shape[1]))
    direction[groups_of, feature] = sign
    if intercept:
        middle = (sign * x[inside]).min() / 2 + (sign * x[~inside]).max() / 2
        direction[groups_of, -1] = -middle
    return direction


def _slack(table: Doubles, own: Indices, direction: Doubles) -> Doubles:
    """(N, G): (d_own - d_g) x."""
    each = table @ direction.T
    slack: Doubles = np.take_along_axis(each, own[:, None], 1) - each
    return slack


def _direction(table: Doubles, own: Indices, left: Flags) -> Doubles | None:
    """(G, q), 0 for group 0, that separates some of what is left; None if none does.

    A direction that more than `ROUNDS` programmes would take is given up.
    """
    weights = -left.astype(np.float64)
    np.put_along_axis(weights, own[:, None], left.sum(axis=1)[:, None], 1)
    gain = (weights.T @ table)[1:]
    gain /= np.abs(gain).max() or 1.0
    rows, others = np.zeros((2, 0), np.int64)
    for _ in range(ROUNDS):
        direction = _best(gain, table[rows], own[rows], others)
        if (gain * direction).sum() <= STRICT:
            return None
        direction = np.vstack([np.zeros(table.shape[1]), direction])
        slack = _slack(table, own, direction)
        least = slack.min(axis=1)
        broken = np.flatnonzero(least < BROKEN)
        if not len(broken):
            return direction if (slack[left] > STRICT).any() else None
        broken = broken[np.argsort(least[broken], kind="stable")[:AT_ONCE]]
        rows, others = np.append(rows, broken), np.append(others, slack[broken].argmin(axis=1))
    return None


def _best(gain: Doubles, table: Doubles, own: Indices, other: Indices) -> Doubles:
    """max sum(gain d) with (d_own - d_other) x >= 0 for each row of the table, |d|_1 <= 1."""
    broken = np.zeros((len(table), *gain.shape))
    for group, sign in ((own, -1.0), (other, 1.0)):
        free = np.flatnonzero(group > 0)
        broken[free, group[free] - 1] += sign * table[free]
    broken = broken.reshape(len(table), gain.size)
    found = linprog(
        np.append(-gain.ravel(), gain.ravel()),  # d as the difference of two that are positive
        A_ub=np.vstack([np.hstack([broken, -broken]), np.ones(2 * gain.size)]),
        b_ub=np.append(np.zeros(len(table)), 1.0),
        method="highs",
        options={"primal_feasibility_tolerance": -BROKEN / 2, "dual_feasibility_tolerance": 1e-9},
    )
    if found.x is None:
        return np.zeros_like(gain)  # HiGHS gave up: nothing is claimed
    best: Doubles = (found.x[: gain.size] - found.x[gain.size :]).reshape(gain.shape)
    return best
