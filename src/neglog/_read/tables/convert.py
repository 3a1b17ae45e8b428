"""Arrow's columns to the arrays of a batch, without a copy where the file's layout is ours."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from .batch import Array, Batch, Strings, rows_at_once
from .labels import Labels, coded, nulls
from .place import Place
from .roles import Roles
from .table import JOINED

FLOATS = {pa.float16(): np.float16, pa.float32(): np.float32, pa.float64(): np.float64}
NARROW = {pa.int8(), pa.int16(), pa.uint8(), pa.uint16()}  # whole numbers that a float32 holds


class Converter:
    """Turns record batches into batches; all of a source have the same number of classes."""

    def __init__(self, roles: Roles, ignore_index: int) -> None:
        self._roles = roles
        self._labels = Labels(roles.class_names, ignore_index)
        self._classes = len(roles.classes or roles.class_names or ()) or None
        self._row_bytes = 0  # of the predictions; the first row tells

    def __call__(
        self, table: Any, file: str, first: int, progress: float | None
    ) -> Iterator[Batch]:
        """The batches of one record batch, which begins at row `first` of its file."""
        if table.num_rows and not self._row_bytes:
            self._row_bytes = self._predictions(table.slice(0, 1), Place(file, first))[0].nbytes
        for start in range(0, table.num_rows, rows := rows_at_once(self._row_bytes)):
            part = table.slice(start, rows)
            yield self._batch(part, Place(file, first + start), progress)

    def _batch(self, table: Any, place: Place, progress: float | None) -> Batch:
        roles = self._roles
        predictions, missing = self._predictions(table, place)
        assert roles.target is not None
        target, unlabelled = self._labels.numbers(
            table.column(roles.target), predictions.shape[1], place.of(roles.target)
        )
        missing = either(missing, unlabelled)
        weight = numbers(table, roles.weight, place)
        return Batch(predictions, target, missing, weight, **beside(table, roles, place, progress))

    def _predictions(self, table: Any, place: Place) -> tuple[Array, Array | None]:
        """(n, V), and which rows have a null."""
        name = JOINED if JOINED in table.schema.names else self._roles.one_list
        if name is not None:
            array, missing = of_lists(table.column(name), self._classes, place.of(name))
        else:
            array, missing = of_columns(table, self._roles.classes, place)
        self._classes = array.shape[1]
        return array, missing


def beside(table: Any, roles: Roles, place: Place, progress: float | None) -> dict[str, Any]:
    """What both types of batches have beside the numbers."""
    return {
        "ids": None if roles.id is None else ids(table.column(roles.id)),
        "by": {name: slices(table.column(name)) for name in roles.by},
        "text": None if roles.text is None else Strings(as_strings(table.column(roles.text))),
        "num_bytes": numbers(table, roles.num_bytes, place),
        "place": str(place),
        "progress": progress,
    }


def of_columns(table: Any, names: tuple[str, ...], place: Place) -> tuple[Array, Array | None]:
    """The classes are columns.

    Arrow writes them side by side in 2.8 ns a number (4096 x 1000 float32); NumPy took 4.3 column
    by column and 5 to 8 by blocks.
    """
    columns = [table.column(name) for name in names]
    types = {column.type for column in columns}
    wanted = common_type(types, names, columns, place)
    if len(types) > 1 or wanted not in types:
        columns = [column.cast(wanted) for column in columns]
    missing: Array | None = None
    for column in columns:
        missing = either(missing, nulls(column))
    side_by_side = pa.record_batch(columns, names=[str(j) for j in range(len(columns))])
    array = side_by_side.to_tensor(null_to_nan=True, row_major=True).to_numpy()
    return array, missing


def either(one: Array | None, other: Array | None) -> Array | None:
    """Where one of two masks is true; None is false everywhere."""
    if one is None or other is None:
        return other if one is None else one
    return np.logical_or(one, other)


def common_type(types: set[Any], names: Any, columns: Any, place: Place) -> Any:
    """The narrowest type of floats that holds all these types."""
    for name, column in zip(names, columns, strict=True):
        kind = column.type
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)):
            raise ValueError(
                f"{place.of(name).column()}: a class needs numbers, got the type {kind}"
            )
    if len(types) == 1 and types <= FLOATS.keys():
        return next(iter(types))
    return pa.float32() if types <= NARROW | {pa.float32(), pa.null()} else pa.float64()


def of_lists(column: Any, classes: int | None, place: Place) -> tuple[Array, Array | None]:
    """The classes are the numbers of a list; all lists have the same length."""
    kind = column.type
    empty = nulls(column)
    if pa.types.is_fixed_size_list(kind):
        size = kind.list_size
        values = column.values.slice(column.offset * size, len(column) * size)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        size, values = _ragged(column, empty, classes, place)
    else:
        raise ValueError(f"{place.column()}: expected lists of numbers, got the type {kind}")
    if classes is not None and size != classes:
        raise ValueError(f"{place.column(0)}: the list has {size} numbers, expected {classes}")
    if size < 2:
        raise ValueError(f"{place.column(0)}: the list has {size} numbers, at least 2 are needed")
    wanted = common_type({values.type}, [place.name], [values], place)
    if wanted != values.type:
        values = values.cast(wanted)
    array = values.to_numpy(zero_copy_only=False).reshape(-1, size)  # a null becomes nan
    gaps = nulls(values)
    if empty is not None:  # a null list of fixed size may hold numbers
        array = np.where(empty[:, None], array.dtype.type(np.nan), array)
    return array, either(empty, None if gaps is None else np.any(gaps.reshape(-1, size), axis=1))


def _ragged(
    column: Any, missing: Array | None, classes: int | None, place: Place
) -> tuple[int, Any]:
    """The length of the lists, and their numbers one after the other; nan for a null list."""
    offsets = column.offsets.to_numpy()
    lengths = np.diff(offsets)
    there = np.ones(len(lengths), bool) if missing is None else ~missing
    size = classes or (int(lengths[there][0]) if there.any() else 0)
    if (lengths[there] != size).any():
        row = int(np.flatnonzero(there & (lengths != size))[0])
        raise ValueError(
            f"{place.column(row)}: the list has {lengths[row]} numbers, the others have {size}"
        )
    values = column.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    if missing is None:
        return size, values
    places = np.full((len(lengths), size), -1)
    count = int(there.sum())
    places[there] = (offsets[:-1][there] - offsets[0])[:, None] + np.arange(size) if count else 0
    flat = places.ravel()
    return size, values.take(pa.array(flat, mask=flat < 0))


def numbers(table: Any, name: str | None, place: Place) -> Array | None:
    """(n,) float64 of a column of weights or sizes: finite and not negative."""
    if name is None:
        return None
    column, place = table.column(name), place.of(name)
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise ValueError(f"{place.column()}: expected numbers, got the type {kind}")
    array: Array = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
    bad = ~((array >= 0) & (array < np.inf))  # a null is nan
    if bad.any():
        row = int(bad.argmax())
        given = "null" if not column[row].is_valid else str(column[row].as_py())
        raise ValueError(f"{place.column(row)}: {given}: expected a number of at least 0")
    return array


def ids(column: Any) -> Any:
    """Whole numbers as they are; everything else as Strings."""
    if pa.types.is_integer(column.type) and column.null_count == 0:
        return column.to_numpy(zero_copy_only=False)
    return Strings(as_strings(column))


def as_strings(column: Any) -> Any:
    """A column of strings; others are written as Arrow writes them."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column
    try:
        return column.cast(pa.string())
    except pa.ArrowException:
        return pa.array([None if x is None else str(x) for x in column.to_pylist()], pa.string())


def slices(column: Any) -> Array:
    """Numbers as they are; of everything else equal values are one object."""
    kind = column.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    if plain and column.null_count == 0:
        return np.asarray(column.to_numpy(zero_copy_only=False))
    codes, values = coded(column if plain else _encodable(column))
    objects = np.empty(len(values), object)
    objects[:] = values
    return objects[codes]


def _encodable(column: Any) -> Any:
    return column if pa.types.is_dictionary(column.type) else as_strings(column)
