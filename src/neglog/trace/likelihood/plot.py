"""A likelihood as a figure: probability, likelihood, and the running sum of logs."""

from collections.abc import Sequence
from itertools import accumulate
from math import isfinite, nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..._show.figure import COLOURS, DASHES, GREY, INK, Letters, new_figure, tidy
from ..._show.language import Sentences
from ..._show.words import printable
from .likelihood import Candidate, Curve, Likelihood
from .text import verdict

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = len(COLOURS)
FEW_POINTS = 30  # at most, to have a dot on each density
COUNTABLE = 40  # places, below which bars are drawn
HATCHES = ("", "//", "..", "xx", "--", "oo")


class Drawn(NamedTuple):
    """A candidate with its colour, and with dashes that distinguish it in grey."""

    candidate: Candidate
    name: str
    colour: str
    dashes: Any


def likelihood_figure(subject: Likelihood, say: Sentences) -> "Figure":
    """Three panels: the data vary, the parameter varies, the factors accumulate."""
    kept = {candidate.name for candidate in subject.best_first()[:MOST]}
    candidates = [candidate for candidate in subject.candidates if candidate.name in kept]
    letters = Letters(
        [printable(candidate.name) for candidate in candidates], say("candidate", n="{}")
    )
    drawn = [Drawn(*one) for one in zip(candidates, letters.names, COLOURS, DASHES, strict=False)]
    panels = 3 if subject.curve else 2
    figure = new_figure(3.5 * panels, 3.7)
    names = dict(zip((c.name for c in candidates), letters.names, strict=True))
    said = verdict(subject, lambda name: names.get(name, printable(name)), say)
    if len(candidates) < len(subject.candidates):
        every = str(len(subject.candidates))
        said = say("figure.best", said=said, n=str(MOST), all=every)
    figure.suptitle(said, x=0.01, ha="left", color=INK, fontsize=12, **letters.style)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    _probability(axes[0], subject, drawn, say)
    if subject.curve:
        _curve(axes[1], subject.curve, drawn, say)
    _sums(axes[-1], subject, drawn, say)
    _legend(figure, axes[0], drawn, letters)
    return figure


def _legend(figure: Any, axes: Any, drawn: Sequence[Drawn], letters: Letters) -> None:
    """Names are set afterwards: matplotlib drops labels that begin with _."""
    legend = figure.legend(
        (axes.containers or axes.lines)[: len(drawn)], [" "] * len(drawn), frameon=False,
        loc="outside lower left", ncols=len(drawn), fontsize=9, handlelength=2.5,
    )  # fmt: skip
    for text, one in zip(legend.get_texts(), drawn, strict=True):
        text.set(text=one.name, color=INK, **letters.style)


def _probability(axes: Any, subject: Likelihood, drawn: Sequence[Drawn], say: Sentences) -> None:
    """Each density over the data, and the points below."""
    if len(subject.at) < COUNTABLE:
        _bars(axes, subject, drawn)
    else:
        _lines(axes, subject, drawn)
    axes.plot(
        subject.data, np.full(len(subject.data), -0.035), "|", color=INK, markersize=9,
        alpha=max(0.15, min(1.0, 30 / len(subject.data))),
        transform=axes.get_xaxis_transform(), clip_on=False,
    )  # fmt: skip
    axes.set_ylim(0)
    axes.tick_params(axis="x", pad=9)
    axes.set_xlabel(say("figure.x"))
    tidy(axes, say("figure.probability"))


def _bars(axes: Any, subject: Likelihood, drawn: Sequence[Drawn]) -> None:
    """Bars at a few places, such as the two sides of a coin."""
    width = 0.8 * (subject.at[1] - subject.at[0] if len(subject.at) > 1 else 1) / len(drawn)
    for place, (one, hatch) in enumerate(zip(drawn, HATCHES, strict=False)):
        beside = (place - (len(drawn) - 1) / 2) * width
        axes.bar(
            np.array(subject.at) + beside, one.candidate.density_at, width, color=one.colour,
            hatch=hatch, edgecolor="white", linewidth=0.5,
        )  # fmt: skip
    if len(subject.at) <= 10:
        axes.set_xticks(subject.at)


def _lines(axes: Any, subject: Likelihood, drawn: Sequence[Drawn]) -> None:
    for one in drawn:
        heights = one.candidate.density_at
        axes.plot(subject.at, heights, color=one.colour, linestyle=one.dashes, linewidth=2.2)
    if len(subject.data) <= FEW_POINTS:
        for one in drawn:
            axes.plot(subject.data, one.candidate.density, "o", color=one.colour, markersize=5)


def _curve(axes: Any, curve: Curve, drawn: Sequence[Drawn], say: Sentences) -> None:
    """The likelihood over the parameter, the candidates on it, and the maximum."""
    axes.plot(curve.at, curve.likelihood, color=INK, linewidth=2)
    axes.fill_between(curve.at, curve.likelihood, color=GREY, alpha=0.15, linewidth=0)
    for one in drawn:
        place = one.candidate.parameters[curve.parameter]
        axes.axvline(place, color=one.colour, linestyle=one.dashes, linewidth=2.2)
    best = curve.best[curve.parameter]
    called = {name: say(f"parameter.{name}") for name in curve.best}
    found = "\n".join(f"{called[name]} {value:.4g}" for name, value in curve.best.items())
    axes.plot(best, 1, "*", color=INK, markersize=13, clip_on=False, zorder=3)
    axes.annotate(
        f"{say('figure.maximum')}\n{found}", (best, 1), (10, -6), textcoords="offset points",
        va="top", fontsize=9, color=INK,
        bbox={"facecolor": "white", "alpha": 0.85, "linewidth": 0, "pad": 1},
    )  # fmt: skip
    axes.set(ylim=(0, 1.06), xlabel=called[curve.parameter], ylabel=say("figure.relative"))
    tidy(axes, say("figure.likelihood", parameter=called[curve.parameter]))


def _sums(axes: Any, subject: Likelihood, drawn: Sequence[Drawn], say: Sentences) -> None:
    """The running sum of logs, and where the product becomes 0."""
    steps = range(len(subject.data) + 1)
    for place, one in enumerate(drawn):
        sums = [0.0, *accumulate(one.candidate.log_density)]
        sums = [x if isfinite(x) else nan for x in sums]
        axes.plot(steps, sums, color=one.colour, linestyle=one.dashes, linewidth=2.2)
        last = next((i for i, x in enumerate(sums) if not isfinite(x)), 0) - 1
        if last >= 0:
            _mark(axes, last, sums[last], say("figure.minus_inf"), one.colour, place)
        elif one.candidate.underflow_at:
            lost = one.candidate.underflow_at
            _mark(axes, lost, sums[lost], say("figure.product"), one.colour, place)
    axes.set(xlabel=say("figure.points"), ylabel=say("figure.sums"))
    if len(subject.data) <= 10:
        axes.set_xticks(steps)
    tidy(axes, say("figure.log_likelihood"))


def _mark(axes: Any, x: float, y: float, words: str, colour: str, place: int) -> None:
    """A mark with its words above or, for every second candidate, below it."""
    axes.plot(x, y, "X", color=colour, markersize=10, markeredgecolor=INK)
    beside = (7, -15) if place % 2 else (7, 4)
    axes.annotate(words, (x, y), beside, textcoords="offset points", fontsize=9, color=INK)
