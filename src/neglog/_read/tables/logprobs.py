"""Log-probabilities of the targets alone: a number or a list of tokens per row."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from .batch import MOST_BYTES, Array, LogprobBatch
from .convert import beside
from .labels import nulls
from .place import Place
from .roles import Roles
from .table import is_list


class LogprobConverter:
    """Turns record batches into batches of tokens."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def __call__(
        self, table: Any, file: str, first: int, progress: float | None
    ) -> Iterator[LogprobBatch]:
        """The batches of one record batch, which begins at row `first` of its file."""
        assert self._roles.logprob is not None
        column = table.column(self._roles.logprob)
        for start, rows in _parts(column):
            place = Place(file, first + start)
            yield self._batch(table.slice(start, rows), place, progress)

    def _batch(self, table: Any, place: Place, progress: float | None) -> LogprobBatch:
        roles = self._roles
        assert roles.logprob is not None
        values, lengths = _flat(table.column(roles.logprob), place.of(roles.logprob))
        missing = nulls(values)
        logprob = _floats(values, place.of(roles.logprob))
        bad = logprob > 0
        if bad.any():
            row = int(np.repeat(np.arange(len(lengths)), lengths)[int(bad.argmax())])
            raise ValueError(
                f"{place.of(roles.logprob).column(row)}: {logprob[bad][0]} is no log-probability:"
                " expected numbers up to 0"
            )
        starts = np.cumsum(lengths) - lengths
        mass = None
        if roles.top_logprobs is not None:
            top = table.column(roles.top_logprobs)
            mass = _top_mass(top, lengths, place.of(roles.top_logprobs))
        return LogprobBatch(
            logprob=logprob,
            missing=missing,
            document=place.first + np.repeat(np.arange(len(lengths)), lengths),
            token=np.arange(len(logprob)) - np.repeat(starts, lengths),
            lengths=lengths,
            top_mass=mass,
            first=place.first,
            **beside(table, roles, place, progress),
        )


def _parts(column: Any) -> Iterator[tuple[int, int]]:
    """Start and number of rows whose tokens fill a batch."""
    if not is_list(column.type):
        yield 0, len(column)
        return
    most = MOST_BYTES // 64  # tokens; with what belongs to each, 64 bytes
    tokens = np.cumsum(_lengths(column))
    start = 0
    while start < len(column):
        before = tokens[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(tokens, before + most, side="right")))
        yield start, end - start
        start = end


def _lengths(column: Any) -> Array:
    """(n,) how many entries each list has; none if it is null."""
    lengths = column.value_lengths().fill_null(0)
    return np.asarray(lengths.to_numpy(zero_copy_only=False)).astype(np.int64)


def _flat(column: Any, place: Place) -> tuple[Any, Array]:
    """All entries, one after the other, and how many each row has."""
    if is_list(column.type):
        return column.flatten(), _lengths(column)
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        return column, np.ones(len(column), np.int64)
    raise ValueError(
        f"{place.column()}: expected numbers or lists of numbers, got the type {column.type}"
    )


def _floats(values: Any, place: Place) -> Array:
    kind = values.type
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise ValueError(f"{place.column()}: expected lists of numbers, got lists of {kind}")
    array: Array = values.to_numpy(zero_copy_only=False)
    return array.astype(np.float64, copy=False)


def _top_mass(column: Any, lengths: Array, place: Place) -> Array:
    """(n,) the sum of the probabilities of each token's list."""
    if not is_list(column.type):
        raise ValueError(f"{place.column()}: expected a list of numbers for each token")
    per_token = column
    if is_list(column.type.value_type):
        found = _lengths(column)
        if (found != lengths).any():
            row = int((found != lengths).argmax())
            raise ValueError(
                f"{place.column(row)}: {found[row]} lists for {lengths[row]} tokens: expected one"
                " for each"
            )
        per_token = column.flatten()
    counts = _lengths(per_token)
    if len(counts) != lengths.sum():
        raise ValueError(f"{place.column()}: expected one list of numbers for each token")
    p = np.exp(_floats(per_token.flatten(), place))
    sums = np.bincount(np.repeat(np.arange(len(counts)), counts), p, len(counts))
    return np.where(counts > 0, sums, np.nan)
