"""Rows of several batches together: what the mini-batches of an epoch are drawn from."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from scipy import sparse

from neglog._engine import Array
from neglog.learn._stochastic.descent import Block, empty_table


class Blocks:
    """Rows of several batches together, as often as they are wanted.

    Where one block holds all rows, it is made once. Else a thread makes the next one while the last
    one is worked on, in memory that is used again: one is in use, one waits, one is being made.
    """

    def __init__(
        self, reader: Any, batches: Callable[[], Iterable[Any]], rows: int, buffer: int
    ) -> None:
        self._reader, self._batches, self._rows, self._buffer = reader, batches, rows, buffer
        self._is_one = rows <= buffer
        self._made: list[Block] = []
        self._tables: deque[Array | None] = deque([None] * (1 if self._is_one else 3))
        self._used = 0

    def of(self, passes: int) -> Iterator[Block]:
        """Those of so many passes; at most three of them exist at a time."""
        if not self._is_one:
            from neglog._read.ahead import ahead

            return ahead(self._all(passes))
        self._made = self._made or list(self._all(1))
        return iter(self._made * passes)

    def _all(self, passes: int) -> Iterator[Block]:
        for _ in range(passes):
            rows = 0
            for block in self._pass():
                rows += len(block.table)
                yield block
                self._tables.rotate()
            counted(rows, "later pass")

    def _pass(self) -> Iterator[Block]:
        """Blocks of at least so many rows but for the last."""
        self._used = 0
        others: list[Any] = []
        for batch in self._batches():
            block = self._reader.block(batch, self._place)
            self._used += len(block.table)
            others.append(block.sparse)
            if self._used >= self._buffer and not self._is_one:
                yield self._whole(others)
                self._used, others = 0, []
        if self._used:
            yield self._whole(others)

    def _place(self, rows: int, dense: int, one_hot: int = 0) -> Array:
        """As `empty_table`, behind the rows so far."""
        needed, table = self._used + rows, self._tables[0]
        if table is None or len(table) < needed:
            room = max(needed, min(self._buffer + rows, self._rows))
            larger = empty_table(room, dense, one_hot)
            if table is not None:
                larger[: self._used] = table[: self._used]
            self._tables[0] = table = larger
        place: Array = table[self._used : needed]
        return place

    def _whole(self, others: Sequence[Any]) -> Block:
        table = self._tables[0]
        assert table is not None
        is_sparse = others[0] is not None
        sparse_rows = sparse.vstack(others, format="csr") if is_sparse else None
        return Block(table[: self._used], sparse_rows)


def counted(rows: int, where: str) -> int:
    """The number of rows, if there are any."""
    if rows == 0:
        raise ValueError(f"the {where} over batches had no rows with a target")
    return rows
