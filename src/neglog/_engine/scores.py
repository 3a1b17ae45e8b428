"""What a report needs of every class of a row, beyond the loss: rank, one-vs-rest, temperatures."""

from typing import NamedTuple

import numpy as np

from .rows import Array, run_rows

BETAS = 2.0 ** np.arange(-4, 5)  # 1 / temperature
BINS = 128  # of a probability
MOST_BINNED = 1000  # classes


class Scores(NamedTuple):
    """Results of a pass over rows whose log-sum-exp is known; sums over rows are weighted.

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


def scores(logits: Array, target: Array, lse: Array, weight: Array | None = None) -> Scores:
    """Scores of rows; a row of weight 0 is not read."""
    n, v = logits.shape
    w = np.ones(n) if weight is None else weight
    used = np.flatnonzero(w)
    z, y, w = logits[used].astype(np.float64), target[used], w[used]
    own = z[np.arange(len(z)), y]
    index = np.arange(v)
    above = (z > own[:, None]) | ((z == own[:, None]) & (index < y[:, None]))
    p = np.exp(z - lse[used, None])
    others = np.log1p(-np.minimum(p, 1 - 1e-16))
    others[np.arange(len(z)), y] = 0
    rank, rest = np.zeros(n, np.int64), np.zeros(n)
    rank[used] = above.sum(1)
    rest[used] = lse[used] - own - others.sum(1)
    tempered = np.empty((len(BETAS), 3))
    for k, beta in enumerate(BETAS):
        found = run_rows(z, y, entropy=True, temperature=1 / beta)
        assert found.nll is not None
        assert found.entropy is not None
        d = found.nll - found.entropy
        tempered[k] = w @ found.nll, w @ d, w**2 @ d**2
    bins = None
    if v <= MOST_BINNED:
        place = (bin_of(p) + BINS * index).ravel()
        bins = np.stack(
            [
                np.bincount(place, x.ravel(), v * BINS).reshape(v, BINS)
                for x in (np.broadcast_to(w[:, None], p.shape), w[:, None] * p)
            ],
            axis=-1,
        )
    return Scores(rank, rest, tempered, w @ p, bins)
