"""`grad_tolerance`: the small entries of the logits' gradient, put together instead of multiplied.

On a trained model a fiftieth of the entries of p - y has nearly all of the weight. Entries above
the tolerance go through sparse products. The others, R, are replaced by a matrix of rank one for
each sign with the same row sums m and class sums r: R ~ m r' / sum(m). One matrix for both signs
would divide by a sum that vanishes when a whole row is left out, because p - y sums to 0.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from .._contract import as_number
from .._engine import Array
from .._engine.sparse import add_times_classes, add_times_hidden, compress
from .chunks import Gradients, Head, blocks, chunk_of
from .products import CpuProducts

# The largest fraction of a chunk's entries that is kept. Sparse products are faster up to a quarter
# (0.2 of random entries: 0.84 of the dense products' time at D = 576, 0.75 at 2048; 0.3: 1.16 and
# 1.02), but a kept entry takes 6 bytes of the memory, and shorter chunks have slower products.
# On a trained model 0.02 are above 1e-5.
MOST_KEPT = 1 / 16
_COLUMN = 2  # bytes of a kept entry's column, in addition to its value
_BLOCK = 2048  # rows that are widened at a time
_MOST_GROUPS = 8
_ROWS_PER_GROUP = 40  # of a chunk, at least; a group's sums are as long as two rows


def as_grad_tolerance(value: Any) -> float:
    """A number in [0, 1)."""
    tolerance = as_number("grad_tolerance", value)
    if not 0 <= tolerance < 1:
        raise ValueError(
            f"grad_tolerance must be in [0, 1), got {tolerance}; 0 leaves nothing out, and 1e-5"
            " little"
        )
    return tolerance


def plan(num_classes: int, itemsize: int, memory: int, tolerance: float) -> tuple[int, int]:
    """The number of rows of a chunk, and the number of groups that have a remainder each.

    The kept entries and the sums of groups beyond the first come out of the chunk's memory.
    """
    if not tolerance:
        return chunk_of(num_classes, itemsize, memory), 1
    wide = max(itemsize, 4)
    groups = max(1, min(_MOST_GROUPS, memory // (_ROWS_PER_GROUP * num_classes * itemsize)))
    rest = memory - 2 * (groups - 1) * num_classes * wide
    return chunk_of(num_classes, itemsize + MOST_KEPT * (wide + _COLUMN), rest), groups


class Remainder:
    """The entries left out of all chunks, and the matrices that replace them.

    Rows are ordered in groups whose hidden states point in similar directions, measured against a
    few of them. Each group has its own sums, and so its own remainder. With 8 groups the error of
    the gradient for the classes is two fifths of the error with one.
    """

    def __init__(
        self,
        products: CpuProducts,
        head: Head,
        into: Gradients,
        tolerance: float,
        weights: Array,  # (N,), what p - y is multiplied by
        useful: Array | None,  # the rows that are computed; None: all
        groups: int,
    ) -> None:
        self._products, self._head, self._into = products, head, into
        self._tolerance, self._weights = tolerance, np.abs(weights)
        self._classes = products.memory_of(head.classes)
        self.order, self._bounds = self._grouped(useful, groups)
        groups = len(self._bounds) - 1
        wide = products.widened(head.classes[:0]).dtype
        self._by_row = np.zeros((groups, 2, len(head.hidden)))
        self._by_class = np.zeros((groups, 2, len(head.classes)), wide)
        self._waiting: list[tuple[Array, Any]] = []  # rows, the entries kept of them
        self._kept = 0

    def _grouped(self, useful: Array | None, groups: int) -> tuple[Array, Array]:
        """The rows, one group after another, and where each begins."""
        products, hidden = self._products, self._head.hidden
        rows = np.arange(len(hidden)) if useful is None else useful
        groups = min(groups, len(rows))
        centres = products.widened(hidden[rows[np.arange(groups) * len(rows) // groups]])
        length = np.sqrt((centres * centres).sum(1, keepdims=True))
        centres = centres / (length + np.finfo(np.float32).tiny)
        cosines = (products.weighted(centres, hidden[rows[b]].T) for b in _blocks(rows))
        nearest = np.concatenate([products.memory_of(found).argmax(0) for found in cosines])
        bounds = np.searchsorted(np.sort(nearest), np.arange(groups + 1))
        return rows[np.argsort(nearest, kind="stable")], bounds

    def take(self, gradient: Any, rows: slice) -> bool:
        """Keep a chunk's large entries and add the others to the sums; or do neither."""
        array = self._products.memory_of(gradient)
        parts = [self._part(array, group, rows) for group in range(len(self._bounds) - 1)]
        some = [part for part in parts if part is not None]
        if any(found is None for _, _, found in some):
            self._kept += array.size
            return False
        for group, which, found in some:
            self._by_row[group][:, which] = found.row_sums
            self._by_class[group] += found.class_sums
            self._kept += found.entries.count
            self._waiting.append((which, found.entries))
        if self._is_full(array.size):
            self._multiply()
        return True

    def _part(self, array: Array, group: int, rows: slice) -> tuple[int, Array, Any] | None:
        """A chunk's rows of a group, and the entries kept of them; None: no rows."""
        start, stop = np.clip(self._bounds[group : group + 2], rows.start, rows.stop)
        if start == stop:
            return None
        which = self.order[start:stop]
        limits = self._tolerance * self._weights[which]
        here = array[start - rows.start : stop - rows.start]
        return group, which, compress(here, limits, MOST_KEPT)

    def _is_full(self, chunk: int) -> bool:
        """Whether the waiting entries may fill the room that a chunk has for them."""
        count = sum(entries.count for _, entries in self._waiting)
        numbers = sum(len(which) for which, _ in self._waiting) * self._head.hidden.shape[1]
        return bool(count > MOST_KEPT * chunk / 2 or numbers > chunk / 16)

    def _multiply(self) -> None:
        """Sparse products of the waiting entries: several chunks read classes and sums once."""
        if not self._waiting:
            return
        which = np.concatenate([rows for rows, _ in self._waiting])
        entries = [kept for _, kept in self._waiting]
        self._waiting = []
        hidden = self._products.memory_of(self._head.hidden[which])
        if self._into.hidden is not None:
            place = np.zeros(hidden.shape, self._by_class.dtype)
            add_times_classes(entries, self._classes, place)
            self._into.hidden[which] = self._products.narrowed(place, self._into.hidden)
        if self._into.classes is not None:
            add_times_hidden(entries, hidden, self._products.memory_of(self._into.classes))

    def end(self) -> None:
        """Add the remainder: m (r' classes) / sum(m) and r (m' hidden) / sum(m)."""
        self._multiply()
        by_row = self._by_row.reshape(-1, self._by_row.shape[2])
        by_class = self._by_class.reshape(-1, self._by_class.shape[2])
        total = by_row.sum(1, keepdims=True)
        share = np.divide(by_class, total, out=by_class, where=total > 0)
        signs = np.tile([[1.0], [-1.0]], (len(by_row) // 2, 1))
        signed = (by_row[:, self.order] * signs).astype(share.dtype, copy=False)
        if self._into.hidden is not None:
            mean = self._weighted(share, self._head.classes)
            self._add(signed, mean, self._into.hidden, self.order)
        if self._into.classes is not None:
            mean = self._weighted(signed, self._head.hidden, self.order)
            self._add(share, mean, self._into.classes)

    def _weighted(self, weights: Array, x: Any, order: Array | None = None) -> Any:
        """(g, D): weights (g, k) @ x (k, D), the rows of x in this order."""
        return sum(
            self._products.weighted(
                np.ascontiguousarray(weights[:, block]), x[block if order is None else order[block]]
            )
            for block in blocks(weights.shape[1], _BLOCK)
        )

    def _add(self, weights: Array, means: Any, out: Any, order: Array | None = None) -> None:
        """Out (k, D) += weights' (k, g) @ means (g, D), the rows of out in this order."""
        for block in blocks(weights.shape[1], _BLOCK):
            at = block if order is None else order[block]
            place = out[at]
            self._products.add_outer(np.ascontiguousarray(weights[:, block]), means, place)
            if order is not None:  # indexing made a copy
                out[at] = place

    def dropped(self) -> Array:
        """(N,): the summed magnitudes of the entries left out of each row."""
        return self._by_row.sum((0, 1))  # type: ignore[no-any-return]

    def kept(self) -> float:
        """The fraction of entries that were multiplied one by one, of the rows computed."""
        entries = len(self.order) * len(self._head.classes)
        return self._kept / entries if entries else 1.0

    def mass(self) -> Array:
        """(n,): what was dropped of each computed row, as a fraction of its weight."""
        dropped, weights = self.dropped()[self.order], self._weights[self.order]
        return np.divide(dropped, weights, out=np.zeros(len(dropped)), where=weights > 0)

    def farthest(self) -> float:
        """The largest distance of a class vector from the mean of all."""
        wide, classes = self._products.widened, self._head.classes
        mean = sum(wide(classes[block]).sum(0) for block in _blocks(classes)) / len(classes)
        squares = [((wide(classes[b]) - mean) ** 2).sum(1).max() for b in _blocks(classes)]
        return float(np.sqrt(max(squares)))


def _blocks(x: Any) -> Iterator[slice]:
    """Slices of its rows, as many as are widened at a time."""
    return blocks(len(x), _BLOCK)
