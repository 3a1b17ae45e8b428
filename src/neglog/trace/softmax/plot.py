"""Rows as a figure: bars, the curve of -log p, the gradient, and the errors."""

from collections.abc import Sequence
from math import copysign, isfinite, isnan
from typing import TYPE_CHECKING, Any

import numpy as np

from ..._show.figure import BLUE, GREY, INK, ORANGE, PALE, Letters, footnote, new_figure, tidy
from ..._show.language import Sentences
from ..._show.words import short
from .floats import TYPES
from .row import SHOWN_CLASSES, Row
from .rows import Rows
from .view import Line, display_names, lines, values, verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MOST_ROWS = 4
HIGHEST = 20.0  # of the curve; a loss above it is an arrow

# Column, colour, marker, and offset from the centre of the line.
MARKERS = (("naive", ORANGE, "o", -0.26), ("shifted", GREY, "s", 0.0), ("neglog", BLUE, "D", 0.26))


def rows_figure(subject: Rows, say: Sentences) -> "Figure":
    """The first rows; a single row also has its errors."""
    letters = Letters(display_names(subject, say), say("class", n="{}"))
    rows = subject.rows[:MOST_ROWS]
    one = len(rows) == 1
    drawn = new_figure(9.6, 7.0) if one else new_figure(10.5, 2.6 * len(rows))
    parts: Any = [drawn] if one else drawn.subfigures(len(rows), 1)
    for index, (part, row) in enumerate(zip(parts, rows, strict=True)):
        said = verdict(row, lambda j: letters.names[j], say)
        said = said if one else say("figure.row", n=str(index), said=said)
        part.suptitle(said, x=0.01, ha="left", color=INK, fontsize=12, **letters.style)
        _row(part, subject, row, letters, say, with_errors=one)
    remarks = _remarks(subject, letters, say)
    if remarks:
        footnote(drawn, " ".join(remarks))
    return drawn


def _remarks(subject: Rows, letters: Letters, say: Sentences) -> list[str]:
    remarks = []
    if len(subject.rows) > MOST_ROWS:
        remarks.append(say("figure.rows_left", n=str(len(subject.rows) - MOST_ROWS)))
    if len(subject.class_names) > SHOWN_CLASSES:
        remarks.append(say("figure.largest"))
    if not letters.all_there:
        remarks.append(say("figure.names"))
    return remarks


def _row(
    part: Any, subject: Rows, row: Row, letters: Letters, say: Sentences, with_errors: bool
) -> None:
    shown = lines(subject, row, letters.names, say)
    if with_errors:
        grid = part.add_gridspec(2, 6, height_ratios=(1, 1.4))
        places = grid[0, :2], grid[0, 2:4], grid[0, 4:], grid[1, :2]
        _errors(part.add_subplot(grid[1, 2:]), subject, row, say)
    else:
        places = part.add_gridspec(1, 4)
    logits, probs, curve, gradient = (part.add_subplot(place) for place in places)
    over_t = subject.temperature != 1
    title = say("figure.logits", formula="z / T" if over_t else "z")
    _bars(logits, shown, [x.scaled for x in shown], letters, title)
    _bars(probs, shown, [x.prob for x in shown], letters, say("figure.probabilities"))
    probs.set_xlim(0, 1.25)
    probs.set_xticks([0, 0.5, 1])
    _curve(curve, row, say)
    title = say("figure.gradient", formula="(p - y) / T" if over_t else "p - y")
    _gradient(gradient, shown, letters, title)


def _class_axis(axes: Any, shown: Sequence[Line], letters: Letters) -> None:
    """The classes from top to bottom; the target's name is bold, with a star."""
    names = [f"* {x.name}" if x.is_target else x.name for x in shown]
    axes.set_yticks(range(len(shown)), labels=names, **letters.style)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    for label, line in zip(axes.get_yticklabels(), shown, strict=True):
        label.set_weight("bold" if line.is_target else "normal")
    axes.tick_params(axis="y", length=0)


def _bars(
    axes: Any, shown: Sequence[Line], numbers: Sequence[float], letters: Letters, title: str
) -> None:
    """Bars with their numbers; a number that is not finite has no bar."""
    bars = [x if isfinite(x) else 0.0 for x in numbers]
    colours = [BLUE if line.is_target else PALE for line in shown]
    axes.barh(range(len(shown)), bars, color=colours, height=0.7)
    axes.axvline(0, color=INK, linewidth=0.8)
    for place, (bar, x) in enumerate(zip(bars, numbers, strict=True)):
        _number(axes, bar, place, f"{x:.4g}")
    low, high = min(0.0, *bars), max(0.0, *bars)
    room = 0.3 * (high - low or 1.0)
    axes.set_xlim(low - room * (low < 0), high + room)
    _class_axis(axes, shown, letters)
    tidy(axes, title)


def _number(axes: Any, x: float, place: float, text: str) -> None:
    """The number at the end of a bar or an arrow."""
    side, offset = ("left", 4) if copysign(1, x) > 0 else ("right", -4)
    axes.annotate(
        text, (x, place), (offset, 0), textcoords="offset points",
        ha=side, va="center", fontsize=8.5, color=INK,
    )  # fmt: skip


def _curve(axes: Any, row: Row, say: Sentences) -> None:
    """-log p and the row's point on it; an arrow upwards if the point is far above."""
    nll, p = values(row, "nll")[0], values(row, "prob")[row.target]
    top = max(4.0, 1.2 * nll) if nll < HIGHEST else HIGHEST if nll >= HIGHEST else 4.0
    heights = np.linspace(0, top, 400)
    axes.plot(np.exp(-heights), heights, color=GREY, linewidth=2)
    if isnan(nll):
        axes.text(1, 0.8 * top, say("figure.no_point"), ha="right", color=INK)
    else:
        height = min(nll, top)
        axes.plot([p, p], [0, height], color=BLUE, linewidth=1, linestyle="--")
        mark = "^" if nll > top else "o"
        axes.plot(p, height, marker=mark, color=BLUE, markersize=9, clip_on=False)
        axes.annotate(
            short(nll), (p, height), (9, -12) if nll > top else (9, 6) if p < 0.7 else (-4, 12),
            textcoords="offset points", color=INK, weight="bold",
        )  # fmt: skip
    axes.set(xlim=(0, 1.02), ylim=(0, top), xlabel=say("figure.p"))
    tidy(axes, say("figure.unhappiness"))


def _gradient(axes: Any, shown: Sequence[Line], letters: Letters, title: str) -> None:
    """An arrow per class, as long as its gradient."""
    grads = [line.grad if isfinite(line.grad) else 0.0 for line in shown]
    reach = max(map(abs, grads)) or 1.0
    for place, (line, grad) in enumerate(zip(shown, grads, strict=True)):
        head = "-|>" if abs(grad) > 0.15 * reach else "-"
        style = {
            "arrowstyle": head, "color": BLUE if line.is_target else GREY,
            "linewidth": 2.5, "shrinkA": 0, "shrinkB": 0,
        }  # fmt: skip
        axes.annotate("", (grad, place), (0, place), arrowprops=style)
        # The other side of zero is always free.
        _number(axes, -0.0 if grad > 0 else 0.0, place, short(line.grad))
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlim(-1.15 * reach, 1.15 * reach)
    _class_axis(axes, shown, letters)
    tidy(axes, title)


def _errors(axes: Any, subject: Rows, row: Row, say: Sentences) -> None:
    """Each column's error at the target: none at the left edge, no correct digit at the right."""
    rounding = 2.0 ** -TYPES[subject.dtype].bits
    low, high = rounding / 100, 100.0
    steps = [
        ("p", row.steps["prob"], row.target),
        (say("gradient"), row.steps["grad"], row.target),
        *((say(f"loss.{name}"), step, 0) for name, step in row.losses.items()),
    ]
    for place, (_, step, index) in enumerate(steps):
        for name, colour, mark, beside in MARKERS:
            column = getattr(step, name)
            x = min(max(column.error[index], low), high)
            label = say(f"column.{name}") if not place else None
            axes.plot(
                x, place + beside, mark, color=colour, markersize=6, clip_on=False, label=label
            )
            flag = say(f"flag.{column.flag[index]}") if column.flag[index] else ""
            axes.annotate(
                flag, (x, place + beside), (7, 0), textcoords="offset points",
                va="center", fontsize=8, color=INK, annotation_clip=False,
            )  # fmt: skip
    for x in (rounding, 1):
        axes.axvline(x, color=GREY, linewidth=0.8, linestyle=":")
    axes.set(xscale="log", xlim=(low, high * 20), xlabel=say("figure.relative_error"))
    one = say("figure.rounding", x=f"{rounding:.0e}")
    ticks = {low: say("figure.none"), rounding: one, 1: "1", high: "inf"}
    axes.set_xticks(list(ticks), labels=list(ticks.values()))
    axes.minorticks_off()
    axes.set_yticks(range(len(steps)), labels=[name for name, _, _ in steps])
    axes.set_ylim(len(steps) - 0.4, -0.6)
    axes.legend(
        frameon=False, labelcolor=INK, fontsize=9, ncols=3, loc="lower right",
        bbox_to_anchor=(1, 1), borderaxespad=0.2, handletextpad=0, columnspacing=1,
    )  # fmt: skip
    tidy(axes, say("figure.errors", dtype=subject.dtype))
