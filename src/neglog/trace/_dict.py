"""A trace as JSON can hold it."""

import math
from decimal import Decimal
from typing import Any

from ._likelihood import Candidate, Curve, Likelihood
from ._row import Row, Step, shown
from ._rows import Rows


def as_dict(subject: Rows | Likelihood) -> dict[str, Any]:
    """Numbers, strings, lists and dicts; no literal that JSON has not."""
    return _rows(subject) if isinstance(subject, Rows) else _likelihood(subject)


def _rows(subject: Rows) -> dict[str, Any]:
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
        "given": [number(z) for z in row.given],
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


def _likelihood(subject: Likelihood) -> dict[str, Any]:
    return {
        "kind": "likelihood",
        "data": list(subject.data),
        "candidates": {c.name: _candidate(c) for c in subject.candidates},
        "winner": list(subject.winner),
        "curve": None if subject.curve is None else _curve(subject.curve),
        "probability": {
            "at": list(subject.at),
            "density": {c.name: [number(x) for x in c.density_at] for c in subject.candidates},
        },
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "family": candidate.family,
        "parameters": dict(candidate.parameters),
        "density": [number(x) for x in candidate.density],
        "log_density": [number(x) for x in candidate.log_density],
        "product": [number(x) for x in candidate.product],
        "underflow_at": candidate.underflow_at,
        "exact_product": number(candidate.exact_product),
        "log_likelihood": number(candidate.log_likelihood),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "family": curve.family,
        "parameter": curve.parameter,
        "at": list(curve.at),
        "likelihood": [number(x) for x in curve.likelihood],
        "log_likelihood": [number(x) for x in curve.log_likelihood],
        "best": dict(curve.best),
        "best_log_likelihood": number(curve.best_log_likelihood),
    }


def _nested(values: tuple[Any, ...], shape: tuple[int, ...]) -> Any:
    """Row-major values in lists of this shape."""
    numbers = [number(x) for x in values]
    if not shape:
        return numbers[0]
    width = shape[-1]
    return (
        numbers
        if len(shape) == 1
        else [numbers[i : i + width] for i in range(0, len(numbers), width)]
    )


def number(x: Any) -> Any:
    """A float as JSON has it, a Decimal as its digits, a word as it is."""
    if isinstance(x, Decimal):
        return str(x) if x.is_finite() else number(float(x))
    return x if isinstance(x, str) or math.isfinite(x) else str(x)
