"""The loss and the accuracy by class."""

from typing import Any

import numpy as np

from .rows import Rows
from .sums import Groups, Moments

MOST_LISTED = 1000


class Classes:
    """Means of the nll and of the hits, one per class."""

    def __init__(self, num_classes: int) -> None:
        self.nll = Moments(num_classes)
        self.hits = Moments(num_classes)

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        groups = Groups.of(rows.target, self.nll.size)
        self.nll.add(rows.nll, rows.weight, groups=groups)
        self.hits.add(rows.hits, rows.weight, groups=groups)

    def merge(self, other: "Classes") -> None:
        """Add the rows of the other."""
        self.nll.merge(other.nll)
        self.hits.merge(other.hits)

    def findings(self) -> dict[str, Any]:
        """The classes that cost the most, in order; classes without rows are not listed."""
        return table(self.nll, self.hits, MOST_LISTED, "class")


def table(nll: Moments, hits: Moments, most: int, key: str) -> dict[str, Any]:
    """Groups in order of what they cost: each with its support, nll, share and accuracy."""
    cost, rows, weight = nll.total, nll.rows, nll.weight
    whole = cost.sum()
    present = np.flatnonzero(rows)
    order = present[np.lexsort((present, -cost[present]))]
    return {
        "listed": [
            {
                key: int(j),
                "rows": int(rows[j]),
                "support": float(weight[j]),
                "nll": nll.mean(j),
                "share": float(cost[j] / whole) if whole > 0 else 0.0,
                "accuracy": hits.mean(j).within(0, 1),
            }
            for j in order[:most]
        ],
        "left_out": max(len(order) - most, 0),
    }
