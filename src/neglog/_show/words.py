"""Names and numbers as words: what texts, figures and pages share."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Any


def printable(name: str) -> str:
    """A name without control characters and without any that reverse the writing direction."""
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def shortened(name: str, most: int) -> str:
    """At most `most` characters, the last one an ellipsis if any are cut."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def listed(names: Sequence[str], more: int = 0) -> str:
    """cat, dog and horse."""
    kept = [*names, f"{more} more"] if more else list(names)
    return kept[0] if len(kept) == 1 else f"{', '.join(kept[:-1])} and {kept[-1]}"


def short(x: float) -> str:
    """About four digits, in at most ten characters."""
    if not math.isfinite(x) or x == 0:
        return f"{x + 0.0:.0f}"
    size = abs(x)
    if not 1e-3 <= size < 1e6:
        return f"{x:.2e}"
    return f"{x:.4f}" if size < 100 else f"{x:.1f}"


def long(x: float | Decimal) -> str:
    """Seven digits, in fourteen characters; exact numbers may lie beyond the range of floats."""
    number = Decimal(x)
    if not number.is_finite() or not number:
        return f"{float(x) + 0.0:.0f}"
    return f"{float(x):.7g}" if -300 < number.adjusted() < 300 else f"{number:.3e}"


def json_number(x: Any) -> Any:
    """A value that JSON can hold: nan and infinities as strings, a Decimal as its digits."""
    if isinstance(x, Decimal):
        return str(x) if x.is_finite() else json_number(float(x))
    return x if isinstance(x, str) or math.isfinite(x) else str(x)
