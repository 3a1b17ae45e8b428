"""One batch of rows, as every part of a report reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

from .._engine import Array
from .._engine.scores import Scores


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
    ids: Array | None  # (N,)
    text: Array | None  # (N,)
    by: Mapping[str, Array]  # column -> (N,)
