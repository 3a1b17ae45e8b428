"""Sums over rows: loss, gradient and Hessian products of a linear softmax classifier.

Everything is a sum over rows, so that the sums of parts of the rows add up to those of all.
"""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from neglog._engine import Array

Doubles = NDArray[np.float64]

ROUNDING = 1e-15  # of a mean over rows that are all the same, relative


class Moments(NamedTuple):
    """What scales the columns of some rows.

    The squares are those of x - mean: sum x^2 - (sum x)^2 / n has no digit left where the mean is
    1e8 deviations, and columns of 1e7 +- 0.01 were scaled by noise.
    """

    weight: float  # sum of shares
    mean: Doubles  # (D,)
    squares: Doubles  # (D,): sum of share (x - mean)^2

    @classmethod
    def of(cls, X: Any, share: Doubles) -> Self:
        weight = float(share.sum())
        mean = np.asarray(share @ X, np.float64) / (weight or 1)
        if issparse(X):
            squares = np.asarray(share @ X.multiply(X), np.float64) - weight * mean**2
            return cls(weight, mean, np.maximum(squares, 0))
        away = np.subtract(X, mean, dtype=np.float64)
        rest = share @ away / (weight or 1)  # what the first sum has rounded away
        squares = share @ np.square(away, out=away) - weight * rest**2
        return cls(weight, mean + rest, np.maximum(squares, 0))

    def plus(self, other: Self) -> Self:
        """Those of both, as Chan, Golub and LeVeque merge them."""
        weight = self.weight + other.weight
        part, away = other.weight / (weight or 1), other.mean - self.mean
        squares = self.squares + other.squares + self.weight * part * away**2
        return type(self)(weight, self.mean + part * away, squares)


class Scaling(NamedTuple):
    """Features as the solver sees them: (x - mean) / scale.

    The minimum does not depend on it. It keeps columns of unlike size and with a large offset
    within the range of float32.
    """

    mean: Doubles  # (D,)
    scale: Doubles  # (D,)

    @classmethod
    def of(cls, moments: Moments, *, centred: bool) -> Self:
        """`centred` is False for sparse rows, and where there are no intercepts."""
        mean = moments.mean if centred else np.zeros_like(moments.mean)
        square = moments.squares / (moments.weight or 1)
        scale = np.sqrt(square if centred else square + moments.mean**2)
        constant = scale <= ROUNDING * np.abs(moments.mean)
        return cls(mean, np.where(constant, 1.0, scale))

    def theta(self, coef: Array, intercept: Array) -> Doubles:
        """(K, D + 1): the same model for the scaled features, the intercept last."""
        return np.column_stack([coef * self.scale, intercept + coef @ self.mean])

    def model(self, theta: Doubles) -> tuple[Doubles, Doubles]:
        """theta -> coef (K, D), intercept (K,) for the features as they came."""
        coef = theta[:, :-1] / self.scale
        return coef, theta[:, -1] - coef @ self.mean


class FirstOrder(NamedTuple):
    """Sums over rows at one theta."""

    nll: float
    gradient: Doubles  # (K, D + 1), by theta
    curvature: Doubles  # (K,): share p (1 - p), the diagonal of the intercepts' Hessian


class RowSums(Protocol):
    """What an objective needs of its rows; theta and v are (K, D + 1) for scaled features."""

    scaling: Scaling
    num_classes: int
    mass: Doubles  # (K,): share y

    @property
    def dtype(self) -> Any:
        """Of X, and of the coefficients."""

    @property
    def blas_threads(self) -> int | None:
        """How many threads the BLAS may use; None: all."""

    @property
    def order(self) -> Literal["C", "F"]:
        """Of theta in memory, where it is read fastest."""

    @property
    def has_few_rows(self) -> bool:
        """Whether classes have so few rows that their blocks cost less than a product."""

    @property
    def precision(self) -> float:
        """The relative rounding error of a sum of losses."""

    def first_order(self, theta: Doubles) -> FirstOrder:
        """Loss, gradient and curvature at theta."""

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        """(K, D + 1): the Hessian of the nll at theta, times v."""

    def moments(self) -> tuple[Doubles, Doubles]:
        """Sums of share x and share x x' of scaled features; the diagonal alone of many columns."""

    def class_blocks(
        self, theta: Doubles, curvature: Doubles, options: "BlockOptions"
    ) -> "Blocks | None":
        """Those of all columns, of sparse rows those of the most frequent ones; None: too many."""

    def refine(self) -> bool:
        """Compute as exactly as X allows from now on; False: it was so already."""


class BlockOptions(NamedTuple):
    """What is added to the moments of the classes.

    `base` takes v (n, D + 1) and n curvatures, and gives the inverse of the second moments times a
    row's curvature, and the penalty, times the row.
    """

    second_moments: Doubles | None  # (D + 1, D + 1): sum of share x x' of all rows, with the 1
    penalty: Doubles  # (D + 1,) of the columns
    damping: Doubles  # (K,) curvature of the classes
    fit_intercept: bool
    base: Callable[[Doubles, Doubles], Doubles]


class Blocks(NamedTuple):
    """The inverse of the Hessian's diagonal blocks at one theta.

    `times` takes v (K, columns) and the curvature (K,) of the classes where it is needed.
    """

    columns: Any  # of theta, an index: those that the blocks have
    times: Callable[[Doubles, Doubles], Doubles]


def linear(X: Any, coef: Array, intercept: Array) -> Array:
    """X @ coef.T + intercept, (N, K)."""
    z: Array = X @ coef.T
    z += intercept
    return z
