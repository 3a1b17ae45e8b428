"""NDJSON: Arrow's parser for each block, and Python's where that one stops."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Any

import pyarrow as pa
from pyarrow import json as arrow_json

from ...values import number, quoted
from ..roles import Column, Roles
from ..table import HEAD
from .blocks import Block
from .text import NULLS, TextFile, decoded

NAMES = "class_names"  # a key whose list in the first row names the classes
LISTS = {"list": pa.list_(pa.float64()), "lists": pa.list_(pa.list_(pa.float64()))}


class JsonTable(TextFile):
    """One file with an object per line."""

    rows: int | None = None

    def __init__(self, file: IO[bytes], raw: IO[bytes] | None) -> None:
        super().__init__(file, raw, quotes=False)
        self._head = [row for _, row in islice(_rows(self.first), HEAD)]
        if not self._head:
            raise ValueError("the file is empty")
        keys = dict.fromkeys(key for row in self._head for key in row)
        names = self._head[0].get(NAMES)
        is_names = isinstance(names, list) and all(isinstance(name, str) for name in names)
        self.class_names: Sequence[str] | None = names if is_names else None
        self.columns = [
            Column(key, self._kind(key)) for key in keys if not (key == NAMES and is_names)
        ]

    def _kind(self, key: str) -> str:
        """By the first row in which it is not null."""
        kinds = (_kind(row.get(key)) for row in self._head)
        return next((kind for kind in kinds if kind != "null"), "other")

    def head(self, names: Sequence[str]) -> list[list[str]]:
        return [[_text(row.get(name)) for name in names] for row in self._head]

    def batches(self, roles: Roles) -> Iterator[Any]:
        types = self._types(roles)
        for block in self.rest(0, 0):
            try:
                yield _parsed(block, types)
            except pa.ArrowException:
                yield _row_by_row(block, types)

    def _types(self, roles: Roles) -> dict[str, Any]:
        """What each wanted key must hold."""
        kinds = {column.name: column.kind for column in self.columns}
        types: dict[str, Any] = dict.fromkeys(roles.classes, pa.float64())
        for name in roles.others:
            if name in (roles.weight, roles.num_bytes, *roles.numbers):
                types[name] = pa.float64()
            elif name in (roles.one_list, roles.logprob, roles.top_logprobs):
                types[name] = LISTS.get(kinds[name], pa.float64())
            else:
                values = [row.get(name) for row in self._head]
                whole = all(isinstance(x, int) and not isinstance(x, bool) for x in values)
                types[name] = pa.int64() if whole else pa.string()
        return types


def _rows(block: Block) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number of each line that is not blank, and its object."""
    for line, text in enumerate(block.data.split(b"\n"), block.line):
        if text.strip():
            yield line, _object(text, line)


def _object(text: bytes, line: int) -> dict[str, Any]:
    try:
        row = json.loads(decoded(text, line))
    except RecursionError as error:
        raise ValueError(f"line {line} is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"line {line} is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"line {line} must be an object such as {EXAMPLE}, got {quoted(row)}")
    return row


EXAMPLE = json.dumps({"logits": [5, 4, 2], "target": 0})


def _kind(value: Any) -> str:
    if isinstance(value, list):
        inner = {_kind(x) for x in value[:HEAD]} - {"null"}
        first = inner.pop() if len(inner) == 1 else "nested" if inner else "number"
        return {"number": "list", "list": "lists"}.get(first, "nested")
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "nested"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return "number" if is_number else "other"


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _parsed(block: Block, types: Mapping[str, Any]) -> Any:
    table = arrow_json.read_json(
        pa.BufferReader(block.data),
        read_options=arrow_json.ReadOptions(block_size=len(block.data) + 1),
        parse_options=arrow_json.ParseOptions(
            explicit_schema=pa.schema(list(types.items())), unexpected_field_behavior="ignore"
        ),
    ).select(list(types))
    columns = [column.combine_chunks() for column in table.columns]
    return pa.record_batch(columns, names=list(types))


def _row_by_row(block: Block, types: Mapping[str, Any]) -> Any:
    """What Arrow does not read, Python may; if not, it knows the line and the key."""
    values: dict[str, list[Any]] = {name: [] for name in types}
    for line, row in _rows(block):
        for name, kind in types.items():
            place = f"line {line}, key {quoted(name)}"
            values[name].append(_value(row.get(name), kind, place))
    return pa.record_batch([_array(values[n], kind) for n, kind in types.items()], list(types))


def _value(value: Any, kind: Any, place: str) -> Any:
    if pa.types.is_list(kind) and value is not None:
        if not isinstance(value, list):
            raise ValueError(f"{place} is {quoted(value)}: expected a list")
        inner = kind.value_type
        return [_value(x, inner, f"{place}, entry {j}") for j, x in enumerate(value)]
    if value is None or (value in NULLS if isinstance(value, str) else False):
        return None
    return number(value, place) if kind == pa.float64() else value


def _array(values: list[Any], kind: Any) -> Any:
    """Whole numbers among which a name or a fraction came become strings."""
    whole = (isinstance(x, int) and not isinstance(x, bool) for x in values if x is not None)
    if pa.types.is_string(kind) or (kind == pa.int64() and not all(whole)):
        return pa.array([None if x is None else _text(x) for x in values], pa.string())
    return pa.array(values, kind)
