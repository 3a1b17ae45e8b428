"""Columns of any table as features: numbers, or texts of which each different one has a code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..columns import all_columns
from .batch import MOST_ROWS, Array
from .convert import as_strings, ids
from .formats.text import NULLS
from .labels import coded
from .place import Place
from .roles import Column, Roles
from .source import Source, opened

DAY = 86_400_000_000  # microseconds


class Texts(NamedTuple):
    """A column of texts: (n,) places in the list of different values, -1 where there is none."""

    codes: Array
    values: Sequence[str]


class Dates(NamedTuple):
    """A column of dates and times: (n,) days since 1970, nan where there is none."""

    days: Array


Feature = Array | Texts | Dates  # an array holds float64, nan where there is none


@dataclass(frozen=True)
class Rows:
    """Some rows of a table."""

    columns: Mapping[str, Feature]
    target: Feature | None
    ids: Any  # (n,) numbers, Strings or None
    count: int
    place: Place
    progress: float | None


def open_table(
    paths: str | Path | Sequence[str | Path],
    find: Callable[[Sequence[Column]], Roles],
    command: str,
    purpose: str,
) -> Source:
    """Files whose columns `find` chooses; gives Rows while it is iterated over.

    Raises:
        ValueError: a file cannot be understood; names it.
        OSError: a file cannot be opened.
    """

    def convert(roles: Roles) -> Any:
        return lambda part, file, first, progress: _rows(part, roles, Place(file, first), progress)

    return opened(paths, lambda table: find(table.columns), convert, command, purpose)


def chosen(
    features: Sequence[str],
    numbers: Sequence[str],
    target: str | None = None,
    key: str | None = None,
) -> Roles:
    """Roles of a table: its features, those of them that must hold numbers, target and id."""
    return Roles((), target=target, id=key, by=tuple(features), numbers=tuple(numbers))


def _rows(part: Any, roles: Roles, place: Place, progress: float | None) -> Iterator[Rows]:
    for start in range(0, part.num_rows, MOST_ROWS):
        some = part.slice(start, MOST_ROWS)
        where = Place(place.file, place.first + start)
        yield Rows(
            {name: feature(some.column(name), where.of(name)) for name in roles.by},
            None
            if roles.target is None
            else feature(some.column(roles.target), where.of(roles.target)),
            None if roles.id is None else ids(some.column(roles.id)),
            some.num_rows,
            where,
            progress,
        )


def feature(column: Any, place: Place) -> Feature:
    """An Arrow array as a feature.

    Raises:
        ValueError: it holds lists or something else that is no feature, or an infinite number.
    """
    kind = column.type
    if pa.types.is_dictionary(kind) and not is_text(kind.value_type):
        column = column.dictionary_decode()
        kind = column.type
    if is_number(kind):
        return _numbers(column, place)
    if is_date(kind):
        return Dates(_days(column))
    if is_text(kind) or pa.types.is_dictionary(kind):
        codes, values = coded(as_texts(column))
        return _known(codes, values[:-1])
    raise ValueError(
        f"{place.column()}: expected numbers, texts or dates, got the type {kind}: leave it out"
    )


def _known(codes: Array, values: list[str]) -> Texts:
    """Texts without those that stand for a missing value: a file of text has no other way."""
    kept = [j for j, value in enumerate(values) if value is not None and value not in NULLS]
    if len(kept) == len(values):
        return Texts(codes, values)
    place = np.full(len(values) + 1, -1)
    place[kept] = np.arange(len(kept))
    return Texts(place[codes], [values[j] for j in kept])


def is_number(kind: Any) -> bool:
    """Whether values of this type are numbers; true and false are 1 and 0."""
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return bool(plain or pa.types.is_decimal(kind) or pa.types.is_null(kind))


def is_text(kind: Any) -> bool:
    """Whether values of this type are texts."""
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def is_date(kind: Any) -> bool:
    """Whether values of this type are points in time."""
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def as_texts(column: Any) -> Any:
    """A column whose different texts Arrow can count."""
    return as_strings(column) if pa.types.is_string_view(column.type) else column


def _numbers(column: Any, place: Place) -> Array:
    kind = column.type
    if pa.types.is_boolean(kind) or pa.types.is_float16(kind):
        column = column.cast(pa.int8() if pa.types.is_boolean(kind) else pa.float32())
    if column.type != pa.float64():
        column = column.cast(pa.float64(), safe=False)
    array: Array = column.to_numpy(zero_copy_only=False)  # a null becomes nan
    refuse_infinite(array, place)
    return array


def refuse_infinite(array: Array, place: Place) -> None:
    """Raise if a number is infinite: no mean and no scale exists."""
    infinite = np.isinf(array)
    if infinite.any():
        row = int(infinite.argmax())
        raise ValueError(
            f"{place.column(row)} is {array[row]}: a feature needs finite numbers; leave the value"
            " empty, or leave the column out"
        )


def _days(column: Any) -> Array:
    """Days since 1970, with their fractions."""
    kind = column.type
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    counts = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    days: Array = counts.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return days / DAY


def settled(column: Feature) -> Feature:
    """Texts that all are numbers, or all dates, as such: a file of text does not say."""
    if not isinstance(column, Texts) or not column.values:
        return column
    for read, kind in ((_as_numbers, np.asarray), (_as_days, Dates)):
        found = read(column.values)
        if found is not None:
            return kind(np.append(found, np.nan)[column.codes])
    return column


def _as_numbers(values: Sequence[str]) -> Array | None:
    try:
        numbers = pc.cast(pa.array(values, pa.string()), pa.float64())
    except pa.ArrowInvalid:
        return None
    return np.asarray(numbers.to_numpy(zero_copy_only=False))


def _as_days(values: Sequence[str]) -> Array | None:
    """Of ISO 8601: 2013-01-31, 2013-01-31 05:15:00, 2013-01-31T05:15:00Z."""
    texts = pa.array(values, pa.string())
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC")):
        try:
            return _days(pc.cast(texts, kind))
        except pa.ArrowInvalid:
            continue
    return None


def joined(parts: Sequence[Feature]) -> Feature:
    """One column of its parts."""
    first = parts[0]
    if isinstance(first, Dates):
        return Dates(np.concatenate([part.days for part in parts]))  # type: ignore[union-attr]
    if not isinstance(first, Texts):
        return np.concatenate(parts)  # type: ignore[arg-type]
    code: dict[str, int] = {}
    codes = []
    for part in parts:
        assert isinstance(part, Texts)
        places = [code.setdefault(value, len(code)) for value in part.values]
        codes.append(np.array([*places, -1])[part.codes])
    return Texts(np.concatenate(codes), list(code))


def taken(column: Feature, rows: Array) -> Feature:
    """Some rows of a column."""
    if isinstance(column, Texts):
        return Texts(column.codes[rows], column.values)
    return Dates(column.days[rows]) if isinstance(column, Dates) else column[rows]


def of_table(table: Any, names: Sequence[str], place: Place) -> dict[str, Feature]:
    """Columns of an Arrow table or record batch, or of a pandas or polars frame.

    Raises:
        ValueError: a column is missing.
        TypeError: it is no table.
    """
    arrow = as_arrow(table)
    found = list(arrow.schema.names)
    lost = [name for name in names if found.count(name) != 1]
    if lost:
        how = "twice" if lost[0] in found else "not"
        raise ValueError(f"{place.of(lost[0]).column()} is {how} there; {all_columns(found)}")
    columns = {}
    for name in names:
        column = arrow.column(name)
        whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        columns[name] = feature(whole, place.of(name))
    return columns


def as_arrow(table: Any) -> Any:
    """The same rows in Arrow's form."""
    if isinstance(table, pa.Table | pa.RecordBatch):
        return table
    module = type(table).__module__.partition(".")[0]
    if module == "pandas":
        return pa.Table.from_pandas(table, preserve_index=False)
    if module == "polars":
        return table.to_arrow()
    raise TypeError(
        f"expected an Arrow table, a pandas or a polars frame, got {type(table).__name__}"
    )
