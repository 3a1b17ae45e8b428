"""What each format gives, whatever its files look like inside."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import pyarrow as pa

from .roles import Column, Roles

HEAD = 16  # rows by which columns are judged
JOINED = "\0classes"  # a column of lists that was put together from the columns of the classes


class Table(Protocol):
    """One open file."""

    columns: list[Column]
    class_names: Sequence[str] | None  # if the file says them
    rows: int | None  # if the file says so before it is read

    def head(self, names: Sequence[str]) -> Sequence[Sequence[str]]:
        """The first rows of these columns as text."""

    def batches(self, roles: Roles) -> Iterator[Any]:
        """Record batches of bounded size with the columns of these roles."""

    def progress(self) -> float | None:
        """The share of the file that has been read; None if that is not known."""

    def close(self) -> None:
        """Close the file."""


def arrow_columns(schema: Any) -> list[Column]:
    """The columns of a schema, and what they hold."""
    return [Column(field.name, _kind(field.type)) for field in schema]


def _kind(kind: Any) -> str:
    if is_list(kind):
        inner = "number" if pa.types.is_null(kind.value_type) else _kind(kind.value_type)
        return {"number": "list", "list": "lists"}.get(inner, "nested")
    if pa.types.is_nested(kind):
        return "nested"
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return "number"
    return "text" if pa.types.is_string(kind) or pa.types.is_large_string(kind) else "other"


def is_list(kind: Any) -> bool:
    """Whether this is a type of lists."""
    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )


def once(schema: Any, names: Sequence[str]) -> list[Any]:
    """The fields of these names, without names that stand twice."""
    counts = Counter(schema.names)
    return [schema.field(name) for name in names if counts[name] == 1]


def as_text(table: Any, fields: Sequence[Any]) -> list[list[str]]:
    """The first rows as a table of text holds them.

    Floats need not be read: that they are floats says that they neither count nor name.
    """
    columns = [
        ["0.5"] * HEAD
        if pa.types.is_floating(field.type)
        else ["" if x is None else str(x) for x in table.column(field.name).to_pylist()]
        for field in fields
    ]
    rows = max(map(len, columns), default=0)
    if any(not pa.types.is_floating(field.type) for field in fields):
        rows = min(map(len, columns))
    return [list(row) for row in zip(*(column[:rows] for column in columns), strict=True)]
