"""Separation by a single feature."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import min_max_axis

from .._rows import Doubles

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Direction:
    """Classes that some features tell from the others; without features they have no rows."""

    classes: Indices
    features: Indices  # the most important first


def splits(X: Any, target: Indices, num_classes: int, intercept: bool) -> Iterator[Direction]:
    """Each feature that is never smaller in some classes than in all others.

    With the classes sorted by their smallest value, those from m on are such classes if the
    smallest value of m is at least the largest one before. Every class has rows.
    """
    low, high = _ranges(X, target, num_classes)
    order = np.lexsort((high, low), axis=0)
    low, high = np.take_along_axis(low, order, 0), np.take_along_axis(high, order, 0)
    below, above = np.maximum.accumulate(high)[:-1], low[1:]  # (K - 1, D)
    found = above >= below
    if not intercept:  # the threshold is 0
        found &= (above >= 0) & (below <= 0)
    threshold = above if intercept else np.zeros_like(above)
    # A class with no other value than the threshold may go to either side: no border beside it.
    found &= (high[1:] > threshold) | (low[:-1] < threshold)
    for m, j in zip(*np.nonzero(found), strict=True):
        lower, upper = order[: m + 1, j], order[m + 1 :, j]
        fewer = upper if len(upper) <= len(lower) else lower
        yield Direction(np.sort(fewer), np.array([j]))


def _ranges(X: Any, target: Indices, num_classes: int) -> tuple[Doubles, Doubles]:
    """(K, D) smallest and largest values by class."""
    rows = np.argsort(target, kind="stable")
    cuts = np.searchsorted(target, np.arange(1, num_classes), sorter=rows)
    parts = (X[some] for some in np.split(rows, cuts))
    found = [
        min_max_axis(part, axis=0) if issparse(X) else (part.min(axis=0), part.max(axis=0))
        for part in parts
    ]
    low, high = (np.asarray(side, np.float64) for side in zip(*found, strict=True))
    return low, high
