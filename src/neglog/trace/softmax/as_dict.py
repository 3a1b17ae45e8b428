"""Rows as JSON can hold them."""

from typing import Any

from ..._show.words import json_number
from .row import Row, shown
from .rows import Rows
from .steps import Step


def rows_dict(subject: Rows) -> dict[str, Any]:
    """Numbers, strings, lists and dicts, without literals that JSON lacks."""
    return {
        "kind": "softmax",
        "dtype": subject.dtype,
        "temperature": subject.temperature,
        "class_names": list(subject.class_names),
        "rows": [_row(row) for row in subject.rows],
        "batch": {"sum": _step(subject.total), "mean": _step(subject.mean)},
    }


def _row(row: Row) -> dict[str, Any]:
    steps = {name: _step(step) for name, step in row.steps.items()}
    steps["jacobian"]["classes"] = shown(row)[0]
    return {
        "given": [json_number(z) for z in row.given],
        "target": row.target,
        "argmax": list(row.argmax),
        "steps": steps,
        "losses": {name: _step(step) for name, step in row.losses.items()},
    }


def _step(step: Step) -> dict[str, Any]:
    columns = {"naive": step.naive, "shifted": step.shifted, "neglog": step.neglog}
    found = {name: column for name, column in columns.items() if column is not None}
    result: dict[str, Any] = {"title": step.title, "formula": step.formula}
    for name, column in columns.items():
        result[name] = None if column is None else _nested(column.values, step.shape)
    result["exact"] = _nested(step.exact, step.shape)
    if step.unshifted is not None:
        result["unshifted"] = _nested(step.unshifted, step.shape)
    result["error"] = {name: _nested(c.error, step.shape) for name, c in found.items()}
    result["flag"] = {name: _nested(c.flag, step.shape) for name, c in found.items()}
    return result


def _nested(values: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Row-major values as nested lists of this shape."""
    numbers = [json_number(x) for x in values]
    if not shape:
        return numbers[0]
    width = shape[-1]
    return (
        numbers
        if len(shape) == 1
        else [numbers[i : i + width] for i in range(0, len(numbers), width)]
    )
