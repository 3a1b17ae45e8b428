"""Targets as the file has them, numbers or names, to the numbers of classes."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..separated import as_class
from ..values import quoted, quoted_list
from .batch import MISSING, Array
from .place import Place

BAD = MISSING - 1
EMPTY = {"", "nan", "null", "none", "na", "n/a", "#n/a", "<na>", "nat"}
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


class Labels:
    """The classes of a report, and what a value of the target's column says of them.

    A value is the name of a class or else its number; where all names are numbers, it is a name.
    """

    def __init__(self, names: Sequence[str] | None, ignore_index: int) -> None:
        self._names = None if names is None else tuple(names)
        self._by_name = {name: j for j, name in enumerate(names or ())}
        if len(self._by_name) < len(names or ()):
            twice = next(name for j, name in enumerate(names or ()) if self._by_name[name] != j)
            raise ValueError(f"two classes are named {quoted(twice)}")
        self._numbered = bool(names) and all(map(WHOLE.fullmatch, self._by_name))
        count = range(len(names or ()))
        self._as_counted = not self._numbered or all(self._by_name.get(str(j)) == j for j in count)
        self._ignore = ignore_index

    def numbers(self, column: Any, classes: int, place: Place) -> tuple[Array, Array | None]:
        """(n,) int64 classes, and which rows have none; `column` is an Arrow array.

        Raises:
            ValueError: a value is no class.
        """
        kind = column.type
        if pa.types.is_floating(kind):
            column = self._whole(column, place)
        elif not (
            pa.types.is_integer(kind)
            or pa.types.is_dictionary(kind)
            or pa.types.is_string(kind)
            or pa.types.is_large_string(kind)
            or pa.types.is_null(kind)
        ):
            raise ValueError(
                f"{place.column()}: expected class numbers or names, got the type {kind}"
            )
        if pa.types.is_integer(column.type) and self._as_counted:
            return self._plain(column, classes, place)
        return self._looked_up(column, classes, place)

    def _plain(self, column: Any, classes: int, place: Place) -> tuple[Array, Array | None]:
        """Integers that are numbers of classes."""
        missing = nulls(column)
        if missing is not None:
            column = column.fill_null(0)
        given = column.to_numpy(zero_copy_only=False)
        target = given.astype(np.int64, copy=False)
        bad = (given < 0) | (given >= classes)
        bad &= given != self._ignore
        if bad.any():
            row = int(bad.argmax())
            raise self._no_class(given[row], row, classes, place)
        return (target, None) if missing is None else (np.where(missing, MISSING, target), missing)

    def _looked_up(self, column: Any, classes: int, place: Place) -> tuple[Array, Array | None]:
        """Names, or integers that are names: each different one is looked up once."""
        codes, values = coded(column)
        numbers = np.array([self._number(value, classes) for value in values], np.int64)
        target = numbers[codes]
        bad = target == BAD
        if bad.any():
            row = int(bad.argmax())
            raise self._no_class(values[codes[row]], row, classes, place)
        missing = target == MISSING
        return target, missing if missing.any() else None

    def _number(self, value: Any, classes: int) -> int:
        if value is None:
            return MISSING
        text = str(value)
        if text in self._by_name:
            return self._by_name[text]
        text = as_class(text, ())
        if text in self._by_name:
            return self._by_name[text]
        if text.lower() in EMPTY:
            return MISSING
        number = int(text) if WHOLE.fullmatch(text) else BAD
        is_class = 0 <= number < classes and not self._numbered
        return number if is_class or number == self._ignore else BAD

    def _whole(self, column: Any, place: Place) -> Any:
        """Floats that are whole numbers: what pandas makes of integers with a gap."""
        numbers = column.to_numpy(zero_copy_only=False).astype(np.float64)
        missing = np.isnan(numbers)
        bad = ~missing & ((np.trunc(numbers) != numbers) | (np.abs(numbers) > 2**53))
        if bad.any():
            row = int(bad.argmax())
            raise ValueError(
                f"{place.column(row)}: {numbers[row]} is no class: expected a whole number"
            )
        return pa.array(np.where(missing, 0, numbers).astype(np.int64), mask=missing)

    def _no_class(self, value: Any, row: int, classes: int, place: Place) -> ValueError:
        expected = f"a whole number from 0 to {classes - 1}"
        if self._names is not None:
            expected = f"one of {quoted_list(self._names)}"
            expected += "" if self._numbered else f", or {classes} numbers from 0"
        elif not WHOLE.fullmatch(str(value)):
            expected += ", because the names of the classes are not known"
        value = value.item() if isinstance(value, np.generic) else value
        return ValueError(f"{place.column(row)}: {quoted(value)} is no class: expected {expected}")


def nulls(column: Any) -> Array | None:
    """(n,) bool: which entries of an Arrow array are null; None if none is."""
    if column.null_count == 0:
        return None
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False))


def coded(column: Any) -> tuple[Array, list[Any]]:
    """(n,) int64 places in the list of different values; a null is the last, None."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    codes = column.indices
    if codes.null_count:
        codes = codes.fill_null(-1)
    values = column.dictionary.to_pylist()
    return codes.to_numpy(zero_copy_only=False).astype(np.int64, copy=False), [*values, None]
