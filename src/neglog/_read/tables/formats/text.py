"""What CSV and NDJSON share: blocks of lines, and what a fast parser cannot name."""

from collections.abc import Iterator
from typing import IO

from .blocks import Block, blocks

NULLS = ["", "NA", "N/A", "#N/A", "NULL", "null", "None", "<NA>"]


class TextFile:
    """A file in blocks, of which the first is looked at before the others are read."""

    def __init__(self, file: IO[bytes], raw: IO[bytes] | None, quotes: bool) -> None:
        self._file, self._raw = file, raw
        self._size = 0
        if raw is not None:
            self._size = raw.seek(0, 2)
            raw.seek(0)
        self._blocks = blocks(file, quotes)
        first = next(self._blocks, None)
        if first is None:
            raise ValueError("the file is empty")
        self.first: Block = first

    def rest(self, skipped: int, lines: int) -> Iterator[Block]:
        """All blocks; of the first one, so many bytes and lines are not given."""
        begun = Block(self.first.data[skipped:], self.first.line + lines)
        self.first = Block(b"", 0)
        if begun.data:
            yield begun
        del begun
        yield from self._blocks

    def progress(self) -> float | None:
        """By the position in the compressed file."""
        return None if self._raw is None else self._raw.tell() / max(self._size, 1)

    def close(self) -> None:
        """Close the file; standard input stays open."""
        if self._raw is not None:
            self._file.close()
            self._raw.close()


def decoded(data: bytes, line: int) -> str:
    """The text of these bytes, of which the first is on this line."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line += data.count(b"\n", 0, error.start)
        raise ValueError(f"line {line} is not UTF-8 text; save it as UTF-8") from error
