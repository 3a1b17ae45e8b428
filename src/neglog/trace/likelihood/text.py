"""Points and candidates as text: factor by factor, product and sum, and where the maximum is."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import exp, isfinite
from typing import TYPE_CHECKING

from ._likelihood import Curve, Likelihood
from ._pen import Pen
from ._text_ways import long
from ._view import listed, plain, short

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

FIRST, LAST = 6, 3  # of the points that are listed where there are many
CANDIDATES = 4  # in columns side by side
NAME = 13  # columns
CURVE = 60


def likelihood(subject: Likelihood, pen: Pen) -> Iterator["RenderableType"]:
    """Every part, from the points to the maximum."""
    yield pen.words(_summary(subject), "bold")
    yield pen.words(f"\n{verdict(subject, plain)}")
    yield pen.heading("What each candidate says of each point: its density there")
    yield _points(subject, pen)
    if len(subject.candidates) > _columns(pen):
        yield pen.words(f"the best {_columns(pen)} of {len(subject.candidates)} candidates", "dim")
    yield pen.heading("Multiplied, and as a sum of logarithms")
    yield _candidates(subject, pen)
    yield pen.words("The nll is the sum of logs with its sign changed: the smallest wins.")
    if any(candidate.underflow_at for candidate in subject.candidates):
        yield pen.words("A product that became 0 says nothing more; the sum of logs still does.")
    yield pen.heading("Probability: the candidate is fixed, the data vary")
    yield _probability(subject, pen)
    if subject.curve:
        yield pen.heading(f"Likelihood: the data are fixed, the {subject.curve.parameter} varies")
        yield from _curve(subject.curve, pen)


def parameters(values: object) -> str:
    """mean 1.5, sd 1."""
    assert hasattr(values, "items")
    return ", ".join(f"{name} {value + 0.0:.6g}" for name, value in values.items())


def _summary(subject: Likelihood) -> str:
    n, k = len(subject.data), len(subject.candidates)
    return f"{n} point{'s' * (n > 1)}, {k} candidate{'s' * (k > 1)}"


def verdict(subject: Likelihood, called: Callable[[str], str]) -> str:
    """Who wins, and how many times as likely it makes the points as the next."""
    ranking = subject.best_first()
    best = ranking[0].log_likelihood
    if not subject.winner:
        return "No candidate has a log-likelihood: a density is nan."
    if not isfinite(best):
        return "Every candidate gives some point a density of 0: none of them made these points."
    winners = [called(name) for name in subject.winner]
    if len(winners) > 1:
        return f"{listed(winners)} tie: they make the points equally likely."
    if len(ranking) == 1:
        return f"{winners[0]} has a log-likelihood of {short(best)}."
    gap = best - ranking[1].log_likelihood
    times = f"{exp(gap):.4g}" if gap < 9 else f"e^{gap:.4g}"
    second = called(ranking[1].name)
    return f"{winners[0]} wins: it makes the points {times} times as likely as {second}."


def _columns(pen: Pen) -> int:
    """How many candidates have room side by side."""
    return max(1, min(CANDIDATES, (pen.width - 20) // (NAME + 2)))


def _points(subject: Likelihood, pen: Pen) -> "Table":
    shown = subject.best_first()[: _columns(pen)]
    table = pen.table(("point", "right"), ("x", "right"))
    for candidate in shown:
        table.add_column(pen.name(plain(candidate.name), NAME), justify="right")
    n = len(subject.data)
    short_list = n <= FIRST + LAST + 1
    for i in range(n) if short_list else [*range(FIRST), -1, *range(n - LAST, n)]:
        if i < 0:
            table.add_row("...", f"{n - FIRST - LAST} more")
        else:
            table.add_row(
                str(i + 1), f"{subject.data[i]:.5g}", *(short(c.density[i]) for c in shown)
            )
    return table


def _candidates(subject: Likelihood, pen: Pen) -> "Table":
    """The product as float64 has it and as it is, then the sum of logarithms."""
    table = pen.table(
        ("", "left"),
        ("candidate", "left"),
        ("product", "right"),
        ("exact", "right"),
        ("0 from point", "right"),
        ("sum of logs", "right"),
    )
    for candidate in subject.candidates:
        best = candidate.name in subject.winner
        table.add_row(
            "*" if best else "",
            pen.name(plain(candidate.name), NAME),
            short(candidate.product[-1]),
            long(candidate.exact_product),
            str(candidate.underflow_at or "-"),
            f"{candidate.log_likelihood:.6g}",
            style="bold" if best else "",
        )
        if candidate.parameters:
            table.add_row("", pen.words(parameters(candidate.parameters), "dim"))
    return table


def _probability(subject: Likelihood, pen: Pen) -> "Table":
    """Each density over the places; all to one height."""
    shown = subject.best_first()[:CANDIDATES]
    tall = max((x for c in shown for x in c.density_at if isfinite(x)), default=0.0)
    table = pen.table(("", "left"), ("", "left"))
    table.show_header = False
    for candidate in shown:
        name = pen.name(plain(candidate.name), NAME)
        if len(subject.at) == 2:  # a coin
            no, yes = candidate.density_at
            table.add_row(name, f"0: {short(no)}   1: {short(yes)}")
        else:
            table.add_row(name, pen.curve(_heights(candidate.density_at, tall, pen)))
    if len(subject.at) > 2:
        table.add_row("x", _ends(subject.at, pen))
    return table


def _curve(curve: Curve, pen: Pen) -> Iterator["RenderableType"]:
    table = pen.table(("", "left"), ("", "left"))
    table.show_header = False
    table.add_row("likelihood", pen.curve(_heights(curve.likelihood, 1.0, pen)))
    table.add_row(curve.parameter, _ends(curve.at, pen))
    yield table
    yield pen.words(
        f"The maximum is at {parameters(curve.best)}: sum of logs {curve.best_log_likelihood:.6g}."
    )


def _heights(values: Sequence[float], tall: float, pen: Pen) -> list[float]:
    """As many heights as there are columns, each the highest of its neighbours."""
    width = _width(values, pen)
    edges = [len(values) * column // width for column in range(width + 1)]
    highest = [
        max((x for x in values[a:b] if isfinite(x)), default=0.0) for a, b in pairwise(edges)
    ]
    return [min(x / tall, 1.0) if tall else 0.0 for x in highest]


def _width(values: Sequence[float], pen: Pen) -> int:
    return min(CURVE, pen.width - NAME - 3, len(values))


def _ends(at: Sequence[float], pen: Pen) -> str:
    """Where a curve begins and ends, under it."""
    left, right = f"{at[0]:.4g}", f"{at[-1]:.4g}"
    return f"{left}{right:>{max(_width(at, pen) - len(left), len(right) + 1)}}"
