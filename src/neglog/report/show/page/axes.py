"""Axes: where the ticks are, and what they say."""

import math
from collections.abc import Sequence


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers from low to high, at most `most` steps of 1, 2 or 5 times a power of ten."""
    if not (high > low and math.isfinite(high - low)):
        return [low] if math.isfinite(low) else []
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(k for k in (1, 2, 5, 10) if (high - low) / (k * step) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [j * step for j in range(first, last + 1)]


def decades(low: float, high: float, most: int = 6) -> list[float]:
    """Powers of ten from low to high; steps of 1, 2 and 5 where there are fewer than two."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = max(1, math.ceil((last - first + 1) / most))
    found = [10.0**k for k in range(first, last + 1, step)]
    if len(found) > 2:
        return found
    every = [m * 10.0**k for k in range(first - 1, last + 1) for m in (1, 2, 5)]
    return [x for x in every if low <= x <= high]


def plain(x: float) -> str:
    """A tick's number."""
    return f"{x:.6g}" if x == 0 or 1e-4 <= abs(x) < 1e5 else f"{x:.0e}".replace("e-0", "e-")


def labels(side: str, places: Sequence[tuple[float, str]]) -> str:
    """Labels at places of 0..100 along a side; the last one does not stick out to the right."""
    return "".join(
        f'<span class="last">{text}</span>'
        if side == "left" and place > 97
        else f'<span style="{side}:{place:.2f}%">{text}</span>'
        for place, text in places
    )
