"""The gradient of a mini-batch of a linear softmax classifier, in one pass over its rows."""

import numpy as np

from .. import _kernels
from .rows import Array


def batch_gradient(
    table: Array,  # (N,) rows: dense (1 + D1,) float32, ones (M,) and target int32, weight float64
    places: Array,  # (n,) int64, of the rows of the batch
    weights: Array,  # (1 + D1 + D2, K) float32
    out: Array,  # as the weights
) -> float:
    """Out = the weighted mean of x (p - y)'; returns the sum of the rows' weights.

    A row's features are `dense`, the first of which is 1, and a one at each place in `ones` among
    D2 others. In five calls, each of which writes the mini-batch to memory for the next, 2,048 rows
    of 16 features and 16 classes take 2.4 times as long.

    Raises:
        IndexError: a place, a one or a target is beyond the end.
    """
    dense, ones = (table.dtype[name].shape[0] for name in ("dense", "ones"))
    rows = table.view(np.uint8).reshape(len(table), table.itemsize)
    return _kernels.batch_gradient(rows, dense, ones, places, weights, out)
