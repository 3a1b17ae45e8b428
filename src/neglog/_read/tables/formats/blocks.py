"""Text in blocks of whole lines, so that no more than a block is in memory."""

from collections.abc import Iterator
from typing import IO, NamedTuple

BLOCK = 1 << 22
LONGEST_LINE = 100_000_000
BOM = b"\xef\xbb\xbf"


class Block(NamedTuple):
    """Whole lines, and the number of the first one, counted from 1."""

    data: bytes
    line: int


def blocks(file: IO[bytes], quotes: bool) -> Iterator[Block]:
    """The blocks of a text file; with `quotes`, a line goes on within double quotes.

    Raises:
        ValueError: a line is longer than LONGEST_LINE.
    """
    rest, line, more = b"", 1, True
    while more:
        data = file.read(BLOCK)
        more = bool(data)
        if line == 1 and not rest:
            data = data.removeprefix(BOM)
        joined = rest + data if rest else data
        end = _end(joined, quotes) if more else len(joined)
        if end == 0 and len(joined) > LONGEST_LINE:
            unclosed = ", or a double quote in it is never closed" if quotes else ""
            raise ValueError(
                f"line {line} is longer than {LONGEST_LINE:,} bytes{unclosed}: this is no table of"
                " predictions"
            )
        if end:
            yield Block(joined[:end], line)
            line += joined.count(b"\n", 0, end)
        rest = joined[end:]


def _end(data: bytes, quotes: bool) -> int:
    """Where the last whole line ends; 0 if none does."""
    end = data.rfind(b"\n") + 1
    if not quotes:
        return end
    if data.count(b'"', 0, end) % 2 == 0:
        return end
    quote = data.rfind(b'"', 0, end)  # a value begins here that goes on; the line began before it
    while quote >= 0:
        before = data.rfind(b'"', 0, quote)
        end = data.rfind(b"\n", before + 1, quote) + 1
        if end or before < 0:
            return end
        quote = data.rfind(b'"', 0, before)
    return 0
