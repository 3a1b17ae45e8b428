"""Products of a chunk in NumPy: halves and mixed types are widened a block of classes at a time."""

import numpy as np

from .._head.chunks import blocks
from .._head.products import Which
from ._arrays import RESULTS, Array, DType

_BLOCK = 1024  # classes whose part of a product stays in the cache until it is added


class Products:
    """NumPy's products for one head; see `_head.products.Products`."""

    def __init__(self, dtype: DType, *, same: bool) -> None:
        self._dtype = dtype  # of the logits
        self._same = same  # hidden and classes have it, too

    def empty(self, shape: tuple[int, int]) -> Array:
        return np.empty(shape, self._dtype)

    def logits(self, hidden: Array, classes: Array, bias: Array | None, out: Array) -> None:
        if self._same:
            np.matmul(hidden, classes.T, out=out)
        else:
            wide = self.widened(hidden)
            for block in blocks(len(classes), _BLOCK):
                out[:, block] = wide @ self.widened(classes[block]).T
        if bias is not None:
            out += bias

    def times_classes(self, a: Array, classes: Array, out: Array, at: Which) -> None:
        if self._same and isinstance(at, slice):
            np.matmul(a, classes, out=out[at])
        elif self._same:
            out[at] = a @ classes
        else:
            each = blocks(len(classes), _BLOCK)
            out[at] = sum(a[:, block] @ self.widened(classes[block]) for block in each)

    def add_times_hidden(self, a: Array, hidden: Array, out: Array, *, begun: bool) -> None:
        wide = self.widened(hidden)
        place = np.empty((min(_BLOCK, len(out)), out.shape[1]), self._dtype)
        for block in blocks(len(out), _BLOCK):
            if begun:
                product = place[: block.stop - block.start]
                np.matmul(a[:, block].T, wide, out=product)
                out[block] += product
            else:
                np.matmul(a[:, block].T, wide, out=out[block])

    def add_sum(self, a: Array, out: Array) -> None:
        out += a.sum(0)

    def memory_of(self, x: Array) -> Array:
        dtype = None if RESULTS.get(x.dtype, self._dtype) == self._dtype else self._dtype
        return np.ascontiguousarray(x, dtype)

    def widened(self, x: Array) -> Array:
        return x.astype(self._dtype, copy=False)

    def narrowed(self, array: Array, like: Array) -> Array:
        return array.astype(like.dtype, copy=False)

    def weighted(self, weights: Array, x: Array) -> Array:
        with np.errstate(invalid="ignore"):  # 0 times inf
            total: Array = weights @ self.widened(x)
        return total

    def add_outer(self, weights: Array, x: Array, out: Array) -> None:
        np.add(out, weights.T @ x, out=out, casting="unsafe")
