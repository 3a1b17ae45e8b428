"""Gzip that may be a bomb: a megabyte that becomes ten gigabytes."""

import gzip
import io
import zlib
from typing import IO, Any

MOST_RATIO = 1000  # of text, gzip makes 5 to 30
FREE = 100_000_000  # bytes to which no ratio applies


class Inflated(io.RawIOBase):
    """The content of a gzip file; ValueError where it is broken or a bomb."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._counted = _Counted(raw)
        self._file = gzip.GzipFile(fileobj=self._counted, mode="rb")  # type: ignore[call-overload]
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count: int = self._file.readinto(buffer)
        except EOFError as error:
            raise ValueError("the gzip file ends in the middle: it is truncated") from error
        except (gzip.BadGzipFile, zlib.error) as error:
            raise ValueError(f"the gzip file is damaged: {error}") from error
        self._size += count
        check_ratio(self._size, self._counted.count)
        return count


def check_ratio(size: int, compressed: int) -> None:
    """Raise if content of this size came out of so few bytes."""
    if size > FREE and size > MOST_RATIO * compressed:
        raise ValueError(
            f"{compressed:,} compressed bytes become more than {size:,}: such a file is refused,"
            " because it may be without end; uncompress it yourself if it is right"
        )


class _Counted:
    """A file that counts what was read of it; unlike tell(), that works for a pipe."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._raw.read(size)
        self.count += len(data)
        return data
