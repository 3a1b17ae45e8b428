"""The large entries of the gradient with respect to the logits, and their products with the head.

The other entries are summed by row and by class, for each sign, so that a replacement can preserve
these sums.
"""

from typing import NamedTuple

import numpy as np

from .. import _kernels
from .rows import Array, bits, code


class Compressed(NamedTuple):
    """The entries that were kept, and the magnitudes of the others: positive, negative."""

    entries: _kernels.Entries
    row_sums: Array  # (2, n) float64
    class_sums: Array  # (2, V) float64


def compress(grad: Array, threshold: Array, most: float) -> Compressed | None:
    """The entries with |grad| above their row's threshold; None if there are too many.

    A nan is kept. The results do not depend on the number of threads.

    Args:
        grad: (n, V), each row contiguous.
        threshold: (n,) float64.
        most: the fraction of the entries that may be kept; memory is used for kept entries only.
    """
    n, num_classes = grad.shape
    row_sums, class_sums = np.empty((2, n)), np.empty((2, num_classes))
    entries = _kernels.compress(
        code(grad), bits(grad), threshold, row_sums, class_sums, int(most * grad.size)
    )
    return None if entries is None else Compressed(entries, row_sums, class_sums)


def add_times_classes(chunks: list[_kernels.Entries], classes: Array, out: Array) -> None:
    """Out (n, D) += kept @ classes (V, D), for the rows of all chunks, stacked.

    The classes are read once for all chunks; with few entries that is most of the time.
    """
    _kernels.add_times_classes(code(classes), chunks, bits(classes), out)


def add_times_hidden(chunks: list[_kernels.Entries], hidden: Array, out: Array) -> None:
    """Out (V, D) += kept.T @ hidden (n, D), for the rows of all chunks, stacked."""
    _kernels.add_times_hidden(code(hidden), chunks, bits(hidden), out)
