"""Whether probabilities mean what they say: of the predicted class, and of every class.

The error is L1 over bins of equal mass: the mean of |accuracy - confidence|, weighted by the bins'
mass. Noise alone makes |gap| greater than 0, so it is taken off each bin (see `without_noise`).
"""

import math
from typing import Any

import numpy as np

from .._engine import Array
from .._engine.scores import BINS, MOST_BINNED, bin_of
from ._rows import Rows
from ._sums import Z95, Estimate, Groups, Sums, interval

SHOWN = 15  # bins of equal mass
PER_OCTAVE = 32
# Fine bins of the top label: PER_OCTAVE per power of two of p up to 1/2 and of 1 - p above it.
FINE = 24 * PER_OCTAVE
MOST_LISTED = 1000
LEAST = 1e-300  # in place of a divisor of 0


class Calibration:
    """Sums by fine bins that are the same for every batch; they are merged at the end."""

    def __init__(self, num_classes: int) -> None:
        self.rows = np.zeros(2 * FINE, np.int64)
        self.top = Sums(5, 2 * FINE)  # w, w p, w hit, w^2, w^2 hit
        self.class_p = Sums(num_classes)
        self.class_w = Sums(num_classes)
        binned = num_classes if num_classes <= MOST_BINNED else 0
        # Plain sums of positive numbers: kept exactly, a batch would take 0.6 ms longer at 1,000
        # classes, and 10,000 batches are right to 1e-13 as they are.
        self.class_bins = np.zeros((binned, BINS, 2))  # w and w p of the class's probability
        self.class_hits = np.zeros(binned * BINS)  # w where it is the target

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self._add_top(rows)
        classes, scores = self.class_p.high.size, rows.scores
        groups = Groups.of(rows.target, classes)
        self.class_p.add(scores.class_p)
        self.class_w.add(groups.sums(rows.weight), groups.at)
        if scores.class_bins is not None:
            self.class_bins += scores.class_bins
            place = rows.target * BINS + bin_of(np.exp(-rows.nll))
            hits = Groups.of(place, classes * BINS)
            self.class_hits[hits.at] += hits.sums(rows.weight)

    def _add_top(self, rows: Rows) -> None:
        p, hit, w = rows.confidence, rows.hits, rows.weight
        place = fine_bin(p)
        count = np.bincount(place, minlength=2 * FINE)
        if w is None:
            total = np.bincount(place, hit, 2 * FINE)
            terms = [count, np.bincount(place, p, 2 * FINE), total, count, total]
        else:
            each = (w, w * p, w * hit, w * w, w * w * hit)
            terms = [np.bincount(place, x, 2 * FINE) for x in each]
        self.rows += count
        self.top.add(np.array(terms, float))

    def merge(self, other: "Calibration") -> None:
        """Add the rows of the other."""
        self.rows += other.rows
        for mine, theirs in (
            (self.top, other.top),
            (self.class_p, other.class_p),
            (self.class_w, other.class_w),
        ):
            mine.merge(theirs)
        self.class_bins += other.class_bins
        self.class_hits += other.class_hits

    def findings(self) -> dict[str, Any]:
        """The errors, with what the bins and the classes contribute."""
        return {"top_label": self._top_label(), "class_wise": self._class_wise()}

    def _top_label(self) -> dict[str, Any]:
        fine = self.top.value
        group = equal_mass(fine[0])
        w, wp, hit, square = (np.bincount(group, x, SHOWN) for x in fine[:4])
        p = fine[1] / np.maximum(fine[0], LEAST)
        noise = np.bincount(group, fine[3] * p * (1 - p), SHOWN)
        gap = hit - wp
        # The variance of the gaps: sum w^2 (hit - p - gap)^2.
        about = p + (gap / np.maximum(w, LEAST))[group]
        spread = np.bincount(group, (1 - 2 * about) * fine[4] + about**2 * fine[3], SHOWN)
        variance = float(np.maximum(spread, noise).sum()) / float(w.sum()) ** 2
        error = float(without_noise(gap, noise).sum() / w.sum())
        rows = np.bincount(group, self.rows, SHOWN)
        return {
            "error": interval(max(error, 0.0), variance).within(0, 1),
            "bins": [
                {
                    "confidence": float(wp[j] / w[j]),
                    "accuracy": share(hit[j] / w[j], w[j] ** 2 / square[j]),
                    "rows": int(rows[j]),
                    "weight": float(w[j]),
                }
                for j in np.flatnonzero(w)
            ],
        }

    def _class_wise(self) -> dict[str, Any]:
        total = float(self.top.value[0].sum())
        mean_p, frequency = self.class_p.value / total, self.class_w.value / total
        if len(self.class_bins):
            error = self._class_errors()
            order = np.arange(len(error))
        else:
            error = np.full(len(mean_p), math.nan)
            order = np.lexsort((np.arange(len(mean_p)), -np.abs(mean_p - frequency).round(12)))
        return {
            "error": float(error.mean()) if len(self.class_bins) else None,
            "classes": [
                {
                    "class": int(j),
                    "mean_p": float(mean_p[j]),
                    "frequency": float(frequency[j]),
                    "error": float(error[j]) if len(self.class_bins) else None,
                }
                for j in order[:MOST_LISTED]
            ],
        }

    def _class_errors(self) -> Array:
        """The error of each class's probability, (V,)."""
        classes = len(self.class_bins)
        w, wp = np.moveaxis(self.class_bins, 2, 0)
        hit = self.class_hits.reshape(classes, BINS)
        group = (equal_mass(w) + SHOWN * np.arange(classes)[:, None]).ravel()
        # The weights' squares are not known by class and bin; they are taken to be spread evenly.
        fine = self.top.value
        square = float(fine[3].sum() / fine[0].sum())
        p = wp / np.maximum(w, LEAST)
        gap, noise = (
            np.bincount(group, x.ravel(), SHOWN * classes).reshape(classes, SHOWN)
            for x in (hit - wp, square * w * p * (1 - p))
        )
        return np.maximum(without_noise(gap, noise).sum(1) / w.sum(1), 0.0)


def fine_bin(p: Array) -> Array:
    """The fine bin of a probability; ascending."""
    # The exponent and the first 5 bits of the fraction of p or 1 - p.
    below = (np.minimum(p, 1 - p).view(np.int64) >> 47) - ((1023 - 24) * PER_OCTAVE)
    np.clip(below, 0, FINE - 1, out=below)
    return np.where(p > 0.5, 2 * FINE - 1 - below, below)


def equal_mass(w: Array) -> Array:
    """For each bin of the last axis, which of SHOWN groups of about the same weight it joins."""
    middle = np.cumsum(w, axis=-1) - w / 2
    # A hair more, so that the rounding of a sum does not decide.
    part = middle / np.maximum(w.sum(-1, keepdims=True), LEAST) + 1e-9
    group = np.minimum((SHOWN * part).astype(np.int64), SHOWN - 1)
    # A p on the edge of a bin may be a hit in the next one, where no p is: it joins the nearest.
    index, far = np.broadcast_to(np.arange(w.shape[-1]), w.shape), 2 * w.shape[-1]
    before = np.maximum.accumulate(np.where(w > 0, index, -far), -1)
    after = np.minimum.accumulate(np.where(w > 0, index, far)[..., ::-1], -1)[..., ::-1]
    nearest = np.where(index - before <= after - index, before, after)
    return np.take_along_axis(group, np.clip(nearest, 0, w.shape[-1] - 1), -1)


def without_noise(gap: Array, noise: Array) -> Array:
    """|gap| less what noise of this variance adds to it, for sums over bins.

    Taken off is  s sqrt(4 / pi) exp(-gap^2 / 2 s^2).  Its mean over gaps that are noise alone is
    E|noise| = s sqrt(2 / pi), so that a calibrated model has the error 0; a gap beyond noise stays.
    To take off E|noise| everywhere found 0.21 where a model of 1,000 rows was wrong by 0.25.
    """
    s = np.sqrt(np.maximum(noise, LEAST))
    left: Array = np.abs(gap) - s * math.sqrt(4 / math.pi) * np.exp(-((gap / s) ** 2) / 2)
    return left


def share(p: float, n: float) -> Estimate:
    """A share of n rows and Wilson's interval, which has a width where all rows are hits."""
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n**2))
    return Estimate(float(p), float(middle - half), float(middle + half)).within(0, 1)
