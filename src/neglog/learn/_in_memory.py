"""Rows in memory, and their sums."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from typing import Any, Literal

import numpy as np
from scipy.sparse import issparse

from neglog._engine import Array, cpu_info, run_rows, softmax
from neglog._engine.curvature import times_curvature
from neglog._head.chunks import chunks
from neglog.learn._design import Computed, Design, ProductSum, Stored, logits, padded, rows_at_once
from neglog.learn._rows import BlockOptions, Blocks, Doubles, FirstOrder, Scaling
from neglog.learn._solver.class_blocks import ClassBlocks, Near, class_moments
from neglog.learn._solver.low_rank import blocks_of_few_rows

MOST_KEPT = 128 * 2**20  # bytes of probabilities that are kept between gradient and products
MOST_SQUARE = 1500  # columns whose second moments are held as a matrix
PARTS = 8  # of the rows: more than there are threads, so that a slow one holds up little
MOST_SUMS = 2**25  # numbers of the tables of sums of all parts
MOST_BLOCKS = 2**26  # numbers
MOST_FREQUENT = 256  # columns of sparse rows that are in blocks
_FEW_ROWS = 4  # see `has_few_rows`


class Rows:
    """Rows in memory: X, labels, and the share of each row in the mean.

    Args:
        X: (N, D) float32 or float64, dense or CSR.
        target: (N,) classes, or (N, K) probabilities in the dtype of X.
        share: (N,) > 0; those of all rows sum to 1.
        num_classes: K.
        scaling: the same for all parts of the rows.
        rough: begin with sums in float32, until `refine`; where that takes less time.
    """

    def __init__(
        self,
        X: Any,
        target: Array,
        share: Doubles,
        num_classes: int,
        scaling: Scaling,
        *,
        rough: bool = False,
    ) -> None:
        self.X, self.target, self.share = X, target, share
        self.num_classes, self.scaling = num_classes, scaling
        # Products in float32 take half the time; of few numbers none takes any.
        self.dtype = X.dtype
        self._wide = np.dtype(np.float64 if self._is_tiny() else np.float32)
        if X.dtype == np.float32:
            self._wide = np.dtype(np.float32)
        self.rough = rough and self._wide != X.dtype
        self._at: Doubles | None = None
        self._kept: Array | None = None
        self._share = share.astype(self._wide)
        if target.ndim == 1:  # share y, summed over the rows
            self.mass: Doubles = np.bincount(target, share, num_classes).astype(np.float64)
        else:
            self.mass = np.asarray(share @ target, np.float64)

    @cached_property
    def _stored(self) -> Stored:
        """The features as the Hessian products read them."""
        return Stored(self.X, *self.scaling, self._wide)

    @cached_property
    def _exact(self) -> Design:
        """The features as the gradient reads them."""
        if self._wide == self.X.dtype:
            return self._stored
        if issparse(self.X):
            return Stored(self.X, *self.scaling, self.X.dtype)
        return Computed(self.X, *self.scaling)

    def refine(self) -> bool:
        """Compute in the type of X from now on; False: it was so already."""
        was, self.rough = self.rough, False
        return was

    @property
    def precision(self) -> float:
        """The relative rounding error of a sum of losses."""
        if self.rough:
            return 1e-6
        return 1e-14 if self.X.dtype == np.float64 else 1e-7

    def _is_tiny(self) -> bool:
        """Whether a product with X takes a few milliseconds on one core."""
        rows, columns = self.X.shape
        return bool(rows * columns * self.num_classes <= 2**24)

    def _parts(self) -> list[slice]:
        """Parts of the rows, each of which one thread computes; they depend on the shapes alone.

        Each has a table of sums: where that is large, there are fewer, down to one, whose products
        are large enough for the threads of the BLAS. Powers of two suit most numbers of threads:
        two of them take two thirds of the time for three parts, and half for four.
        """
        rows, columns = self.X.shape
        most = 1 if self._is_tiny() else MOST_SUMS // (self.num_classes * columns)
        parts = 2 ** (min(max(most, 1), PARTS).bit_length() - 1)
        return list(chunks(rows, -(-rows // parts)))

    @property
    def order(self) -> Literal["C", "F"]:
        """Of theta in memory: sparse rows read it column by column."""
        return "F" if issparse(self.X) else "C"

    @property
    def has_few_rows(self) -> bool:
        """Whether blocks of classes are common but for a few rows."""
        rows, columns = self.X.shape
        few = not issparse(self.X) and _FEW_ROWS * rows <= self.num_classes * columns
        return few and not self._is_tiny()

    @property
    def blas_threads(self) -> int | None:
        """How many threads the BLAS may use; None: all.

        Where parts have threads of their own, or products are skinny, more of them only wait.
        """
        return 1 if self._is_tiny() or len(self._parts()) > 1 else None

    def _sums(self, of_part: Callable[[slice], tuple[Any, ...]]) -> list[Any]:
        """The sums of what `of_part` gives for each part."""
        parts = self._parts()
        with self._threads(len(parts)) as run:
            found = iter(run(of_part, parts))
            total = list(next(found))
            for each in found:
                for k, summand in enumerate(each):
                    total[k] += summand
        return total

    @contextmanager
    def _threads(self, pieces: int) -> Iterator[Callable[..., Any]]:
        """`map`, on the library's threads where the BLAS has one."""
        threads = min(cpu_info().threads, pieces)
        if threads == 1 or self._is_tiny() or self.blas_threads != 1:
            yield map
        else:
            with ThreadPoolExecutor(threads) as pool:
                yield pool.map

    def _chunks(
        self, part: slice, design: Design, places: int = 1
    ) -> Iterator[tuple[slice, Any, Array]]:
        """Rows of a chunk, their features, and (places, n, K): new memory costs page faults."""
        count, columns = part.stop - part.start, self.X.shape[1] + 1
        rows = min(rows_at_once(self.num_classes, columns, design), count)
        place = np.empty((places, rows, self.num_classes), design.dtype)
        features = np.empty((rows if isinstance(design, Computed) else 0, columns))
        for own in chunks(count, rows):
            at = slice(part.start + own.start, part.start + own.stop)
            yield at, design.rows(at, features), place[:, : own.stop - own.start]

    def first_order(self, theta: Doubles) -> FirstOrder:
        design = self._stored if self.rough else self._exact
        table = padded(theta, design)
        if self._kept is None and self._keeps():
            self._kept = np.empty((len(self.share), self.num_classes), self._wide)
        self._at = theta
        nll, gradient, squares = self._sums(partial(self._first_order_of, design, table))
        return FirstOrder(nll, gradient, np.maximum(gradient[:, -1] + self.mass - squares, 0))

    def _first_order_of(
        self, design: Design, table: Array, part: slice
    ) -> tuple[float, Doubles, Doubles]:
        """Sums of the nll, share (p - y) x' and share p^2 over a part."""
        nll, squares = 0.0, np.zeros(self.num_classes)
        total = ProductSum(self.num_classes, table.shape[1], design)
        for rows, x, (z,) in self._chunks(part, design):
            logits(x, table, z)
            nll += float(self.share[rows] @ self._pass(z, rows))
            total.add(z, x)
            squares += self._share[rows] @ np.square(self._probabilities(z, rows), out=z)
        return nll, total.total, squares

    def _pass(self, z: Array, rows: slice) -> Array:
        """Overwrites logits with share (p - y); returns the nll of each row."""
        part, share = self.target[rows], self.share[rows]
        if part.ndim == 1:
            return run_rows(z, part, nll_coef=share, grad=z).nll  # type: ignore[return-value]
        found = run_rows(z, None, probs=part.astype(z.dtype), dense_coef=share, grad=z)
        return found.dense  # type: ignore[return-value]

    def _probabilities(self, gradient: Array, rows: slice) -> Array:
        """P from share (p - y), kept for the products if all of them fit, else in its place."""
        part = self.target[rows]
        p = gradient if self._kept is None else self._kept[rows]
        scale = (1 / self.share[rows, None]).astype(gradient.dtype)
        np.multiply(gradient, scale, out=p, casting="same_kind")
        if part.ndim == 1:
            p[np.arange(len(p)), part] += 1
        else:
            p += part
        return p

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        self._see(theta)
        tables = padded(theta, self._stored), padded(v, self._stored)
        product: Doubles = self._sums(partial(self._second_order_of, *tables))[0]
        return product

    def _second_order_of(self, model: Array, direction: Array, part: slice) -> tuple[Doubles]:
        """The sum of share (diag(p) - p p') u x' over a part, where u are a direction's logits."""
        total = ProductSum(self.num_classes, direction.shape[1], self._stored)
        for rows, x, (u, place) in self._chunks(part, self._stored, 2):
            p = self._probabilities_of(model, x, rows, place)
            logits(x, direction, u)
            times_curvature(p, u, self.share[rows])
            total.add(u, x)
        return (total.total,)

    def _probabilities_of(self, model: Array, x: Any, rows: slice, place: Array) -> Array:
        """Those that are kept, or else computed in `place`."""
        if self._kept is not None:
            return self._kept[rows]
        logits(x, model, place)
        softmax(place, place)
        return place

    def _see(self, theta: Doubles) -> None:
        """Keep the probabilities at theta, if they are to be kept."""
        if self._keeps() and self._at is not theta and not np.array_equal(self._at, theta):  # type: ignore[arg-type]
            self.first_order(theta)

    def _keeps(self) -> bool:
        """Whether the probabilities fit: kept, they save one product in three."""
        size = self._wide.itemsize * self.X.shape[0] * self.num_classes
        return bool(size <= MOST_KEPT)

    def moments(self) -> tuple[Doubles, Doubles]:
        x, share = self._stored.table[:, :-1], self._share
        first = np.asarray(share @ x, np.float64)
        if issparse(x) or x.shape[1] > MOST_SQUARE:
            squares = x.multiply(x) if issparse(x) else x * x
            return first, np.asarray(share @ squares, np.float64)
        return first, self._squares(x)

    def _squares(self, x: Array) -> Doubles:
        """The sum of share x x'."""
        weighted = x * np.sqrt(self._share)[:, None]
        return np.asarray(weighted.T @ weighted, np.float64)

    def class_blocks(
        self, theta: Doubles, curvature: Doubles, options: BlockOptions
    ) -> Blocks | None:
        """None: the rows are dense and the blocks would take too much memory, or p is spread."""
        columns, x = self._in_blocks
        if x.shape[1] < 2:
            return None
        self._see(theta)
        near = Near.joined(self._sums(partial(self._near_of, padded(theta, self._stored)))[0])
        if self.has_few_rows:
            with self._threads(self.num_classes) as run:
                few = blocks_of_few_rows(x, near, curvature, options, MOST_BLOCKS, run)
            return Blocks(columns, few)
        if options.second_moments is None:
            options = options._replace(
                second_moments=self._squares_in_blocks, penalty=options.penalty[columns]
            )
        with self._threads(self.num_classes) as run:
            moments = class_moments(x, near, curvature, run)
            times = moments and ClassBlocks.of(moments, curvature, options, run)
        return Blocks(columns, times) if times else None

    def _near_of(self, model: Array, part: slice) -> tuple[list[Near]]:
        """The probabilities of a part that are not near 0, by chunks."""
        found = []
        for rows, x, (place,) in self._chunks(part, self._stored):
            p = self._probabilities_of(model, x, rows, place)
            found.append(Near.of(p, self._share[rows], rows.start))
        return (found,)

    @cached_property
    def _in_blocks(self) -> tuple[Any, Array]:
        """The columns that blocks have, and their features, dense."""
        table, (rows, columns) = self._stored.table, self.X.shape
        most = int(np.sqrt(MOST_BLOCKS / self.num_classes)) - 1
        if not issparse(table):
            fit = self.has_few_rows or columns <= min(most, MOST_SQUARE)
            return slice(None), table if fit else table[:, :0]
        most = min(most, MOST_BLOCKS // rows, MOST_FREQUENT)
        found = np.bincount(table.indices, minlength=columns + 1)[:-1]
        frequent = np.append(np.sort(np.argsort(-found)[: max(most, 0)]), columns)
        return frequent, table[:, frequent].toarray()

    @cached_property
    def _squares_in_blocks(self) -> Doubles:
        return self._squares(self._in_blocks[1])
