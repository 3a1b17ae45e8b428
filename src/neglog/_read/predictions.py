"""One row of a file of predictions, which may be of any size and need not be trusted.

Only the wanted row is kept: text is read line by line, and in arrays the rows before are skipped.
Nothing is unpickled, and every size that a file claims is checked against the file.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from .arrays import npy_row, npz_row
from .columns import Asked
from .json_lines import json_row
from .separated import separated_row
from .values import MOST_CLASSES, Prediction

TOLERANCE = 1e-3  # how far from 1 the sum of rounded probabilities may be
NOTHING = Asked()


def read_row(path: Path, index: int, asked: Asked = NOTHING) -> Prediction:
    """Row `index`, counted from 0, of a .csv, .tsv, .jsonl, .npy or .npz file.

    Args:
        path: the suffix says what the file holds.
        index: the row.
        asked: which columns, keys or arrays are what; a target that none of them is, is the row's.

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
        prediction = reader(path, index, asked)
    except ValueError as error:  # UnicodeDecodeError and json.JSONDecodeError are subclasses
        raise ValueError(f"{path}: {_message(error)}") from error
    if not 0 < len(prediction.logits) <= MOST_CLASSES:
        raise ValueError(
            f"{path}: row {index} has {len(prediction.logits)} classes;"
            f" a row can have 1 to {MOST_CLASSES}"
        )
    return _as_logits(prediction)


def _message(error: ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "this is not UTF-8 text; save it as UTF-8"
    return str(error)


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
        were_probabilities=True,
    )


def _npy(path: Path, index: int, asked: Asked) -> Prediction:
    if asked.logits or asked.id or asked.ignore:
        raise ValueError("an .npy file has no columns; only --target CLASS can be given with it")
    return Prediction(npy_row(path, index, MOST_CLASSES), asked.target)


READERS: dict[str, Callable[[Path, int, Asked], Prediction]] = {
    ".csv": partial(separated_row, usual=","),
    ".tsv": partial(separated_row, usual="\t"),
    ".jsonl": json_row,
    ".npy": _npy,
    ".npz": npz_row,
}
