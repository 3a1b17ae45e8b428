"""Sums over rows: loss, gradient and Hessian products of a linear softmax classifier.

Everything is a sum over rows, so that the sums of parts of the rows add up to those of all.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from neglog._engine import Array

Doubles = NDArray[np.float64]


class Moments(NamedTuple):
    """Sums over rows of share x and share x^2 for each column."""

    first: Doubles  # (D,)
    second: Doubles  # (D,)

    @classmethod
    def of(cls, X: Any, share: Doubles) -> Self:
        squares = X.multiply(X) if issparse(X) else np.square(X, dtype=np.float64)
        return cls(np.asarray(share @ X, np.float64), np.asarray(share @ squares, np.float64))

    def plus(self, other: Self) -> Self:
        return type(self)(self.first + other.first, self.second + other.second)


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
        mean = moments.first if centred else np.zeros_like(moments.first)
        scale = np.sqrt(np.maximum(moments.second - mean**2, 0))
        constant = scale <= 1e-7 * np.sqrt(moments.second)
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

    def plus(self, other: Self) -> Self:
        return type(self)(
            self.nll + other.nll,
            self.gradient + other.gradient,
            self.curvature + other.curvature,
        )


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
        """What `Blocks` is, if the rows have it."""

    def refine(self) -> bool:
        """Compute as exactly as X allows from now on; False: it was so already."""


class BlockOptions(NamedTuple):
    """What is added to the moments of the classes."""

    second_moments: Doubles  # (D + 1, D + 1): sum of share x x' of all rows, the intercept's too
    penalty: Doubles  # (D + 1,) of the columns
    damping: Doubles  # (K,) curvature of the classes


# (v (K, D + 1), curvature (K,) of the classes) -> about the inverse of the Hessian, times v; the
# diagonal blocks are those of one theta.
Blocks = Callable[[Doubles, Doubles], Doubles]


def linear(X: Any, coef: Array, intercept: Array) -> Array:
    """X @ coef.T + intercept, (N, K)."""
    z: Array = X @ coef.T
    z += intercept
    return z
