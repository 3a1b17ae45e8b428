"""A preconditioner from the curvature of each class at one theta."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from scipy.linalg import get_lapack_funcs

from neglog._engine import Array
from neglog.learn._rows import BlockOptions, Doubles

# Rows whose p of a class is at most this have the mean second moments there. With 1e-3 and 1e-4
# 50,000 x 64 rows of 100 classes took 13 and 10 products instead of 17, with blocks for each step,
# and 2.5 and 5 times as many rows to add up.
_NEAR = 1e-2
_SPREAD = 3
# Near rows of a class for each column; of more, so many at random stand for all. With all of them,
# blocks of 336,776 x 119 rows of 16 classes (flights) took 0.9 s each, with these 0.2, of sparse
# rows; a fit took 69 products, and takes 72.
_ROWS = 16
_LEAST = 4.0  # rounding errors, of the mean of a block's diagonal: keeps collinear columns apart


class Near(NamedTuple):
    """Rows and classes whose p is not near 0."""

    rows: Array
    of_class: Array
    weight: Array  # share p (1 - p)

    @classmethod
    def of(cls, p: Array, share: Array, first_row: int) -> Self:
        """Those of a chunk of rows, (n, K)."""
        # np.nonzero of two dimensions takes 15 times as long
        rows, of_class = np.divmod(np.flatnonzero(p > _NEAR), p.shape[1])
        near = p[rows, of_class]
        return cls(rows + first_row, of_class, np.maximum(share[rows] * near * (1 - near), 0))

    @classmethod
    def joined(cls, chunks: list[Self]) -> Self:
        """Those of all chunks."""
        return cls(*(np.concatenate(entries) for entries in zip(*chunks, strict=True)))

    def at(self, places: Array) -> Self:
        return type(self)(*(entries[places] for entries in self))

    def of_classes(self, classes: Array) -> Self:
        """Those of some classes, which are numbered anew."""
        place = np.full(self.of_class.max(initial=0) + 1, -1)
        place[classes] = np.arange(len(classes))
        own = place[self.of_class]
        found = self.at(np.flatnonzero(own >= 0))
        return found._replace(of_class=place[found.of_class])

    def by_class(self) -> Self:
        return self.at(np.argsort(self.of_class, kind="stable"))

    def total(self, classes: int) -> Doubles:
        """(K,) the weight of each class."""
        return np.bincount(self.of_class, self.weight, classes).astype(np.float64)

    def sample(self, most: int, classes: int) -> Self:
        """About `most` of each class at random, with the weight of all of them."""
        counts = np.bincount(self.of_class, minlength=classes)
        if counts.max(initial=0) <= most:
            return self
        chance = most / np.maximum(counts, most)
        drawn = np.random.default_rng(0).random(len(self.rows), np.float32)
        found = self.at(np.flatnonzero(drawn < chance[self.of_class]))
        more = self.total(classes) / np.maximum(found.total(classes), np.finfo(float).tiny)
        return found._replace(weight=found.weight * more.astype(found.weight.dtype)[found.of_class])


class ClassMoments(NamedTuple):
    """Sums over rows of share p (1 - p) x x', by class."""

    near: Array  # (K, D + 1, D + 1): of rows whose p is not near 0
    rest: Doubles  # (K,): share p (1 - p) of the other rows


def class_moments(
    x: Array, near: Near, curvature: Doubles, run: Callable[..., Any] = map
) -> ClassMoments | None:
    """The moments of each class; None where p is spread, so that they are much like those of all.

    Args:
        x: (N, D + 1) scaled features with a 1 for the intercept.
        near: of all rows.
        curvature: (K,) sums over rows of share p (1 - p).
        run: map, or that of a pool of threads.
    """
    classes, columns = len(curvature), x.shape[1]
    if len(near.rows) > len(x) * classes / _SPREAD:
        return None
    rest = np.maximum(curvature - near.total(classes), 0)
    near = near.sample(_ROWS * columns, classes).by_class()
    root = np.sqrt(near.weight).astype(x.dtype)
    ends = np.searchsorted(near.of_class, np.arange(classes + 1))
    moments = np.empty((classes, columns, columns), x.dtype)

    def add_up(k: int) -> None:
        own = slice(ends[k], ends[k + 1])
        weighted = x[near.rows[own]] * root[own, None]
        np.matmul(weighted.T, weighted, out=moments[k])

    list(run(add_up, range(classes)))
    return ClassMoments(moments, rest)


class ClassBlocks:
    """The inverse of the diagonal blocks of the penalised Hessian.

    The block of a class is C_k = sum_i share_i p_ik (1 - p_ik) x_i x_i' + P at one theta. At
    another, where the sum of share p (1 - p) is a'_k instead of a_k, C_k a'_k / a_k stands for it.
    """

    def __init__(self, inverse: Array, curvature: Doubles) -> None:
        self._inverse, self._curvature = inverse, curvature

    @classmethod
    def of(
        cls,
        moments: ClassMoments,
        curvature: Doubles,
        options: BlockOptions,
        run: Callable[..., Any] = map,
    ) -> Self | None:
        """The blocks at the theta of `moments`, in their memory; None: one has no inverse.

        Args:
            moments: of each class.
            curvature: (K,) sums of share p (1 - p).
            options: what is added to them.
            run: map, or that of a pool of threads.
        """
        blocks, rest = moments
        assert options.second_moments is not None
        everywhere = options.second_moments.astype(blocks.dtype)
        for block, part in zip(blocks, rest + options.damping, strict=True):
            block += blocks.dtype.type(part) * everywhere
        done = all(run(partial(_invert, options), blocks))
        return cls(blocks, curvature + options.damping) if done else None

    def __call__(self, v: Doubles, curvature: Doubles) -> Doubles:
        """(K, D + 1): the inverse times v, where the curvature of the classes is this."""
        scale = scale_between(self._curvature, curvature)
        scaled = (scale * v).astype(self._inverse.dtype)
        product: Doubles = scale * np.matmul(self._inverse, scaled[:, :, None])[:, :, 0]
        return product


def scale_between(then: Doubles, now: Doubles) -> Doubles:
    """(K, 1): what scales both sides of an inverse by the classes' curvature then, for now's."""
    least = 1e-9 / len(now)
    return np.sqrt(np.maximum(then, least) / np.maximum(now, least))[:, None]


def _invert(options: BlockOptions, block: Array) -> bool:
    """Replace a block by the inverse of it and the penalty, if there is one."""
    if not options.fit_intercept:
        block[-1] = block[:, -1] = 0
    diagonal = np.einsum("ii->i", block)
    diagonal += options.penalty
    mean = diagonal.mean()
    diagonal += _LEAST * np.finfo(block.dtype).eps * mean if mean > 0 else 1
    factored, inverted = get_lapack_funcs(("potrf", "potri"), dtype=block.dtype)
    inverse, failed = factored(block.T, lower=True)
    if not failed:
        inverse, failed = inverted(inverse, lower=True, overwrite_c=True)
    if not failed:
        block[...] = np.tril(inverse) + np.tril(inverse, -1).T
    return not failed
