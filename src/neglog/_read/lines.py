"""Text files line by line, of which only the current line is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .values import MOST_CLASSES

LONGEST_LINE = 64 * MOST_CLASSES  # characters: a number of 20 digits and a name per class


def lines(path: Path) -> Iterator[str]:
    """The lines of a text file, none longer than LONGEST_LINE."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        count = 0
        while line := file.readline(LONGEST_LINE):
            count += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(f"line {count} is longer than {LONGEST_LINE} characters")
            yield line


def nth(rows: Iterator[Any], index: int) -> Any:
    """Row `index`; the error says how many rows there are."""
    count = 0
    for count, row in enumerate(rows, 1):
        if count > index:
            return row
    counted = {0: "no rows", 1: "1 row, row 0"}.get(count, f"{count} rows, 0 to {count - 1}")
    raise ValueError(f"there is no row {index}: the file has {counted}")
