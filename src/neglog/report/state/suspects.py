"""Labels that look wrong: rows whose label is too unlikely even for the calibrated model.

The p-value of a row is the probability, at the best temperature, of a label that is no likelier
than the given one: the tail  sum of p_j over p_j <= p_y.  If the labels were drawn from the
calibrated model, it would be at most q with probability q or less; Benjamini and Hochberg's
procedure over all rows makes a list of which a stated part, on average, is there by chance.

The best temperature is known at the end only. The tail falls as beta = 1 / T rises, so a row whose
tail at one node is small is kept for the temperatures up to that node, with what its tail at all
nodes follows from.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._engine import Array, run_rows
from ..._engine.scores import BETAS
from .lists import entries, order
from .rows import Rows
from .temperature import ONE, between

RATE = 0.1  # of false discoveries
KEPT = 10_000  # rows per node
MOST_LISTED = 1000
SLACK = 1e-5  # relative; what rounding may do to a bound


class Suspects:
    """At each node the KEPT rows with the smallest tail, of those that may be listed.

    Of m rows, k are listed if the k-th smallest p-value is at most RATE k / m; so where up to KEPT
    are listed, no p-value is above RATE KEPT / m.

    With B = log of the sum of exp(beta (z_j - max)), and A = the same over z_j <= z_y relative to
    z_y, log tail = A - B - beta (max - z_y).  `curves` has at each node A - B and B, which vary
    slowly with beta, and their slopes: without them, a p-value between two nodes was wrong by up to
    10 % with 1,000 classes, with them by 1 %.
    """

    def __init__(self, num_classes: int) -> None:
        self.log_classes = math.log(num_classes)
        self.rows = 0
        self.places = np.zeros((0, 3), np.int64)  # row, target, predicted
        self.named: list[dict[str, Any] | None] = []  # what else is known, where there is more
        self.nll = np.zeros(0)
        self.curves = np.zeros((0, 4, len(BETAS)))  # A - B, its slope, B, its slope
        self.gap = np.zeros(0)  # max - z_y
        self.enough = np.full(len(BETAS), math.log(RATE))  # log tail above which no row is kept
        self.settled = 0  # rows that were left when some were last left out

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self._count(len(rows.nll))
        at = np.flatnonzero((rows.nll >= self._least_nll(slice(None))) & (rows.scores.rank > 0))
        if len(at) > KEPT:  # the worst come first: they raise the bar for the others
            at = at[np.argpartition(-rows.nll[at], KEPT)]
        for first in range(0, len(at), KEPT):
            some = at[first : first + KEPT]
            self._add_some(rows, some[rows.nll[some] >= self._least_nll(slice(None))])

    def _add_some(self, rows: Rows, at: Array) -> None:
        at = at[self._able(rows, at)]
        if not len(at):
            return
        gap = rows.nll[at] - rows.min_entropy[at]
        curves = _curves(rows, at, BETAS)
        kept = self._chosen(log_tails(curves, gap, BETAS), ties=False)
        at = at[kept]
        places = np.stack([rows.row[at], rows.target[at], rows.predicted[at]], axis=1)
        # An entry takes 3 us; without it, a row takes 0.5.
        bare = rows.ids is None and rows.text is None and not rows.by
        named = [None] * len(at) if bare else entries(rows, at)
        self._append(places, named, rows.nll[at], curves[kept], gap[kept])

    def _able(self, rows: Rows, at: Array) -> Array:
        """Which of these rows can be kept at some node, by bounds on their tails."""
        top = rows.min_entropy[at]
        gap = rows.nll[at] - top
        bar = self.enough * (1 - SLACK)
        # For beta > 1, the tail is at least p_y, and that at least exp(-beta gap) p_max.
        steep = BETAS[ONE + 1 :] * gap[:, None] + top[:, None]
        able: Array = (steep >= -bar[ONE + 1 :]).any(1)
        left = np.flatnonzero(~able & (rows.nll[at] >= self._least_nll(slice(ONE + 1))))
        for k in range(ONE, -1, -1):  # at a smaller beta, the tail is no smaller
            if len(left):
                curves = _curves(rows, at[left], BETAS[k : k + 1])
                tail = log_tails(curves, gap[left], BETAS[k])[:, 0]
                able[left] = tail <= bar[k]
                left = left[~able[left] & (tail <= bar[:k].max(initial=-np.inf))]
        return able

    def _least_nll(self, nodes: slice) -> float:
        """The least nll with which a row can be kept at one of these nodes.

        For beta >= 1, p_y(beta) >= p_y^beta; for beta < 1, p_y(beta) >= p_y^beta V^(beta - 1), and
        the tail is at least p_y.
        """
        beta, enough = BETAS[nodes], -self.enough[nodes]
        flatter = np.maximum(enough, (enough - (1 - beta) * self.log_classes) / beta)
        least = np.where(beta < 1, flatter, enough / beta)
        return float(least.min()) * (1 - SLACK)

    def merge(self, other: "Suspects", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        self._count(other.rows)
        places = other.places + np.array([offset, 0, 0])
        self._append(places, other.named, other.nll, other.curves, other.gap)

    def _count(self, rows: int) -> None:
        """More rows lower the largest p-value that may be listed."""
        self.rows += rows
        self.enough = np.minimum(self.enough, math.log(self._limit()))

    def _limit(self) -> float:
        """The largest p-value that may be listed."""
        return RATE * min(1.0, KEPT / max(self.rows, 1))

    def _append(
        self,
        places: Array,
        named: Sequence[dict[str, Any] | None],
        nll: Array,
        curves: Array,
        gap: Array,
    ) -> None:
        self.places = np.concatenate([self.places, places])
        self.named = [*self.named, *named]
        self.nll = np.concatenate([self.nll, nll])
        self.curves = np.concatenate([self.curves, curves])
        self.gap = np.concatenate([self.gap, gap])
        if len(self.nll) > self.settled + KEPT // 2:
            self._settle()

    def _settle(self) -> None:
        """Leave out rows that are kept at no node."""
        tails = log_tails(self.curves, self.gap, BETAS)
        kept = self._chosen(tails, ties=True)
        self.named = [self.named[i] for i in kept.tolist()]
        self.places, self.nll = self.places[kept], self.nll[kept]
        self.curves, self.gap, tails = self.curves[kept], self.gap[kept], tails[kept]
        self.settled = len(kept)
        if len(kept) >= KEPT:
            last = np.partition(tails, KEPT - 1, axis=0)[KEPT - 1]
            self.enough = np.minimum(self.enough, last)

    def _chosen(self, tails: Array, *, ties: bool) -> Array:
        """The rows that are kept at a node; of ties at the end all, or those that come first."""
        chosen = np.zeros(len(tails), bool)
        for k, log_rate in enumerate(self.enough):
            tail = tails[:, k]
            if (tail <= log_rate).sum() <= KEPT:
                chosen |= tail <= log_rate
                continue
            last = np.partition(tail, KEPT - 1)[KEPT - 1]
            chosen |= tail < last
            tied = np.flatnonzero(tail == last)
            if ties:
                left = KEPT - int((tail < last).sum())
                tied = np.array(sorted(tied.tolist(), key=self._order)[:left])
            chosen[tied] = True
        return np.flatnonzero(chosen)

    def _order(self, i: int) -> tuple[str, int]:
        """Which of two equal rows comes first."""
        return order({"id": (self.named[i] or {}).get("id"), "row": int(self.places[i, 0])})

    def findings(self, temperature: float) -> dict[str, Any]:
        """The list at the best temperature."""
        self._settle()
        ascending = np.sort(self._p_values(1 / temperature)[0])
        found = np.flatnonzero(q_values(ascending, self.rows) <= RATE)
        count = len(found)
        unseen = self._unseen(1 / temperature)
        return {
            "false_discovery_rate": RATE,
            "count": count,
            # Beyond the rows that were kept, the line may be crossed again.
            "at_least": count > KEPT // 2 or (count > 0 and bool(ascending[count - 1] >= unseen)),
            "temperature": temperature,
            "listed": self.ranked(temperature, min(count, MOST_LISTED)),
        }

    def ranked(self, temperature: float, most: int = KEPT) -> list[dict[str, Any]]:
        """The rows with the least p-values, of those that were kept; the least first."""
        if not most:
            return []
        self._settle()
        p_value, top = self._p_values(1 / temperature)
        ascending = np.sort(p_value)
        able = np.flatnonzero(p_value <= min([self._limit(), *ascending[most - 1 : most]])).tolist()
        able.sort(key=lambda i: (p_value[i], *self._order(i)))
        return [
            self._line(i, p_value[i], q, 1 / temperature, top[i])
            for i, q in zip(able[:most], q_values(ascending, self.rows), strict=False)
        ]

    def _p_values(self, beta: float) -> tuple[Array, Array]:
        """The tails at this beta, and -log of the probabilities of the predicted classes."""
        tail, top = (
            between(self.curves[:, k], self.curves[:, k + 1], math.log(beta)) for k in (0, 2)
        )
        return np.minimum(np.exp(tail - beta * self.gap), 1.0), top

    def _unseen(self, beta: float) -> float:
        """The least p-value that a row may have that was not kept; inf if all were."""
        k = min(int(np.searchsorted(BETAS, beta * (1 - SLACK))), len(BETAS) - 1)
        tail = log_tails(self.curves, self.gap, BETAS)[:, k]
        if (tail <= self.enough[k]).sum() < KEPT:
            return math.inf
        return float(np.exp(np.partition(tail, KEPT - 1)[KEPT - 1]))

    def _line(self, i: int, p: float, q: float, beta: float, top: float) -> dict[str, Any]:
        """A row of the list; its probabilities are those at the best temperature."""
        row, target, predicted = self.places[i].tolist()
        named = self.named[i] or {"id": None, "text": None, "by": {}}
        return {
            "row": row,
            **{key: named[key] for key in ("id", "text", "by")},
            "p_value": float(p),
            "q_value": float(q),
            "nll": float(self.nll[i]),
            "p": math.exp(-top - beta * self.gap[i]),
            "target": target,
            "suggested": {"class": predicted, "p": math.exp(-top)},
        }


def q_values(ascending: Array, rows: int) -> Array:
    """Benjamini and Hochberg's: the least rate at which each p-value is found, of so many rows."""
    rates = ascending * rows / np.arange(1, len(ascending) + 1)
    least: Array = np.minimum.accumulate(rates[::-1])[::-1]
    return least


def log_tails(curves: Array, gap: Array, beta: Any) -> Array:
    """log of the tails at these nodes."""
    tails: Array = curves[:, 0] - beta * gap[:, None]
    return tails


def _curves(rows: Rows, at: Array, betas: Array) -> Array:
    """A - B, B and their slopes of these rows at some nodes: (n, 4, nodes)."""
    z, target, predicted = rows.logits[at], rows.target[at], rows.predicted[at]
    own = np.take_along_axis(z, target[:, None], 1)
    low = np.where(z > own, z.dtype.type(-np.inf), z)
    curves = np.empty((len(betas), 4, len(at)))
    for curve, beta in zip(curves, betas, strict=True):
        a, a_slope = _log_sum(low, target, beta)
        b, b_slope = _log_sum(z, predicted, beta)
        curve[:] = a - b, a_slope - b_slope, b, b_slope
    return np.ascontiguousarray(np.moveaxis(curves, 2, 0).swapaxes(1, 2))


def _log_sum(logits: Array, top: Array, beta: float) -> tuple[Array, Array]:
    """log of the sum of exp(beta (z - z_top)), and its slope in log beta."""
    found = run_rows(logits, top, temperature=1 / beta, entropy=True)
    assert found.nll is not None
    assert found.entropy is not None
    return found.nll, found.nll - found.entropy
