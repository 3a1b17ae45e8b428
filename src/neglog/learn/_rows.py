"""Sums over rows: loss, gradient and Hessian products of a linear softmax classifier.

Everything is a sum over rows, so that the sums of parts of the rows add up to those of all.
"""

from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from neglog._engine import Array, run_rows, softmax
from neglog._head.chunks import chunk_of, chunks

Doubles = NDArray[np.float64]

MOST_KEPT = 128 * 2**20  # bytes of probabilities that are kept between gradient and products
CHUNK = 64 * 2**20  # bytes of logits at a time
MOST_SQUARE = 1500  # columns whose second moments are held as a matrix


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
        """`centred` is False for sparse rows, which would become dense."""
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

    @property
    def precision(self) -> float:
        """The relative rounding error of a sum of losses."""

    def first_order(self, theta: Doubles) -> FirstOrder:
        """Loss, gradient and curvature at theta."""

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        """(K, D + 1): the Hessian of the nll at theta, times v."""

    def moments(self) -> tuple[Doubles, Doubles]:
        """Sums of share x and share x x' of scaled features; the diagonal alone of many columns."""


class Rows:
    """Rows in memory: X, labels, and the share of each row in the mean.

    Args:
        X: (N, D) float32 or float64, dense or CSR.
        target: (N,) classes, or (N, K) probabilities in the dtype of X.
        share: (N,) > 0; those of all rows sum to 1.
        num_classes: K.
        scaling: the same for all parts of the rows.
    """

    def __init__(
        self, X: Any, target: Array, share: Doubles, num_classes: int, scaling: Scaling
    ) -> None:
        self.X, self.target, self.share = X, target, share
        self.num_classes, self.scaling = num_classes, scaling
        self._at: Doubles | None = None
        self._kept: Array | None = None
        # Products in float32 take half the time; of few numbers none takes any.
        self._wide = np.dtype(np.float64 if self.is_small else np.float32)
        if X.dtype == np.float32:
            self._wide = np.dtype(np.float32)
        self._scaled = self._rescaled()
        self._share = share.astype(self._wide)[:, None]

    def _rescaled(self) -> Any:
        """X as the Hessian products read it."""
        if issparse(self.X):
            scaled = self.X.astype(self._wide)
            scaled.data = (self.X.data / self.scaling.scale[self.X.indices]).astype(self._wide)
            return scaled
        return ((self.X - self.scaling.mean) / self.scaling.scale).astype(self._wide)

    @property
    def precision(self) -> float:
        """The relative rounding error of a sum of losses."""
        return 1e-14 if self.X.dtype == np.float64 else 1e-7

    @property
    def is_small(self) -> bool:
        """Whether a product with X takes a few milliseconds on one core."""
        rows, columns = self.X.shape
        return bool(rows * columns * self.num_classes <= 2**24)

    def _chunks(self, itemsize: int) -> Any:
        row = self.num_classes * itemsize
        return chunks(self.X.shape[0], chunk_of(self.num_classes, itemsize, max(CHUNK, row)))

    def first_order(self, theta: Doubles) -> FirstOrder:
        n, columns = self.X.shape
        X, (coef, intercept), mean, scale = self._first_order_of(theta)
        dtype = X.dtype
        keep = self._wide.itemsize * n * self.num_classes <= MOST_KEPT
        self._at = theta
        self._kept = np.empty((n, self.num_classes), self._wide) if keep else None
        d_coef = np.zeros((self.num_classes, columns))
        d_intercept, curvature = np.zeros(self.num_classes), np.zeros(self.num_classes)
        nll = 0.0
        for rows in self._chunks(dtype.itemsize):
            z = linear(X[rows], coef, intercept)
            losses = self._pass(z, rows)
            nll += float(self.share[rows] @ losses)
            p = self._probabilities(z, rows)
            if keep:
                self._kept[rows] = p  # type: ignore[index]
            share = self._share[rows]
            curvature += (share * p * (1 - p)).sum(0, dtype=np.float64)
            z *= share if share.dtype == dtype else self.share[rows, None]
            d_coef += (X[rows].T @ z).T
            d_intercept += z.sum(0, dtype=np.float64)
        by_theta = (d_coef - d_intercept[:, None] * mean) / scale
        return FirstOrder(nll, np.column_stack([by_theta, d_intercept]), curvature)

    def _first_order_of(self, theta: Doubles) -> tuple[Any, Any, Any, Any]:
        """Features, model, mean and scale. In float32 a large offset would cost the gradient."""
        if self.X.dtype == np.float32:
            return self._scaled, (theta[:, :-1].astype("f4"), theta[:, -1].astype("f4")), 0.0, 1.0
        return self.X, self.scaling.model(theta), *self.scaling

    def _pass(self, z: Array, rows: slice) -> Array:
        """Overwrites logits with p - y; returns the nll of each row."""
        part: Any = self.target[rows]
        if part.ndim == 1:
            return run_rows(z, part, grad=z).nll  # type: ignore[return-value]
        return run_rows(z, None, probs=part, grad=z).dense  # type: ignore[return-value]

    def _probabilities(self, gradient: Array, rows: slice) -> Array:
        p, part = gradient.astype(self._wide), self.target[rows]
        if part.ndim == 1:
            p[np.arange(len(p)), part] += 1
        else:
            p += part
        return p

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        if self._at is not theta and not np.array_equal(self._at, theta):  # type: ignore[arg-type]
            self.first_order(theta)
        slope, shift = v[:, :-1].astype(self._wide), v[:, -1].astype(self._wide)
        at = theta.astype(self._wide)
        product = np.zeros(v.shape)
        for rows in self._chunks(self._wide.itemsize):
            X = self._scaled[rows]
            p = self._kept[rows] if self._kept is not None else self._softmax(X, at)
            u = linear(X, slope, shift)
            u -= np.einsum("ij,ij->i", p, u)[:, None]
            u *= p
            u *= self._share[rows]
            product[:, :-1] += (X.T @ u).T
            product[:, -1] += u.sum(0, dtype=np.float64)
        return product

    def _softmax(self, X: Any, theta: Array) -> Array:
        p: Array = linear(X, theta[:, :-1], theta[:, -1])
        softmax(p, p)
        return p

    def moments(self) -> tuple[Doubles, Doubles]:
        X, share = self._scaled, self._share[:, 0]
        first = np.asarray(share @ X, np.float64)
        if issparse(X) or X.shape[1] > MOST_SQUARE:
            squares = X.multiply(X) if issparse(X) else X * X
            return first, np.asarray(share @ squares, np.float64)
        weighted = X * np.sqrt(self._share)
        return first, np.asarray(weighted.T @ weighted, np.float64)


def linear(X: Any, coef: Array, intercept: Array) -> Any:
    """X @ coef.T + intercept, (N, K)."""
    logits = X @ coef.T
    logits += intercept
    return logits
