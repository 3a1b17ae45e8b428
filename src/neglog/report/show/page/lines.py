"""Charts of lines below each other: a name, a bar, a number."""

import math
from collections.abc import Sequence
from html import escape

from ...._show.words import short
from ..parts import Bars, Span, Stacks, Steps
from ..words import Words
from .axes import labels, plain, ticks


class _Axis:
    """Places of 0..100 from the least to the largest of these numbers, 0 included."""

    def __init__(self, numbers: Sequence[float]) -> None:
        finite = [x for x in numbers if math.isfinite(x)]
        self.low, self.high = min([0.0, *finite]), max([0.0, *finite])
        if self.low == self.high:
            self.high = 1.0
        self.ticks = ticks(self.low, self.high)

    def at(self, x: float) -> float:
        """Where a number lies; what is beyond the ends lies at an end."""
        return 100 * min(max((x - self.low) / (self.high - self.low), 0.0), 1.0)

    def grid(self) -> str:
        """The ticks' lines across a bar."""
        return f'<path class="grid" d="{"".join(f"M{self.at(t):.2f} 0V10" for t in self.ticks)}"/>'

    def foot(self, title: str) -> str:
        """The ticks' numbers, and what they are."""
        places = [(self.at(t), plain(t)) for t in self.ticks]
        return (
            f'<div class="foot-of-bars"><div class="xs">{labels("left", places)}</div>'
            f'<div class="xl">{escape(title)}</div></div>'
        )


def _line(name: str, drawing: str, value: str) -> str:
    return (
        f'<span class="name">{escape(name)}</span>'
        f'<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">{drawing}</svg>'
        f'<span class="n">{escape(value)}</span>'
    )


def _bar(axis: _Axis, start: float, end: float, kind: str = "bar") -> str:
    left, right = sorted((axis.at(start), axis.at(end)))
    return f'<path class="{kind}" d="M{left:.2f} 2V8H{right:.2f}V2z"/>'


def bars(chart: Bars, say: Words) -> str:
    """A bar per name with its interval, and one line across all of them."""
    spans = [span for _, span, _ in chart.lines]
    marks = [] if chart.mark is None else [chart.mark[1]]
    axis = _Axis([x for s in spans for x in (s.value, s.low, s.high)] + marks)
    mark = "".join(f'<path class="mark" d="M{axis.at(x):.2f} 0V10"/>' for x in marks)
    lines = "".join(
        _line(name, axis.grid() + _bar(axis, 0.0, s.value) + _whisker(axis, s) + mark, value)
        for name, s, value in chart.lines
    )
    label = ""
    if chart.mark is not None:
        text = f"{chart.mark[0]} {short(chart.mark[1])}"
        label = (
            f'<div class="marks">{labels("left", [(axis.at(chart.mark[1]), escape(text))])}</div>'
        )
    return f'<div class="lines">{label}{lines}{axis.foot(chart.axis)}</div>'


def _whisker(axis: _Axis, span: Span) -> str:
    if span.low != span.low:
        return ""
    return f'<path class="whisker" d="M{axis.at(span.low):.2f} 5H{axis.at(span.high):.2f}"/>'


def steps(chart: Steps, say: Words) -> str:
    """Bars that hang together: what is taken away, and what is added, in colours of their own."""
    axis = _Axis([x for _, a, b, _ in chart.lines for x in (a, b)])
    kinds = [
        "bar" if start == 0 else "better" if end < start else "worse"
        for _, start, end, _ in chart.lines
    ]
    lines = "".join(
        _line(name, axis.grid() + _bar(axis, start, end, kind), value)
        for kind, (name, start, end, value) in zip(kinds, chart.lines, strict=True)
    )
    return f'<div class="lines">{lines}{axis.foot(chart.axis)}</div>'


def stacks(chart: Stacks, say: Words) -> str:
    """Bars of one length in two parts, of which the first one is told."""
    axis = _Axis([1.0])
    lines = "".join(
        _line(name, _bar(axis, share, 1.0, "rest") + _bar(axis, 0.0, share, "worse"), text)
        for name, share, text in chart.lines
    )
    first, rest = map(escape, chart.parts)
    key = f'<div class="xl"><i class="worse"></i>{first} <i class="rest"></i>{rest}</div>'
    return f'<div class="lines">{lines}{key}</div>'
