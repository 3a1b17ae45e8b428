"""Charts: SVG that stretches to the width, with text beside it that does not.

A chart is one image to a screen reader, with a sentence that says what it shows.
"""

import math
from collections.abc import Callable
from html import escape
from typing import Any

from ..parts import Bars, Chart, Histogram, Reliability, Scale, Stacks, Steps
from ..words import Words
from .axes import decades, labels, plain, ticks
from .lines import bars, stacks, steps


def chart(chart: Chart, say: Words) -> str:
    """A chart with its title."""
    drawn = _DRAWN[type(chart)](chart, say)
    kind = type(chart).__name__.lower()
    return (
        f'<figure class="chart {kind}"><figcaption>{escape(chart.title)}</figcaption>'
        f'<div role="img" aria-label="{escape(chart.alt)}">{drawn}</div></figure>'
    )


def _plot(svg: str, x: str, xs: str, y: str = "", ys: str = "", marks: str = "") -> str:
    """A drawing of 100 x 100 with its axes; y runs downwards in it, and upwards in `ys`."""
    return (
        f'<div class="plot"><div class="yl">{y}</div><div class="marks">{marks}</div>'
        f'<div class="ys">{ys}</div>'
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{svg}</svg>'
        f'<div class="xs">{xs}</div><div class="xl">{escape(x)}</div></div>'
    )


def _grid(xs: list[float], ys: list[float]) -> str:
    lines = "".join(f"M{x:.2f} 0V100" for x in xs) + "".join(f"M0 {y:.2f}H100" for y in ys)
    return f'<path class="grid" d="{lines}"/>'


def _histogram(chart: Histogram, say: Words) -> str:
    """Rows upwards, loss downwards, on one scale."""
    bins = [(a or b / 2, b, up, down) for a, b, up, down in chart.bins]
    first, last = math.log(bins[0][0]), math.log(bins[-1][1])
    top = 1.05 * max(up for *_, up, _ in bins)
    bottom = 1.05 * max(down for *_, down in bins)

    def x(value: float) -> float:
        return min(max(100 * (math.log(value) - first) / (last - first), 0), 100)

    def y(share: float) -> float:
        return 100 * (top - share) / (top + bottom)

    ups = downs = ""
    for a, b, up, down in bins:
        box = f"V{{:.2f}}H{x(b):.2f}V{y(0):.2f}"
        ups += f"M{x(a):.2f} {y(0):.2f}{box.format(y(up))}" if up else ""
        downs += f"M{x(a):.2f} {y(0):.2f}{box.format(y(-down))}" if down else ""
    across = decades(math.exp(first), math.exp(last))
    shares = ticks(-bottom, top, 6)
    marks = sorted((x(v), label) for label, v in chart.marks if v > 0 and math.isfinite(v))
    svg = (
        _grid([x(t) for t in across], [y(t) for t in shares])
        + f'<path class="up" d="{ups}"/><path class="down" d="{downs}"/>'
        + f'<path class="axis" d="M0 {y(0):.2f}H100"/>'
        + "".join(f'<path class="mark" d="M{place:.2f} 0V100"/>' for place, _ in marks)
    )
    key = f'<i class="up"></i>{escape(chart.up)} <i class="down"></i>{escape(chart.down)}'
    return _plot(
        svg,
        chart.axis,
        labels("left", [(x(t), plain(t)) for t in across]),
        key,
        labels("bottom", [(100 - y(t), escape(say.round_percent(abs(t)))) for t in shares]),
        labels("left", [(place, escape(label)) for place, label in marks]),
    )


def _reliability(chart: Reliability, say: Words) -> str:
    """Accuracy by confidence, from the round number below the smallest of either."""
    points = chart.points
    least = min(min(c, s.value if s.low != s.low else s.low) for c, s in points)
    low = next((x for x in (0.98, 0.95, 0.9, 0.8, 0.6, 0.4, 0.2) if x <= least), 0.0)

    def place(p: float) -> float:
        return 100 * min(max((p - low) / (1 - low), 0), 1)

    band = [(c, s) for c, s in points if s.low == s.low]
    outline = [(c, s.high) for c, s in band] + [(c, s.low) for c, s in reversed(band)]
    at = ticks(low, 1.0)
    svg = (
        _grid([place(t) for t in at], [100 - place(t) for t in at])
        + '<path class="perfect" d="M0 100L100 0"/>'
        + f'<polygon class="band" points="{_path(outline, place)}"/>'
        + f'<polyline class="curve" points="{_path([(c, s.value) for c, s in points], place)}"/>'
        + "".join(
            f'<path class="dot" d="M{place(c):.2f} {100 - place(s.value):.2f}h0"/>'
            for c, s in points
        )
    )
    across = labels("left", [(place(t), escape(say.round_percent(t))) for t in at])
    up = labels("bottom", [(place(t), escape(say.round_percent(t))) for t in at])
    key = f'<i class="point"></i>{escape(chart.y)} <i class="dashes"></i>{escape(chart.perfect)}'
    return _plot(svg, chart.x, across, key, up)


def _path(points: list[tuple[float, float]], place: Callable[[float], float]) -> str:
    return " ".join(f"{place(x):.2f},{100 - place(y):.2f}" for x, y in points)


def _scale(chart: Scale, say: Words) -> str:
    """A value on a logarithmic line around 1."""
    first, last = map(math.log, chart.ends)

    def x(value: float) -> float:
        return 100 * min(max((math.log(value) - first) / (last - first), 0), 1)

    span = chart.span
    whisker = f'<path class="whisker" d="M{x(span.low):.2f} 50H{x(span.high):.2f}"/>'
    svg = (
        '<path class="axis" d="M0 50H100"/>'
        + f'<path class="mark" d="M{x(1):.2f} 10V90"/>'
        + (whisker if span.low == span.low else "")
        + f'<path class="dot" d="M{x(span.value):.2f} 50h0"/>'
    )
    names = {1 / 16: "1/16", 1 / 4: "1/4", 1.0: "1", 4.0: "4", 16.0: "16"}
    xs = labels("left", [(x(t), name) for t, name in names.items()])
    marks = labels("left", [(x(span.value), f"{span.value:.3g}")])
    sides = f"<span>← {escape(chart.left)}</span><span>{escape(chart.right)} →</span>"
    return f'{_plot(svg, chart.axis, xs, marks=marks)}<div class="sides">{sides}</div>'


_DRAWN: dict[type, Callable[[Any, Words], str]] = {
    Bars: bars,
    Steps: steps,
    Stacks: stacks,
    Histogram: _histogram,
    Reliability: _reliability,
    Scale: _scale,
}
