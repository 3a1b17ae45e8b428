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
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ..._engine import Array
from ..._engine.scores import BETAS
from .lists import entries, order
from .rows import Rows
from .temperature import between

RATE = 0.1  # of false discoveries
KEPT = 10_000  # rows per node
MOST_LISTED = 1000
SLACK = 1e-4  # relative; what rounding may do to a bound


class Recent(NamedTuple):
    """Rows of a batch that are kept, for the attributes of the same names."""

    places: Array
    named: Sequence[dict[str, Any] | None]
    nll: Array
    curves: Array
    gap: Array


class Suspects:
    """At each node the KEPT rows with the smallest tail, of those that may be listed.

    Of m rows, k are listed if the k-th smallest p-value is at most RATE k / m; so where up to KEPT
    are listed, no p-value is above RATE KEPT / m.

    With B = log of the sum of exp(beta (z_j - max)), and A = the same over z_j <= z_y relative to
    z_y, log tail = A - B - beta (max - z_y).  `curves` has at each node A - B and B, which vary
    slowly with beta, and their slopes: without them, a p-value between two nodes was wrong by up to
    10 % with 1,000 classes, with them by 1 %.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.places = np.zeros((0, 3), np.int64)  # row, target, predicted
        self.named: list[dict[str, Any] | None] = []  # what else is known, where there is more
        self.nll = np.zeros(0)
        self.curves = np.zeros((0, 4, len(BETAS)), np.float32)  # A - B, its slope, B, its slope
        self.gap = np.zeros(0)  # max - z_y
        self.enough = np.full(len(BETAS), math.log(RATE))  # log tail above which no row is kept
        self.recent: list[Recent] = []  # not settled

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled and saved."""
        self._settle()
        return vars(self)

    @property
    def from_nll(self) -> Array:
        """The nll from which on a row may be kept, at each node: its tail is at least its p."""
        return -self.enough * (1 - SLACK)

    def add(self, rows: Rows) -> None:
        """Add a batch, which was scored with `from_nll`."""
        self._count(len(rows.nll))
        at, curves = rows.scores.unlikely, rows.scores.curves
        gap = rows.nll[at] - rows.min_entropy[at]
        kept = self._chosen(log_tails(curves, gap, BETAS), ties=False)
        at = at[kept]
        places = np.stack([rows.row[at], rows.target[at], rows.predicted[at]], axis=1)
        # An entry takes 3 us; without it, a row takes 0.5.
        bare = rows.ids is None and rows.text is None and not rows.by
        named = [None] * len(at) if bare else entries(rows, at)
        self._append(Recent(places, named, rows.nll[at], curves[kept], gap[kept]))

    def merge(self, other: "Suspects", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        self._count(other.rows)
        other._settle()
        places = other.places + np.array([offset, 0, 0])
        self._append(Recent(places, other.named, other.nll, other.curves, other.gap))

    def _count(self, rows: int) -> None:
        """More rows lower the largest p-value that may be listed."""
        self.rows += rows
        self.enough = np.minimum(self.enough, math.log(self._limit()))

    def _limit(self) -> float:
        """The largest p-value that may be listed."""
        return RATE * min(1.0, KEPT / max(self.rows, 1))

    def _append(self, more: "Recent") -> None:
        self.recent.append(more)
        if sum(len(some.nll) for some in self.recent) > KEPT:
            self._settle()

    def _settle(self) -> None:
        """Leave out rows that are kept at no node."""
        if not self.recent:
            return
        every = [Recent(self.places, self.named, self.nll, self.curves, self.gap), *self.recent]
        places, named, nll, curves, gap = zip(*every, strict=True)
        self.places, self.nll, self.curves, self.gap = map(
            np.concatenate, (places, nll, curves, gap)
        )
        tails = log_tails(self.curves, self.gap, BETAS)
        self.named, self.recent = list(chain.from_iterable(named)), []
        kept = self._chosen(tails, ties=True)
        self.named = [self.named[i] for i in kept.tolist()]
        self.places, self.nll = self.places[kept], self.nll[kept]
        self.curves, self.gap, tails = self.curves[kept], self.gap[kept], tails[kept]
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
    tails: Array = np.multiply.outer(-gap, beta)
    tails += curves[:, 0]
    return tails
