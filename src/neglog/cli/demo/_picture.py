"""The figure of `neglog demo`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

import neglog
from neglog._show.figure import INK, PALE, tidy
from neglog.cli.demo._digits import HeldOut, Step

BLUE, ORANGE, GREEN, RED = "#2f6fb3", "#e08a1e", "#3a9d5d", "#c8453b"


def write(path: Path, history: Sequence[Step], held_out: HeldOut) -> None:
    """Draw the figure and write it to a PNG file."""
    with rc_context({"font.size": 9.5}):
        figure = _figure(history, held_out)
        figure.savefig(path, format="png")


def _figure(history: Sequence[Step], held_out: HeldOut) -> Figure:
    engine = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, hspace=0.04, wspace=0.04)
    figure = Figure(figsize=(11, 7.2), dpi=150, facecolor="white", layout=engine)
    parts: Any = figure.subfigures(2, 1, height_ratios=[1.25, 1])
    top, bottom = parts
    left, right = top.subplots(1, 2)
    _draw_loss(left, history)
    _draw_rows(right, held_out)
    bottom.suptitle(
        "The unhappiest held-out digits", x=0.012, ha="left", color=INK, fontsize=12, weight="bold"
    )
    worst = held_out.worst
    axes = bottom.subplots(2, len(worst), height_ratios=[2.2, 1])
    for column, row in enumerate(worst):
        _draw_digit(axes[0, column], held_out, row)
        _draw_opinion(axes[1, column], held_out, row)
    return figure


def _draw_loss(axes: Any, history: Sequence[Step]) -> None:
    steps = np.array([step.iteration for step in history])
    for values, colour, name, align in (
        ([step.held_out_nll for step in history], ORANGE, "held out", "center"),
        ([step.nll for step in history], BLUE, "learned from", "top"),
        ([step.penalty for step in history], PALE, "penalty", "bottom"),
    ):
        axes.plot(steps, values, color=colour, linewidth=2)
        axes.text(steps[-1], values[-1], f"  {name} {values[-1]:.3f}", color=INK, va=align)
    axes.axhline(np.log(10), color=INK, linewidth=0.8, linestyle=(0, (4, 4)))
    axes.text(
        steps[-1] * 4, 2.15, "knows nothing: log 10 = 2.3026", color=INK, ha="right", va="top"
    )
    # Logarithmic from step 1 on: the loss falls most in the first ten steps.
    axes.set_xscale("symlog", linthresh=1)
    axes.set(yscale="log", xlim=(0, steps[-1] * 4), ylim=(0.01, 3.5))
    axes.set(xlabel="step", ylabel="mean nll (nats)")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    tidy(axes, "The loss falls")


def _draw_rows(axes: Any, held_out: HeldOut) -> None:
    p = np.exp(-held_out.nll)
    right = held_out.guess == held_out.digit
    lowest = p.min() / 2
    curve = np.geomspace(lowest, 1, 400)
    axes.plot(curve, -np.log(curve), color=PALE, linewidth=2, zorder=1)
    for rows, colour, name in ((right, GREEN, "right"), (~right, RED, "wrong")):
        axes.scatter(
            p[rows], held_out.nll[rows], s=22, color=colour, alpha=0.6, linewidth=0,
            label=f"{name}: {rows.sum()} digits", zorder=2,
        )  # fmt: skip
    row = held_out.worst[0]
    place = (p[row], held_out.nll[row])
    axes.annotate(
        held_out.fate(row), place, (10, 0), textcoords="offset points", color=INK, va="center"
    )
    axes.set(xlabel="p of the true digit", ylabel="-log p (nats)", xlim=(-0.02, 1.02))
    axes.set_ylim(-0.15, held_out.nll.max() * 1.08)
    axes.legend(frameon=False, labelcolor=INK, loc="upper right")
    tidy(axes, "What each held-out digit costs")


def _draw_digit(axes: Any, held_out: HeldOut, row: int) -> None:
    axes.imshow(held_out.pixels[row].reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
    axes.set_title(held_out.fate(row), color=INK, fontsize=11)
    axes.set_xlabel(held_out.cost(row), color=INK)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(PALE)


def _draw_opinion(axes: Any, held_out: HeldOut, row: int) -> None:
    """The probability of each digit, the true one in green."""
    p = neglog.softmax(held_out.logits[row])
    colours = [PALE] * 10
    colours[held_out.guess[row]] = RED
    colours[held_out.digit[row]] = GREEN
    axes.bar(range(10), np.maximum(p, 0.012), color=colours, width=0.8)
    axes.set(xticks=range(10), yticks=[], ylim=(0, 1))
    axes.spines[["left", "top", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(PALE)
    axes.tick_params(length=0, labelcolor=INK)
    for label, colour in zip(axes.get_xticklabels(), colours, strict=True):
        if colour != PALE:
            label.set(color=colour, weight="bold")
