"""What a report needs of every class of a row, beyond the loss: rank, one-vs-rest, temperatures."""

from typing import NamedTuple

import numpy as np

from .. import _kernels
from .rows import Array, bits, code

BETAS = 2.0 ** np.arange(-4, 5)  # 1 / temperature
BINS = 128  # of a probability
MOST_BINNED = 1000  # classes


class ClassSums:
    """Weighted sums by class over any number of rows, to which `scores` adds.

    Plain sums of positive numbers: over 10^8 rows they are right to about 1e-12. New ones for every
    batch took a tenth of a report's time at 1,000 classes.
    """

    def __init__(self, classes: int) -> None:
        self.binned = classes if classes <= MOST_BINNED else 0
        self.flat = np.zeros(3 * BINS * classes if self.binned else classes)

    @property
    def bins(self) -> Array:
        """(V, BINS, 2): sums of w and of w p_j by the bin of p_j; V is 0 above MOST_BINNED."""
        return self.flat[: 2 * BINS * self.binned].reshape(self.binned, BINS, 2)

    @property
    def hits(self) -> Array:
        """(V, BINS): sums of w over the rows of a target, by the bin of its probability."""
        return self.flat[2 * BINS * self.binned :][: BINS * self.binned].reshape(-1, BINS)

    @property
    def p(self) -> Array:
        """(V,): sums of w p_j."""
        return self.bins[:, :, 1].sum(1) if self.binned else self.flat


class Scores(NamedTuple):
    """Results of a pass over rows; sums over rows are weighted.

    rank: (N,) how many classes have a larger logit, or an equal one and a smaller index.
    one_vs_rest: (N,) -log p_y - sum over the others of log(1 - p_j).
    tempered: (9, 3) at each of BETAS, sums of w nll, w d and w^2 d^2 with d = nll - entropy,
        which is the derivative of nll by log beta.
    classes: the sums by class.
    unlikely: (U,) the rows whose nll at one of BETAS is at least `from_nll` there, and whose
        target is not the likeliest class; none without `from_nll`.
    curves: (U, 4, 9) float32, their A - B, its slope in log beta, B and its slope. B is the log of
        sum exp(beta (z_j - max)), A that of sum exp(beta (z_j - z_y)) over the z_j <= z_y.
    """

    rank: Array
    one_vs_rest: Array
    tempered: Array
    classes: ClassSums
    unlikely: Array
    curves: Array


def scores(
    logits: Array,  # (N, V), each row contiguous
    target: Array,  # (N,) int32 or int64
    *,
    weight: Array | None = None,  # (N,)
    from_nll: Array | None = None,  # (9,) float64
    classes: ClassSums | None = None,  # to add to; new ones by default
) -> Scores:
    """Scores of rows; a row of weight 0 is not read.

    Relative errors for float32 and halves: 1e-6 of one_vs_rest and of a row's p_j, 2e-6 of nll and
    d at a temperature of 1 and 1e-5 at the others (d: of nll + entropy). A one_vs_rest below 1e-24
    may be 0. For float64: 1e-13, 1e-12, and 1e-300. Curves are right to 2e-6. Sums over rows are in
    float64, in an order that does not depend on the threads.
    """
    n, v = logits.shape
    rank, rest = np.empty(n, np.int64), np.empty(n)
    tempered = np.zeros((len(BETAS), 3))
    sums = ClassSums(v) if classes is None else classes
    unlikely = np.empty(n if from_nll is not None else 0, np.int64)
    curves = np.empty((len(unlikely), 4, len(BETAS)), np.float32)
    count = _kernels.scores(
        *(code(logits), bits(logits), target, weight, rank, rest),
        *(tempered.reshape(-1), sums.flat, from_nll, unlikely, curves.reshape(-1)),
    )
    return Scores(rank, rest, tempered, sums, unlikely[:count], curves[:count])
