"""A row of a .csv or .tsv file: its separator, its columns, and what they hold."""

import csv
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from .columns import Asked, Columns, choose
from .lines import lines, nth
from .values import MOST_CLASSES, Prediction, number, quoted

MOST_COLUMNS = MOST_CLASSES + 1000
SEPARATORS = ",;\t|"
FEWEST, MOST = 3, 16  # rows by which the columns are judged; no more once they have ...
ENOUGH = 1 << 20  # characters


def separated_row(path: Path, index: int, asked: Asked, usual: str) -> Prediction:
    """Row `index`; `usual` separates the columns unless the header says otherwise."""
    blank, text = without_blank_lines(lines(path))
    first = next(text, "")
    rows = csv.reader(chain([first], text), delimiter=separator(first, usual), strict=True)
    try:
        header, columns, placed = _table(rows, blank, asked)
        place, row = nth(placed, index)
    except csv.Error as error:
        raise ValueError(f"line {blank + rows.line_num}: {error}") from error
    return _prediction(header, columns, row, place)


def without_blank_lines(text: Iterator[str]) -> tuple[int, Iterator[str]]:
    """How many lines before the header are blank, and the lines from the header on."""
    blank = 0
    for line in text:
        if line.strip("\r\n"):
            return blank, chain([line], text)
        blank += 1
    return blank, text


def _table(rows: Any, blank: int, asked: Asked) -> tuple[list[str], Columns, Iterator[Any]]:
    """The header, what its columns are, and the rows with their places in the file."""
    # np.savetxt puts "# " before the header.
    header = [name.strip().removeprefix("# ") for name in next(rows, [])]
    if not header:
        raise ValueError("the file is empty: a header with the class names is needed")
    if len(header) > MOST_COLUMNS:
        raise ValueError(f"the header has {len(header)} columns, at most {MOST_COLUMNS} are read")
    # Of a row of another length, only the length is kept.
    fits = len(header)
    placed = (
        (f"line {blank + rows.line_num}", row if len(row) == fits else len(row))
        for row in rows
        if row
    )
    judged = _first(placed)
    columns = choose(header, [row for _, row in judged if not isinstance(row, int)], asked)
    return header, columns, chain(judged, placed)


def _first(placed: Iterator[Any]) -> list[Any]:
    """The rows by which the columns are judged; they are held in memory."""
    judged: list[Any] = []
    size = 0
    for place, row in placed:
        judged.append((place, row))
        size += 0 if isinstance(row, int) else sum(map(len, row))
        if len(judged) == MOST or (len(judged) >= FEWEST and size > ENOUGH):
            break
    return judged


def separator(line: str, usual: str) -> str:
    """What separates the names of this line: the usual separator, or the only one it has."""
    bare = re.sub('"[^"]*"', "", line)
    found = [one for one in SEPARATORS if one in bare]
    if usual in found or not found:
        return usual
    if len(found) > 1:
        raise ValueError(
            f"the header has more than one separator, {' and '.join(map(repr, found))}: separate"
            f" the columns by {usual!r}, and quote names that contain it"
        )
    return found[0]


def _prediction(
    header: Sequence[str], columns: Columns, row: Sequence[str] | int, place: str
) -> Prediction:
    if isinstance(row, int):
        raise ValueError(f"{place} has {row} values, the header {len(header)} names")
    return Prediction(
        [_logit(row[j], header[j], place) for j in columns.classes],
        columns.typed if columns.target is None else as_class(row[columns.target], columns.names),
        columns.names,
        None if columns.id is None else row[columns.id].strip(),
    )


def _logit(text: str, name: str, place: str) -> float:
    way_out = "; if it is no class, leave it out with --ignore"
    return number(text, f"{place}, column {quoted(name)}", way_out)


def as_class(text: str, names: Sequence[str]) -> str:
    """A class by name or number; pandas writes whole numbers as 2.0 if one of them is missing."""
    text = text.strip()
    whole = re.fullmatch(r"([+-]?[0-9]+)\.0*", text)
    return whole[1] if whole and text not in names else text
