"""Parquet files, a few pages of each column at a time.

`pyarrow.dataset` reads ahead as it likes: 893 MB for 100,000 x 1,000 float32 in columns, and 1.7
times the processor time of `read_row_group`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..batch import MOST_ROWS, rows_at_once
from ..roles import Roles
from ..table import HEAD, arrow_columns, as_text, is_list, once
from .transpose import transposed

AT_ONCE = 24 << 20  # bytes of row groups that are decoded as a whole
OPEN = 48 << 20  # bytes that columns which are read side by side may hold
READER = 9 << 18  # what a column holds at most: a page and a dictionary of a megabyte each
BUFFER = 1 << 16


class ParquetTable:
    """One Parquet file."""

    class_names: Sequence[str] | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = self._open(())
        self._schema = self._file.schema_arrow
        self.columns = arrow_columns(self._schema)
        self.rows: int | None = self._file.metadata.num_rows
        self._done = 0

    def _open(self, dictionary: Sequence[str], metadata: Any = None) -> Any:
        # Strings stay encoded: a page of a kilobyte can hold a long one a million times.
        return pq.ParquetFile(
            self._path,
            metadata=metadata,
            pre_buffer=False,
            buffer_size=BUFFER,
            read_dictionary=list(dictionary),
        )

    def head(self, names: Sequence[str]) -> list[list[str]]:
        fields = once(self._schema, names)
        read = [field.name for field in fields if not pa.types.is_floating(field.type)]
        parts = [read[j : j + 64] for j in range(0, len(read), 64)]
        first = [next(self._file.iter_batches(HEAD, columns=part), None) for part in parts]
        there = [part for part in first if part is not None]
        columns = [column for part in there for column in part.columns]
        return as_text(pa.record_batch(columns, names=read[: len(columns)]), fields)

    def batches(self, roles: Roles) -> Iterator[Any]:
        needed = [*roles.classes, *roles.others]
        strings = [name for name in roles.others if self._is_string(name)]
        metadata = self._file.metadata
        self._file.close()
        self._file = self._open(strings, metadata)
        for groups in self._groups(needed):
            for table in self._read(groups, needed, roles):
                self._done += table.num_rows
                yield table
                del table  # not beside the next one

    def _is_string(self, name: str) -> bool:
        kind = self._schema.field(name).type
        return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))

    def _groups(self, needed: Sequence[str]) -> Iterator[list[int]]:
        """Row groups that are read together, so that small ones make no small batches."""
        together: list[int] = []
        size = rows = 0
        for group in range(self._file.num_row_groups):
            more = self._size(group, needed)
            count = self._file.metadata.row_group(group).num_rows
            if together and (size + more > AT_ONCE or rows + count > MOST_ROWS):
                yield together
                together, size, rows = [], 0, 0
            together.append(group)
            size, rows = size + more, rows + count
        if together:
            yield together

    def _size(self, group: int, needed: Sequence[str]) -> int:
        """Bytes of a row group in memory, at least."""
        meta = self._file.metadata.row_group(group)
        return max(int(meta.total_byte_size), int(meta.num_rows) * self._row_bytes(needed))

    def _has_lists(self, needed: Sequence[str]) -> bool:
        """Lists are decoded in several times their size."""
        return any(is_list(self._schema.field(name).type) for name in needed)

    def _row_bytes(self, needed: Sequence[str]) -> int:
        return sum(_width(self._schema.field(name).type) for name in needed)

    def _read(self, groups: list[int], needed: list[str], roles: Roles) -> Iterator[Any]:
        size = sum(self._size(group, needed) for group in groups)
        if size <= AT_ONCE and not self._has_lists(needed):
            yield from self._file.read_row_groups(groups, columns=needed).to_batches()
            return
        rows = sum(self._file.metadata.row_group(group).num_rows for group in groups)
        at_once = rows_at_once(max(self._row_bytes(needed), size // max(rows, 1)))
        reader = min(2 * size // len(needed), READER) + 2 * BUFFER  # bytes that a column holds
        if reader * len(needed) <= OPEN or not roles.classes:
            yield from self._file.iter_batches(at_once, row_groups=groups, columns=needed)
        else:
            yield from transposed(self._file, groups[0], roles, OPEN // reader, at_once)

    def progress(self) -> float | None:
        return self._done / max(self.rows or 0, 1)

    def close(self) -> None:
        self._file.close()


def _width(kind: Any) -> int:
    """Bytes of an entry; 4 where that depends on the entry."""
    if pa.types.is_fixed_size_list(kind):
        return int(kind.list_size) * _width(kind.value_type)
    if is_list(kind) or pa.types.is_dictionary(kind):
        return 4
    try:
        return max(1, int(kind.bit_width) // 8)
    except ValueError:
        return 4
