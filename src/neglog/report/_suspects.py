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
from typing import Any

import numpy as np

from .._engine import Array, run_rows
from .._engine.scores import BETAS
from ._lists import entries, order
from ._rows import Rows
from ._temperature import ONE, between

RATE = 0.1  # of false discoveries
KEPT = 10_000  # rows per node
MOST_LISTED = 1000
SLACK = 1e-5  # relative; what rounding may do to a bound


class Suspects:
    """At each node the KEPT rows with the smallest tail, of those with a tail up to RATE.

    With B = log of the sum of exp(beta (z_j - max)), and A = the same over z_j <= z_y relative to
    z_y, log tail = A - B - beta (max - z_y).  `curves` has at each node A - B and B, which vary
    slowly with beta, and their slopes: without them, a p-value between two nodes was wrong by up to
    10 % with 1,000 classes, with them by 1 %.
    """

    def __init__(self, num_classes: int) -> None:
        self.log_classes = math.log(num_classes)
        self.rows = 0
        self.entries: list[dict[str, Any]] = []
        self.curves = np.zeros((0, 4, len(BETAS)))  # A - B, its slope, B, its slope
        self.gap = np.zeros(0)  # max - z_y
        self.enough = np.full(len(BETAS), math.log(RATE))  # log tail above which no row is kept
        self.settled = 0  # rows that were left when there were last too many

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self.rows += len(rows.nll)
        at = np.flatnonzero((rows.nll >= self._least_nll(slice(None))) & (rows.scores.rank > 0))
        if not len(at):
            return
        gap = rows.nll[at] - rows.min_entropy[at]
        low = _masked(rows, at)
        at_one = log_tails(_curves(rows, low, at, BETAS[ONE : ONE + 1]), gap, BETAS[ONE])[:, 0]
        # The tail at a smaller beta is no smaller; at a larger one it is p_y at least.
        able = at_one <= self.enough[: ONE + 1].max() * (1 - SLACK)
        able |= rows.nll[at] >= self._least_nll(slice(ONE + 1, None))
        at, gap, low = at[able], gap[able], low[able]
        curves = _curves(rows, low, at, BETAS)
        kept = self._chosen(log_tails(curves, gap, BETAS), None)
        self._append(entries(rows, at[kept]), curves[kept], gap[kept])

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
        self.rows += other.rows
        more = [{**entry, "row": entry["row"] + offset} for entry in other.entries]
        self._append(more, other.curves, other.gap)

    def _append(self, more: list[dict[str, Any]], curves: Array, gap: Array) -> None:
        self.entries = [*self.entries, *more]
        self.curves = np.concatenate([self.curves, curves])
        self.gap = np.concatenate([self.gap, gap])
        if len(self.entries) > 2 * self.settled + KEPT:
            self._settle()

    def _settle(self) -> None:
        """Leave out rows that are kept at no node."""
        tails = log_tails(self.curves, self.gap, BETAS)
        kept = self._chosen(tails, self.entries)
        self.entries = [self.entries[i] for i in kept.tolist()]
        self.curves, self.gap, tails = self.curves[kept], self.gap[kept], tails[kept]
        self.settled = len(kept)
        if len(kept) >= KEPT:
            last = np.partition(tails, KEPT - 1, axis=0)[KEPT - 1]
            self.enough = np.minimum(self.enough, last)

    def _chosen(self, tails: Array, known: list[dict[str, Any]] | None) -> Array:
        """The places of the rows that are kept at a node; without entries, ties are all kept."""
        chosen = np.zeros(len(tails), bool)
        for k, log_rate in enumerate(self.enough):
            tail = tails[:, k]
            if (tail <= log_rate).sum() <= KEPT:
                chosen |= tail <= log_rate
                continue
            last = np.partition(tail, KEPT - 1)[KEPT - 1]
            chosen |= tail < last
            tied = np.flatnonzero(tail == last)
            if known is not None:
                left = KEPT - int((tail < last).sum())
                tied = np.array(sorted(tied.tolist(), key=lambda i: order(known[i]))[:left])
            chosen[tied] = True
        return np.flatnonzero(chosen)

    def findings(self, temperature: float) -> dict[str, Any]:
        """The list at the best temperature."""
        ranked = self.ranked(temperature)
        count = sum(line["q_value"] <= RATE for line in ranked)
        unseen = self._unseen(1 / temperature)
        return {
            "false_discovery_rate": RATE,
            "count": count,
            "at_least": count > 0 and ranked[count - 1]["p_value"] >= unseen,
            "temperature": temperature,
            "listed": ranked[: min(count, MOST_LISTED)],
        }

    def ranked(self, temperature: float) -> list[dict[str, Any]]:
        """Every row that was kept and has a p-value up to RATE, the least first."""
        self._settle()
        beta = 1 / temperature
        tail, top = (
            between(self.curves[:, k], self.curves[:, k + 1], math.log(beta)) for k in (0, 2)
        )
        p_value = np.minimum(np.exp(tail - beta * self.gap), 1.0)
        able = np.flatnonzero(p_value <= RATE).tolist()
        ranked = sorted(able, key=lambda i: (p_value[i], *order(self.entries[i])))
        q_value = p_value[ranked] * self.rows / np.arange(1, len(ranked) + 1)
        q_value = np.minimum.accumulate(q_value[::-1])[::-1]
        return [
            self._line(i, p_value[i], q, beta, top[i]) for i, q in zip(ranked, q_value, strict=True)
        ]

    def _unseen(self, beta: float) -> float:
        """The least p-value that a row may have that was not kept; inf if all were."""
        k = min(int(np.searchsorted(BETAS, beta * (1 - SLACK))), len(BETAS) - 1)
        tail = log_tails(self.curves, self.gap, BETAS)[:, k]
        if (tail <= math.log(RATE)).sum() < KEPT:
            return math.inf
        return float(np.exp(np.partition(tail, KEPT - 1)[KEPT - 1]))

    def _line(self, i: int, p: float, q: float, beta: float, top: float) -> dict[str, Any]:
        """A row of the list; its probabilities are those at the best temperature."""
        entry = self.entries[i]
        suggested = {"class": entry["predicted"], "p": math.exp(-top)}
        some = {key: entry[key] for key in ("row", "id", "text", "nll", "target", "by")}
        found = {"p_value": float(p), "q_value": float(q), "suggested": suggested}
        return {**some, **found, "p": math.exp(-top - beta * self.gap[i])}


def log_tails(curves: Array, gap: Array, beta: Any) -> Array:
    """log of the tails at these nodes."""
    tails: Array = curves[:, 0] - beta * gap[:, None]
    return tails


def _masked(rows: Rows, at: Array) -> Array:
    """The logits of these rows without the classes that are likelier than the target."""
    z = rows.logits[at]
    own = np.take_along_axis(z, rows.target[at, None], 1)
    z[z > own] = -np.inf
    return z


def _curves(rows: Rows, low: Array, at: Array, betas: Array) -> Array:
    """A - B, B and their slopes of these rows at some nodes: (n, 4, nodes)."""
    z, target, predicted = rows.logits[at], rows.target[at], rows.predicted[at]
    curves = np.empty((len(at), 4, len(betas)))
    for k, beta in enumerate(betas):
        a, a_slope = _log_sum(low, target, beta)
        b, b_slope = _log_sum(z, predicted, beta)
        curves[:, :, k] = np.stack([a - b, a_slope - b_slope, b, b_slope], axis=1)
    return curves


def _log_sum(logits: Array, top: Array, beta: float) -> tuple[Array, Array]:
    """log of the sum of exp(beta (z - z_top)), and its slope in log beta."""
    found = run_rows(logits, top, temperature=1 / beta, entropy=True)
    assert found.nll is not None
    assert found.entropy is not None
    return found.nll, found.nll - found.entropy
