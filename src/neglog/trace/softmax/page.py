"""What the page needs to show rows."""

from typing import Any

from ..._show.words import json_number, printable, shortened
from .row import Row, shown
from .rows import Rows
from .view import log_sum_exp

_NAME = 60  # characters


def rows_start(subject: Rows, count: int) -> dict[str, Any]:
    """The page's first state with the first `count` rows."""
    names = _names(subject)
    rows = [_row(row, names, subject.temperature) for row in subject.rows[:count]]
    return {
        "tab": "softmax",
        "dtype": subject.dtype,
        "T": subject.temperature,
        "names": rows[0].get("names", names),
        "rows": rows,
    }


def _names(subject: Rows) -> list[Any]:
    """The class names; without names, one in each language of the page."""
    if not subject.are_named:
        return [{"en": f"class {j}", "ko": f"클래스 {j}"} for j in subject.class_names]
    return [shortened(printable(name), _NAME) for name in subject.class_names]


def _row(row: Row, names: list[Any], temperature: float) -> dict[str, Any]:
    """Logits and target; of many classes those that are shown, and the others as one class."""
    classes, others = shown(row)
    if not others:
        return {"z": [json_number(z) for z in row.given], "y": row.target}
    together = temperature * log_sum_exp([row.given[j] / temperature for j in others])
    return {
        "z": [json_number(z) for z in [*(row.given[j] for j in classes), together]],
        "y": classes.index(row.target),
        "names": [names[j] for j in classes],
        "others": len(others),
    }
