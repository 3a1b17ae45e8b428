"""What a report needs of every class of a row, beyond the loss: rank, one-vs-rest, temperatures."""

from typing import NamedTuple

import numpy as np

from .. import _kernels
from .rows import Array, bits, code

BETAS = 2.0 ** np.arange(-4, 5)  # 1 / temperature
BINS = 128  # of a probability
MOST_BINNED = 1000  # classes


class Scores(NamedTuple):
    """Results of a pass over rows; sums over rows are weighted.

    rank: (N,) how many classes have a larger logit, or an equal one and a smaller index.
    one_vs_rest: (N,) -log p_y - sum over the others of log(1 - p_j).
    tempered: (9, 3) at each of BETAS, sums of w nll, w d and w^2 d^2 with d = nll - entropy,
        which is the derivative of nll by log beta.
    class_p: (V,) sums of w p_j.
    class_bins: (V, BINS, 2) sums of w and of w p_j by the bin of p_j; None above MOST_BINNED.
    """

    rank: Array
    one_vs_rest: Array
    tempered: Array
    class_p: Array
    class_bins: Array | None


def bin_of(p: Array) -> Array:
    """The bin of a probability, 0 to 127: four per octave of p or, above 1/2, of 1 - p."""
    p = np.asarray(p, np.float32)
    below = np.maximum((np.minimum(p, 1 - p).view(np.int32) >> 21) - 443, 0)
    bins: Array = np.where(p > 0.5, BINS - 1 - below, below)
    return bins


def scores(
    logits: Array,  # (N, V), each row contiguous
    target: Array,  # (N,) int32 or int64
    *,
    weight: Array | None = None,  # (N,)
) -> Scores:
    """Scores of rows; a row of weight 0 is not read.

    Relative errors for float32 and halves: 1e-6 of one_vs_rest and of a row's p_j, 2e-6 of nll and
    d at a temperature of 1 and 1e-5 at the others (d: of nll + entropy). A one_vs_rest below 1e-24
    may be 0. For float64: 1e-13, 1e-12, and 1e-300. Sums over rows are in float64, in an order
    that does not depend on the threads.
    """
    n, v = logits.shape
    rank, rest = np.empty(n, np.int64), np.empty(n)
    tempered = np.zeros((len(BETAS), 3))
    bins = np.zeros((v, BINS, 2)) if v <= MOST_BINNED else None
    sums = np.zeros(v) if bins is None else bins
    _kernels.scores(
        *(code(logits), bits(logits), target, weight, rank, rest),
        *(tempered.reshape(-1), sums.reshape(-1)),
    )
    return Scores(rank, rest, tempered, sums if bins is None else bins[:, :, 1].sum(1), bins)
