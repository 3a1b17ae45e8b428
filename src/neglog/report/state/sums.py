"""Sums over rows that do not depend on the order of the rows, and means with their intervals."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..._engine import Array
from ..._engine.moments import MOMENTS, moments

Z95 = 1.959963984540054  # of the normal distribution: 95 % lie within


class Estimate(NamedTuple):
    """A number and its 95 % interval; nan where the rows are too few for one."""

    value: float
    low: float
    high: float

    def through(self, function: Callable[[float], float]) -> "Estimate":
        """The estimate of a monotone function of the number."""
        low, high = sorted((function(self.low), function(self.high)))
        return Estimate(function(self.value), low, high)

    def within(self, least: float, most: float) -> "Estimate":
        """The interval cut at the least and the greatest possible value."""
        return self.through(lambda x: min(max(x, least), most) if x == x else x)


def interval(value: float, variance: float) -> Estimate:
    """A normal interval; none if the variance is nan."""
    half = Z95 * math.sqrt(max(variance, 0.0)) if variance == variance else math.nan
    return Estimate(value, value - half, value + half)


class Sums:
    """Sums of float64 arrays; what each addition rounds away is kept.

    A plain sum of 10^8 terms is right to about 1e-12; in another order, to another 1e-12.
    """

    def __init__(self, *shape: int) -> None:
        self.high = np.zeros(shape)
        self.low = np.zeros(shape)

    def add(self, terms: Array, at: Array | slice = slice(None)) -> None:
        """Add terms to the sums `at` indices of the first axis, each of which occurs once."""
        old = self.high[at]
        new = old + terms
        part = new - old
        self.low[at] += (old - (new - part)) + (terms - part)
        self.high[at] = new

    def merge(self, other: "Sums") -> None:
        """Add the sums of other rows."""
        self.add(other.high)
        self.low += other.low

    @property
    def value(self) -> Array:
        """The sums."""
        total: Array = self.high + self.low
        return total


class Groups(NamedTuple):
    """Which group each row of a batch belongs to: row i to group `at`[place[i]]."""

    place: Array
    places: int
    at: Array | slice

    @classmethod
    def of(cls, codes: Array, size: int) -> "Groups":
        """Groups by codes below `size`; only those that occur, if they are few."""
        if 4 * len(codes) < size:
            at, place = np.unique(codes, return_inverse=True)
            return cls(place, len(at), at)
        return cls(codes, size, slice(None))

    def sums(self, terms: Array | None = None) -> Array:
        """The terms summed by place; without terms, how many rows there are."""
        return np.bincount(self.place, terms, self.places)


class Moments:
    """The sums behind a weighted mean  sum w x / sum w b  and its interval; b is 1 by default.

    One mean, or one for each of `size` groups.  The variance is that of a ratio:
    sum w^2 (x - mean b)^2 / (sum w b)^2  times  n / (n - 1).
    """

    def __init__(self, size: int = 1) -> None:
        self.sums = Sums(size, MOMENTS)

    def add(
        self,
        x: Array,
        weight: Array | None = None,
        *,
        groups: Groups | None = None,
        per: Array | None = None,
    ) -> None:
        """Add rows: x (n,), weights (n,) and, for `per`, the b of each row."""
        if groups is None:
            self.sums.add(moments(x, weight, per))
        else:
            found = moments(x, weight, per, groups.place, groups.places)
            held = np.flatnonzero(found[:, 0])
            at = held if isinstance(groups.at, slice) else groups.at[held]
            self.sums.add(found[held], at)

    def merge(self, other: "Moments") -> None:
        """Add the rows of the other."""
        self.sums.merge(other.sums)

    @property
    def rows(self) -> Array:
        """The number of rows, by group."""
        return self._sum(0).astype(np.int64)

    @property
    def total(self) -> Array:
        """sum w x, by group."""
        return self._sum(1)

    @property
    def weight(self) -> Array:
        """sum w b, by group."""
        return self._sum(2)

    @property
    def size(self) -> int:
        """The number of groups."""
        return len(self.sums.high)

    def _sum(self, k: int) -> Array:
        total: Array = self.sums.high[:, k] + self.sums.low[:, k]
        return total

    def mean(self, at: int = 0) -> Estimate:
        """The mean of a group, and its interval."""
        return mean_of(self.sums.value[at])

    def share(self, count: int) -> Estimate:
        """The share of the first `count` groups in the weight, where every x is 1."""
        sums = self.sums.value
        whole, held = sums.sum(0), sums[:count].sum(0)
        return mean_of(np.where([True, False, True, False, False, True], whole, held))


def mean_of(sums: Array) -> Estimate:
    """sum w x / sum w b and its interval, from the MOMENTS of some rows."""
    n, x, b, xx, xb, bb = map(float, sums)
    if b <= 0:
        return Estimate(math.nan, math.nan, math.nan)
    mean = x / b
    spread = max(xx - 2 * mean * xb + mean * mean * bb, 0.0)
    return interval(mean, spread / b**2 * n / (n - 1) if n > 1 else math.nan)
