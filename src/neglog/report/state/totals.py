"""The means over all rows."""

import math
from typing import Any

import numpy as np

from ..._engine import Array
from .rows import Rows
from .sums import Estimate, Groups, Moments

TOP = (1, 3, 5)


class Totals:
    """Means of the loss, of what is compared with it, and of the hits among the likeliest k."""

    def __init__(self) -> None:
        self.nll = Moments()
        self.entropy = Moments()
        self.min_entropy = Moments()
        self.one_vs_rest = Moments()
        self.per_byte = Moments()
        self.ranks = Moments(TOP[-1] + 1)  # by the rank of the target; those beyond are one

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self.nll.add(rows.nll, rows.weight)
        self.entropy.add(rows.entropy, rows.weight)
        self.min_entropy.add(rows.min_entropy, rows.weight)
        self.one_vs_rest.add(rows.scores.one_vs_rest, rows.weight)
        if rows.num_bytes is not None:
            self.per_byte.add(rows.nll, rows.weight, per=rows.num_bytes)
        ranks = Groups(np.minimum(rows.scores.rank, TOP[-1]), self.ranks.size, slice(None))
        self.ranks.add(np.ones(len(rows.nll)), rows.weight, groups=ranks)

    def merge(self, other: "Totals") -> None:
        """Add the rows of the other."""
        for name in ("nll", "entropy", "min_entropy", "one_vs_rest", "per_byte", "ranks"):
            getattr(self, name).merge(getattr(other, name))

    def loss(self, frequencies: Array) -> dict[str, Any]:
        """The nll in several units; `frequencies` are the weights of the classes."""
        nll = self.nll.mean()
        baseline = uncertainty(frequencies)
        has_bytes = self.per_byte.weight[0] > 0
        return {
            "nll": nll,
            "bits": nll.through(in_bits),
            "perplexity": nll.through(perplexity),
            "total": float(self.nll.total[0]),
            "bits_per_byte": self.per_byte.mean().through(in_bits) if has_bytes else None,
            "baseline": baseline,
            "skill": nll.through(lambda x: 1 - x / baseline) if baseline > 0 else None,
            "entropy": self.entropy.mean(),
            "min_entropy": self.min_entropy.mean(),
            "one_vs_rest": self.one_vs_rest.mean(),
        }

    def accuracy(self, num_classes: int) -> dict[str, Estimate | None]:
        """How often the target is among the likeliest k; None where that is certain."""
        return {
            f"top{k}": self.ranks.share(k).within(0, 1) if k == 1 or k < num_classes else None
            for k in TOP
        }


def in_bits(nats: float) -> float:
    """Nats as bits."""
    return nats / math.log(2)


def perplexity(nats: float) -> float:
    """e^nats; inf beyond the range of floats."""
    return math.exp(nats) if nats < 709 else math.inf if nats == nats else nats


def uncertainty(frequencies: Array) -> float:
    """The entropy of the class frequencies: the nll of who knows them and nothing else."""
    p = frequencies[frequencies > 0] / frequencies.sum()
    return float(-(p * np.log(p)).sum()) + 0.0
