"""A row of a .jsonl file: one object per line, whose keys say what they hold."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .columns import TARGETS, Asked
from .lines import lines, nth
from .values import Prediction, number, quoted


def json_row(path: Path, index: int, asked: Asked) -> Prediction:
    """Row `index`; `asked` names keys, `logits` and `target` unless others are asked for."""
    line = nth((line for line in lines(path) if line.strip()), index)
    try:
        row = json.loads(line)
    except RecursionError:
        raise ValueError(f"row {index} is nested too deeply") from None
    key = asked.only_logits() or "logits"
    logits = row.get(key) if isinstance(row, dict) else None
    if not isinstance(logits, list):
        raise ValueError(f"row {index} must be like {json.dumps({key: [5, 4, 2], 'target': 0})}")
    names = row.get("class_names")
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(f"row {index}: class_names must be a list of strings")
    return Prediction(
        [number(x, f"row {index}, logit {j}") for j, x in enumerate(logits)],
        _target(row, index, names or (), asked.target),
        names,
        _id(row, index, asked.id),
    )


def _target(
    row: Mapping[str, Any], index: int, names: Sequence[str], asked: str | None
) -> int | str | None:
    """The target of the row; `asked` is its key, or a class and then the target."""
    typed = asked is not None and (asked in names or asked not in row)
    keys = [key for key in TARGETS if key in row] if typed or asked is None else [asked]
    if len(keys) > 1:
        raise ValueError(f"row {index} has {' and '.join(keys)}: choose one with --target KEY")
    target = row[keys[0]] if keys else None
    if isinstance(target, bool) or not isinstance(target, int | str | None):
        raise ValueError(f"row {index}: {keys[0]} must be the index or the name of a class")
    return asked if typed else target


def _id(row: Mapping[str, Any], index: int, key: str | None) -> str | None:
    if key is None:
        return None
    if key not in row:
        raise ValueError(f"--id: row {index} has no key {quoted(key)}")
    return str(row[key]) if isinstance(row[key], str | int | float) else json.dumps(row[key])
