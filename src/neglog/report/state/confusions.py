"""Which class was predicted for which, and what that cost."""

from typing import Any

import numpy as np

from ..._engine import Array
from .rows import Rows
from .sums import Groups, Sums

MOST_LISTED = 100
FEW_CLASSES = 1024  # up to which every pair has a place
MOST_PAIRS = 1 << 20  # kept, with more classes


class Confusions:
    """The rows that were predicted wrong, by (target, predicted): how many, and their nll.

    With more than FEW_CLASSES classes, only pairs that occur are kept, and above 2 * MOST_PAIRS of
    them the cheaper ones are dropped. `lost` bounds what a pair may have cost beyond what is known
    of it. The pairs are the same for any order of the rows as long as it is 0.
    """

    def __init__(self, num_classes: int) -> None:
        self.classes = num_classes
        self.dense = num_classes <= FEW_CLASSES
        places = num_classes**2 if self.dense else 0
        self.pairs = np.zeros(0, np.int64)  # target * V + predicted, ascending; all, if dense
        self.rows = np.zeros(places, np.int64)
        self.cost = Sums(places)
        self.lost = 0.0

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        wrong = np.flatnonzero(rows.predicted != rows.target)
        pair = rows.target[wrong] * self.classes + rows.predicted[wrong]
        cost = rows.nll[wrong]
        if rows.weight is not None:
            cost = cost * rows.weight[wrong]
        if self.dense:
            groups = Groups.of(pair, len(self.rows))
            self.rows[groups.at] += groups.sums()
            self.cost.add(groups.sums(cost), groups.at)
        else:
            pairs, place = np.unique(pair, return_inverse=True)
            found = Sums(len(pairs))
            found.add(np.bincount(place, cost, len(pairs)))
            self._merge(pairs, np.bincount(place, minlength=len(pairs)), found)

    def merge(self, other: "Confusions") -> None:
        """Add the rows of the other."""
        self.lost += other.lost
        if self.dense:
            self.rows += other.rows
            self.cost.merge(other.cost)
        else:
            self._merge(other.pairs, other.rows, other.cost)

    def _merge(self, pairs: Array, rows: Array, cost: Sums) -> None:
        """Add other pairs, and drop the cheapest if there are too many."""
        every = np.union1d(self.pairs, pairs)
        count, total = np.zeros(len(every), np.int64), Sums(len(every))
        for some, n, c in ((self.pairs, self.rows, self.cost), (pairs, rows, cost)):
            at = np.searchsorted(every, some)
            count[at] += n
            total.add(c.high, at)
            total.low[at] += c.low
        if len(every) > 2 * MOST_PAIRS:
            order = np.lexsort((every, -total.value))
            self.lost += float(total.value[order[MOST_PAIRS]])
            kept = np.sort(order[:MOST_PAIRS])
            every, count = every[kept], count[kept]
            total.high, total.low = total.high[kept], total.low[kept]
        self.pairs, self.rows, self.cost = every, count, total

    def findings(self, whole: float) -> dict[str, Any]:
        """The pairs that cost the most; `whole` is the nll of all rows."""
        held, cost = self._held()
        order = held[np.lexsort((held, -cost[held]))][:MOST_LISTED]
        return {
            "listed": [
                {
                    **dict(zip(("target", "predicted"), self._pair(j), strict=True)),
                    "rows": int(self.rows[j]),
                    "cost": float(cost[j]),
                    "share": float(cost[j]) / whole if whole > 0 else 0.0,
                }
                for j in order
            ],
            "pairs": len(held),
            "exact": self.lost == 0,
            "uncertainty": self.lost,
        }

    def of_classes(self) -> dict[int, dict[str, Any]]:
        """For each target, the predicted class that cost the most."""
        held, cost = self._held()
        found: dict[int, dict[str, Any]] = {}
        for j in held[np.lexsort((held, -cost[held]))]:
            target, predicted = self._pair(j)
            if target not in found:
                found[target] = {
                    "predicted": predicted,
                    "rows": int(self.rows[j]),
                    "cost": float(cost[j]),
                }
        return found

    def _held(self) -> tuple[Array, Array]:
        """The places of the pairs that occurred, and what every place cost."""
        return np.flatnonzero(self.rows), self.cost.value

    def _pair(self, j: int) -> tuple[int, int]:
        target, predicted = divmod(int(j) if self.dense else int(self.pairs[j]), self.classes)
        return target, predicted
