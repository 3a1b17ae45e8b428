"""What every format gives: one row, its numbers, and values quoted in messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST_CLASSES = 1 << 18  # the largest vocabularies; each class is computed to 50 digits


@dataclass(frozen=True)
class Prediction:
    """One row: its logits, and what else the file says of it.

    `were_probabilities`: the file has probabilities; the logits are their logarithms.
    """

    logits: Sequence[float]
    target: str | int | None = None
    class_names: Sequence[str] | None = None
    id: str | None = None
    were_probabilities: bool = False


def number(text: Any, place: str, way_out: str = "") -> float:
    """A number from text or JSON; inf, -inf and nan are allowed."""
    if is_number(text) if isinstance(text, str) else not isinstance(text, bool):
        try:
            return float(text)
        except (TypeError, ValueError, OverflowError):
            pass
    if isinstance(text, str) and is_number(text.replace(",", ".", 1)):
        way_out = "; write decimals with a point, not with a comma"
    raise ValueError(f"{place} is {quoted(text)}: expected a number, inf, -inf or nan{way_out}")


def is_number(text: str) -> bool:
    """Whether the text is a number, inf, -inf or nan; 1_000, which Python reads, is an id."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def quoted(value: Any) -> str:
    """A value of the file in a message: at most 40 characters, none of which moves the cursor."""
    text = repr(value[:40] if isinstance(value, str) else value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def quoted_list(values: Sequence[Any], most: int = 8) -> str:
    """The first values, and how many more there are."""
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(map(quoted, values[:most])) + more
