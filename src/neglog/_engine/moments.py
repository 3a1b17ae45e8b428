"""The sums behind weighted means of rows' numbers."""

import numpy as np

from .. import _kernels
from .rows import Array

MOMENTS = 6


def moments(
    x: Array,  # (N,) float64, as the others
    weight: Array | None = None,
    per: Array | None = None,  # b
    group: Array | None = None,  # (N,) int64, below `groups`
    groups: int = 1,
) -> Array:
    """(groups, 6): by group, sums of 1, w x, w b, (w x)^2, w x w b and (w b)^2.

    One pass instead of a bincount for each: 3 ns per row instead of 14.
    """
    sums = np.zeros((groups, MOMENTS))
    _kernels.moments(x, weight, per, group, sums)
    return sums
