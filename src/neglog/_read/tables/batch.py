"""What a source of predictions gives: batches of rows, as NumPy arrays of bounded size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
MISSING = -(1 << 62)  # the target of a row whose label is null; no ignored index
MOST_BYTES = 1 << 23  # of the logits of a batch
MOST_ROWS = 1 << 16  # of a batch: what is kept per row stays small beside the logits


@dataclass(frozen=True)
class Batch:
    """Rows of predictions that follow each other in one file."""

    predictions: Array  # (n, V), float16, float32 or float64, C-contiguous; a null is nan
    target: Array  # (n,) int64; MISSING where the label is null
    missing: Array | None  # (n,) bool: the label or one of the logits is null; None: none is
    row_weight: Array | None  # (n,) float64
    ids: Any  # (n,) numbers, Strings or None
    by: Mapping[str, Array]  # column -> (n,) numbers, or strings of which equal ones are one object
    text: Any  # (n,) Strings or None
    num_bytes: Array | None  # (n,) float64
    place: str  # file and first row, for messages
    progress: float | None  # share of the source that has been read, 0 to 1; None: unknown


@dataclass(frozen=True)
class LogprobBatch:
    """Log-probabilities of the targets alone, token by token; rows of the file are documents."""

    logprob: Array  # (n,) float64; a null is nan
    missing: Array | None  # (n,) bool: the log-probability is null
    document: Array  # (n,) int64: number of the row in its file, from 0, ascending
    token: Array  # (n,) int64: place in its document, from 0
    lengths: Array  # (documents,) int64: how many tokens each has, 0 included
    top_mass: Array | None  # (n,) float64: the sum of the k largest probabilities
    first: int  # the first document; the columns below have one entry for each from there on
    ids: Any
    by: Mapping[str, Array]
    text: Any
    num_bytes: Array | None
    place: str
    progress: float | None


class Strings:
    """A column of strings, made into Python's only where they are asked for.

    An index gives a string or None, a mask or an array of indices gives Strings. The texts of a
    million rows would take longer to convert than the logits to read, and twenty are shown.
    """

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    @property
    def shape(self) -> tuple[int]:
        """As an array's."""
        return (len(self),)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Strings(self._column[index])
        index = np.asarray(index)
        if index.ndim == 0:
            return self._column[int(index)].as_py()
        places = np.flatnonzero(index) if index.dtype == bool else index
        return Strings(self._column.take(places.astype(np.int64)))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self._column.to_pylist() or [], object)


def rows_at_once(row_bytes: int) -> int:
    """How many rows a batch has whose logits take so many bytes each."""
    return max(1, min(MOST_ROWS, MOST_BYTES // max(row_bytes, 1)))
