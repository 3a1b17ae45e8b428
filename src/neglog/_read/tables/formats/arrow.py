"""Arrow's own files: Feather, IPC files and streams, also from standard input."""

import mmap
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from ..batch import rows_at_once
from ..roles import Roles
from ..table import HEAD, arrow_columns, as_text, once


class ArrowTable:
    """One Arrow file or stream.

    A file is mapped, so that an uncompressed batch of any size costs no memory; a compressed one,
    or one from standard input, is in memory as a whole.
    """

    class_names: Sequence[str] | None = None

    def __init__(self, source: Path | IO[bytes]) -> None:
        self._map: mmap.mmap | None = None
        if isinstance(source, Path):
            with source.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            input = pa.BufferReader(pa.py_buffer(self._map))
        else:
            input = pa.PythonFile(source, mode="r")
        self._input = input
        self._is_file = self._map is not None and self._map[:6] == b"ARROW1"
        self._reader = (pa.ipc.open_file if self._is_file else pa.ipc.open_stream)(input)
        self.columns = arrow_columns(self._reader.schema)
        self.rows: int | None = None
        self._count = self._reader.num_record_batches if self._is_file else 0
        self._done = 0.0
        self._first: list[Any] = []

    def head(self, names: Sequence[str]) -> list[list[str]]:
        if not self._first:
            self._first = [first for first in [next(self._all(), None)] if first is not None]
        fields = once(self._reader.schema, names)
        read = [field.name for field in fields if not pa.types.is_floating(field.type)]
        first = [part.select(read).slice(0, HEAD) for part in self._first]
        if not first:
            return []
        return as_text(first[0], fields)

    def _all(self) -> Iterator[Any]:
        if self._is_file:
            for j in range(self._count):
                self._done = (j + 1) / self._count
                yield self._reader.get_batch(j)
            return
        while True:
            try:
                batch = self._reader.read_next_batch()
            except StopIteration:
                return
            if self._map is not None:
                self._done = self._input.tell() / len(self._map)
            yield batch

    def batches(self, roles: Roles) -> Iterator[Any]:
        needed = list(dict.fromkeys([*roles.classes, *roles.others]))
        if self._is_file:
            self._first = []
        begun = (self._first.pop() for _ in list(self._first))  # of a stream, what was read is gone
        for batch in chain(begun, self._all()):
            yield from self._parts(batch.select(needed))

    def _parts(self, batch: Any) -> Iterator[Any]:
        """Slices; what has been read of the file is given back, or it would count as memory."""
        rows = rows_at_once(batch.nbytes // max(batch.num_rows, 1))
        for start in range(0, batch.num_rows, rows):
            yield batch.slice(start, rows)
            if self._map is not None and hasattr(self._map, "madvise"):
                self._map.madvise(mmap.MADV_DONTNEED)

    def progress(self) -> float | None:
        return None if self._map is None else self._done

    def close(self) -> None:
        """Nothing: arrays that were handed out may still point into the file."""
