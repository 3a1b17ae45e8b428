"""One row of a file of predictions, which may be of any size and need not be trusted.

Only the wanted row is kept: text is read line by line, and in arrays the rows before are skipped.
Nothing is unpickled, and every size that a file claims is checked against the file.
"""

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .arrays import npy_row, npz_row

MOST_CLASSES = 1 << 18  # the largest vocabularies; each class is computed to 50 digits
LONGEST_LINE = 64 * MOST_CLASSES  # characters: a number of 20 digits and a name per class
TOLERANCE = 1e-3  # how far from 1 the sum of rounded probabilities may be

TARGETS = ("target", "label")


@dataclass(frozen=True)
class Prediction:
    """A row of logits with the target and class names of its file; `remark` is for the user."""

    logits: Sequence[float]
    target: str | int | None = None
    class_names: Sequence[str] | None = None
    remark: str = ""


def read_row(path: Path, index: int) -> Prediction:
    """Row `index`, counted from 0, of a .csv, .tsv, .jsonl, .npy or .npz file.

    Raises:
        ValueError: the content does not fit the file's suffix, or there is no such row.
        OSError: the file cannot be read.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise ValueError(
            f"{path}: rows are read from {', '.join(READERS)} files; save it as one of these"
        )
    if index < 0:
        raise ValueError(f"{path}: rows are counted from 0, got row {index}")
    try:
        prediction = reader(path, index)
    except ValueError as error:  # UnicodeDecodeError and json.JSONDecodeError are subclasses
        raise ValueError(f"{path}: {_message(error)}") from error
    if not 0 < len(prediction.logits) <= MOST_CLASSES:
        raise ValueError(
            f"{path}: row {index} has {len(prediction.logits)} classes;"
            f" a row can have 1 to {MOST_CLASSES}"
        )
    return _as_logits(prediction)


def number(text: Any, place: str) -> float:
    """A number from text or JSON; inf, -inf and nan are allowed."""
    try:
        if isinstance(text, bool):
            raise ValueError
        return float(text)
    except (TypeError, ValueError, OverflowError):
        shown = repr(text) if len(repr(text)) <= 40 else f"{repr(text)[:39]}…"
        raise ValueError(f"{place} is {shown}: expected a number, inf, -inf or nan") from None


def _message(error: ValueError) -> str:
    return "this is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def are_probabilities(row: Sequence[float]) -> bool:
    """Whether the row lies in [0, 1] and sums to 1, up to rounding."""
    return all(0 <= x <= 1 for x in row) and abs(math.fsum(row) - 1) <= TOLERANCE


def _as_logits(prediction: Prediction) -> Prediction:
    """Replace probabilities by their logarithms, whose softmax they are."""
    if not are_probabilities(prediction.logits):
        return prediction
    return replace(
        prediction,
        logits=[math.log(x) if x else -math.inf for x in prediction.logits],
        remark="The row lies in [0, 1] and sums to 1: these are probabilities, not logits."
        "\nTheir logarithms are used as logits.",
    )


def _lines(path: Path) -> Iterator[str]:
    """The lines of a text file, none longer than LONGEST_LINE."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        count = 0
        while line := file.readline(LONGEST_LINE):
            count += 1
            if len(line) == LONGEST_LINE:
                raise ValueError(f"line {count} is longer than {LONGEST_LINE} characters")
            yield line


def _nth(rows: Iterator[Any], index: int) -> Any:
    """Row `index`; the error says how many rows there are."""
    count = 0
    for count, row in enumerate(rows, 1):
        if count > index:
            return row
    counted = {0: "no rows", 1: "1 row, row 0"}.get(count, f"{count} rows, 0 to {count - 1}")
    raise ValueError(f"there is no row {index}: the file has {counted}")


def _separated(path: Path, index: int, separator: str) -> Prediction:
    rows = csv.reader(_lines(path), delimiter=separator, strict=True)
    try:
        header = next((row for row in rows if row), None)
        if header is None:
            raise ValueError("the file is empty: a header with the class names is needed")
        values = _nth((row for row in rows if row), index)
    except csv.Error as error:
        raise ValueError(f"line {rows.line_num}: {error}") from error
    return _named_row([name.strip() for name in header], values, f"line {rows.line_num}")


def _named_row(header: Sequence[str], values: Sequence[str], place: str) -> Prediction:
    if len(values) != len(header):
        raise ValueError(f"{place} has {len(values)} values, the header {len(header)} names")
    columns = list(zip(header, values, strict=True))
    targets = [value.strip() for name, value in columns if name.lower() in TARGETS]
    if len(targets) > 1:
        raise ValueError(f"more than one column is named {' or '.join(TARGETS)}: keep one")
    classes = [(name, value) for name, value in columns if name.lower() not in TARGETS]
    return Prediction(
        [number(value, f"{place}, column {name!r}") for name, value in classes],
        next(iter(targets), None),
        [name for name, _ in classes],
    )


def _json_lines(path: Path, index: int) -> Prediction:
    line = _nth((line for line in _lines(path) if line.strip()), index)
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError(f"row {index} is nested too deeply") from None
    logits = row.get("logits") if isinstance(row, dict) else None
    if not isinstance(logits, list):
        raise ValueError(f'row {index} must be like {{"logits": [5, 4, 2], "target": 0}}')
    names = row.get("class_names")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"row {index}: class_names must be a list of strings")
    target = row.get("target")
    if isinstance(target, bool) or not isinstance(target, int | str | None):
        raise ValueError(f"row {index}: target must be the index or the name of a class")
    logits = [number(x, f"row {index}, logit {j}") for j, x in enumerate(logits)]
    return Prediction(logits, target, names)


def _npy(path: Path, index: int) -> Prediction:
    return Prediction(npy_row(path, index, MOST_CLASSES))


def _npz(path: Path, index: int) -> Prediction:
    return Prediction(*npz_row(path, index, MOST_CLASSES))


READERS: dict[str, Callable[[Path, int], Prediction]] = {
    ".csv": partial(_separated, separator=","),
    ".tsv": partial(_separated, separator="\t"),
    ".jsonl": _json_lines,
    ".npy": _npy,
    ".npz": _npz,
}
