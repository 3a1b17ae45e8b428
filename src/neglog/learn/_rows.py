"""Sums over rows: loss, gradient and Hessian products of a linear softmax classifier.

Everything is a sum over rows, so that the sums of parts of the rows add up to those of all.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from neglog._engine import Array, run_rows, softmax
from neglog._engine.curvature import times_curvature
from neglog._head.chunks import chunks

Doubles = NDArray[np.float64]

ROUNDING = 1e-15  # of a mean over rows that are all the same, relative
MOST_KEPT = 128 * 2**20  # bytes of probabilities that are kept between gradient and products
CHUNK = 2**20  # bytes of logits at a time, which stay in a cache until they are read again
MOST_CHUNK = 64 * 2**20  # where that is less than LEAST_ROWS; and of sparse rows
LEAST_ROWS = 256  # of a chunk: with fewer the products are slower
MOST_SQUARE = 1500  # columns whose second moments are held as a matrix


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
    def is_small(self) -> bool:
        """Whether a product with X takes a few milliseconds on one core."""

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
        self._share = share.astype(self._wide)
        if target.ndim == 1:  # share y, summed over the rows
            self.mass: Doubles = np.bincount(target, share, num_classes).astype(np.float64)
        else:
            self.mass = np.asarray(share @ target, np.float64)

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
    def dtype(self) -> Any:
        return self.X.dtype

    @property
    def is_small(self) -> bool:
        """Whether a product with X takes a few milliseconds on one core."""
        rows, columns = self.X.shape
        return bool(rows * columns * self.num_classes <= 2**24)

    def _chunks(self, dtype: Any, places: int = 1) -> Iterator[tuple[slice, Array]]:
        """Rows of a chunk, and (places, n, K) for their logits: new ones cost page faults.

        Sparse rows are cut as little as possible, because each chunk adds D x K numbers.
        """
        row = self.num_classes * dtype.itemsize
        most = MOST_CHUNK // row
        rows = max(most if issparse(self.X) else CHUNK // row, min(LEAST_ROWS, most), 1)
        shape = places, min(rows, self.X.shape[0]), self.num_classes
        place = np.empty(shape, dtype)
        for part in chunks(self.X.shape[0], rows):
            yield part, place[:, : part.stop - part.start]

    def first_order(self, theta: Doubles) -> FirstOrder:
        n, columns = self.X.shape
        model = theta.astype(self.X.dtype)
        self._at = theta
        self._kept = np.empty((n, self.num_classes), self._wide) if self._keeps() else None
        d_coef = np.zeros((self.num_classes, columns))
        d_intercept, squares = np.zeros(self.num_classes), np.zeros(self.num_classes)
        nll, product = 0.0, place_of(self.X, d_coef)
        for rows, (z,) in self._chunks(self.X.dtype):
            share, X = self.share[rows], self._exact(rows)
            linear(X, model[:, :-1], model[:, -1], z)
            nll += float(share @ self._pass(z, rows))
            p = self._probabilities(z, rows)
            squares += np.einsum("i,ij,ij->j", self._share[rows], p, p)
            add_product(z, X, d_coef, product)
            d_intercept += z.sum(0, dtype=np.float64)
        curvature = np.maximum(d_intercept + self.mass - squares, 0)
        return FirstOrder(nll, np.column_stack([d_coef, d_intercept]), curvature)

    def _exact(self, rows: slice) -> Any:
        """Scaled features in the dtype of X.

        Products with those as they came lose the digits of a large offset: columns of 1e7 +- 1e-6
        had a loss that was 6e-5 below that of any model.
        """
        if self._scaled.dtype == self.X.dtype:
            return self._scaled[rows]
        if not issparse(self.X):
            return (self.X[rows] - self.scaling.mean) / self.scaling.scale
        part = self.X[rows].copy()
        part.data /= self.scaling.scale[part.indices]
        return part

    def _pass(self, z: Array, rows: slice) -> Array:
        """Overwrites logits with share (p - y); returns the nll of each row."""
        part, share = self.target[rows], self.share[rows]
        if part.ndim == 1:
            return run_rows(z, part, nll_coef=share, grad=z).nll  # type: ignore[return-value]
        found = run_rows(z, None, probs=part, dense_coef=share, grad=z)
        return found.dense  # type: ignore[return-value]

    def _probabilities(self, gradient: Array, rows: slice) -> Array:
        """P from share (p - y), kept for the products if all of them fit."""
        part = self.target[rows]
        shape = gradient.shape
        p = np.empty(shape, self._wide) if self._kept is None else self._kept[rows]
        np.multiply(gradient, 1 / self.share[rows, None], out=p, casting="same_kind")
        if part.ndim == 1:
            p[np.arange(len(p)), part] += 1
        else:
            p += part
        return p

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        if self._keeps() and self._at is not theta and not np.array_equal(self._at, theta):  # type: ignore[arg-type]
            self.first_order(theta)
        model, direction = theta.astype(self._wide), v.astype(self._wide)
        d_coef, d_intercept = np.zeros((len(v), v.shape[1] - 1)), np.zeros(len(v))
        product = place_of(self._scaled, d_coef)
        for rows, (u, p) in self._chunks(self._wide, 2):
            X = self._scaled[rows]
            if self._kept is None:
                softmax(linear(X, model[:, :-1], model[:, -1], p), p)
            else:
                p = self._kept[rows]
            linear(X, direction[:, :-1], direction[:, -1], u)
            times_curvature(p, u, self.share[rows])
            add_product(u, X, d_coef, product)
            d_intercept += u.sum(0, dtype=np.float64)
        return np.column_stack([d_coef, d_intercept])

    def _keeps(self) -> bool:
        """Whether the probabilities fit: kept, they save one product in three."""
        size = self._wide.itemsize * self.X.shape[0] * self.num_classes
        return bool(size <= MOST_KEPT)

    def moments(self) -> tuple[Doubles, Doubles]:
        X, share = self._scaled, self._share
        first = np.asarray(share @ X, np.float64)
        if issparse(X) or X.shape[1] > MOST_SQUARE:
            squares = X.multiply(X) if issparse(X) else X * X
            return first, np.asarray(share @ squares, np.float64)
        weighted = X * np.sqrt(share)[:, None]
        return first, np.asarray(weighted.T @ weighted, np.float64)


def linear(X: Any, coef: Array, intercept: Array, out: Array | None = None) -> Array:
    """X @ coef.T + intercept, (N, K)."""
    if out is None or issparse(X):
        product = X @ coef.T
        if out is None:
            out = product
        else:
            out[...] = product
    else:
        np.matmul(X, coef.T, out=out)
    out += intercept
    return out


def place_of(X: Any, d_coef: Array) -> Array | None:
    """Where `add_product` may put a product; sparse ones take their own."""
    return None if issparse(X) else np.empty(d_coef.shape, X.dtype)


def add_product(a: Array, X: Any, into: Doubles, place: Array | None) -> None:
    """Into (K, D) += a' (K, n) @ X (n, D)."""
    if place is None:
        into += (X.T @ a).T
    else:
        np.matmul(a.T, X, out=place)
        into += place
