"""One batch of rows, as every part of a report reads it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..._engine import Array
from ..._engine.scores import Scores


class Coded(NamedTuple):
    """A column of few values: the value of row i is values[codes[i]]."""

    values: list[str]
    codes: Array  # (N,)


@dataclass(frozen=True)
class Rows:
    """Rows that count: their loss is finite, and their target is not ignored.

    `row` numbers the rows of the whole report from 0, those that were left out included.
    """

    logits: Array  # (N, V), float16, float32 or float64; the logarithms of probabilities
    target: Array  # (N,) int64
    weight: Array | None  # (N,) float64, above 0; None: all 1
    row: Array  # (N,) int64
    nll: Array  # (N,) float64
    lse: Array  # (N,) float64
    entropy: Array  # (N,) float64
    predicted: Array  # (N,) int64
    scores: Scores
    ids: Any  # (N,) array or strings of a file
    text: Any
    by: Mapping[str, Coded]
    num_bytes: Array | None = None  # (N,) float64

    @cached_property
    def min_entropy(self) -> Array:
        """-log of the largest probability, (N,)."""
        n, v = self.logits.shape
        # A third of the time that logits[rows, predicted] takes.
        largest = self.logits.reshape(-1).take(np.arange(0, n * v, v) + self.predicted)
        # lse is a sum of terms of which one is the largest; rounding may put it a hair below.
        surprise: Array = np.maximum(self.lse - largest.astype(np.float64), 0.0)
        return surprise

    @cached_property
    def confidence(self) -> Array:
        """The largest probability, (N,)."""
        p: Array = np.exp(-self.min_entropy)
        return p

    @cached_property
    def hits(self) -> Array:
        """1.0 where the prediction is right, (N,)."""
        hits: Array = (self.scores.rank == 0).astype(np.float64)
        return hits
