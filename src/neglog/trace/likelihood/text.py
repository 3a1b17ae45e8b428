"""A likelihood as text: each factor, product and sum of logarithms, and the maximum."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import exp, isfinite
from typing import TYPE_CHECKING

from ..._show.language import Sentences
from ..._show.text import TextOutput
from ..._show.words import long, printable, short
from .likelihood import Curve, Likelihood

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

FIRST, LAST = 6, 3  # points listed if there are many
CANDIDATES = 4  # side by side
NAME = 13  # columns
CURVE = 60


def likelihood_text(
    subject: Likelihood, out: TextOutput, say: Sentences
) -> Iterator["RenderableType"]:
    """Every part, from the points to the maximum."""
    yield out.words(_summary(subject, say), "bold")
    yield out.words(f"\n{verdict(subject, printable, say)}")
    yield out.heading(say("lik.densities"))
    yield _points(subject, out, say)
    if len(subject.candidates) > _columns(out):
        shown, every = str(_columns(out)), str(len(subject.candidates))
        yield out.words(say("lik.best", n=shown, all=every), "dim")
    yield out.heading(say("lik.products"))
    yield _candidates(subject, out, say)
    yield out.words(say("lik.smallest"))
    if any(candidate.underflow_at for candidate in subject.candidates):
        yield out.words(say("lik.lost"))
    yield out.heading(say("lik.probability"))
    yield _probability(subject, out)
    if subject.curve:
        parameter = say(f"parameter.{subject.curve.parameter}")
        yield out.heading(say("lik.likelihood", parameter=parameter))
        yield from _curve(subject.curve, out, say)


def parameters(values: Mapping[str, float], say: Sentences) -> str:
    """mean 1.5, sd 1."""
    return ", ".join(
        f"{say(f'parameter.{name}')} {value + 0.0:.6g}" for name, value in values.items()
    )


def _summary(subject: Likelihood, say: Sentences) -> str:
    points = say.counted("points", len(subject.data))
    candidates = say.counted("candidates", len(subject.candidates))
    return say("lik.summary", points=points, candidates=candidates)


def verdict(subject: Likelihood, called: Callable[[str], str], say: Sentences) -> str:
    """The winner, and how many times as likely as the next it makes the points."""
    ranking = subject.best_first()
    best = ranking[0].log_likelihood
    if not subject.winner:
        return say("lik.nan")
    if not isfinite(best):
        return say("lik.impossible")
    winners = [called(name) for name in subject.winner]
    if len(winners) > 1:
        return say("lik.tie", listed=say.listed(winners))
    if len(ranking) == 1:
        return say("lik.alone", winner=winners[0], x=short(best))
    gap = best - ranking[1].log_likelihood
    times = f"{exp(gap):.4g}" if gap < 9 else f"e^{gap:.4g}"
    second = called(ranking[1].name)
    return say("lik.wins", winner=winners[0], times=times, second=second)


def _columns(out: TextOutput) -> int:
    """How many candidates fit side by side."""
    return max(1, min(CANDIDATES, (out.width - 20) // (NAME + 2)))


def _points(subject: Likelihood, out: TextOutput, say: Sentences) -> "Table":
    shown = subject.best_first()[: _columns(out)]
    table = out.table((say("lik.point"), "right"), ("x", "right"))
    for candidate in shown:
        table.add_column(out.name(printable(candidate.name), NAME), justify="right")
    n = len(subject.data)
    short_list = n <= FIRST + LAST + 1
    for i in range(n) if short_list else [*range(FIRST), -1, *range(n - LAST, n)]:
        if i < 0:
            table.add_row("...", say("lik.more", n=str(n - FIRST - LAST)))
        else:
            table.add_row(
                str(i + 1), f"{subject.data[i]:.5g}", *(short(c.density[i]) for c in shown)
            )
    return table


def _candidates(subject: Likelihood, out: TextOutput, say: Sentences) -> "Table":
    """The product in float64 and exact, then the sum of logarithms."""
    table = out.table(
        ("", "left"),
        (say("lik.candidate"), "left"),
        (say("lik.product"), "right"),
        (say("lik.exact"), "right"),
        (say("lik.zero"), "right"),
        (say("lik.sum"), "right"),
    )
    for candidate in subject.candidates:
        best = candidate.name in subject.winner
        table.add_row(
            "*" if best else "",
            out.name(printable(candidate.name), NAME),
            short(candidate.product[-1]),
            long(candidate.exact_product),
            str(candidate.underflow_at or "-"),
            f"{candidate.log_likelihood:.6g}",
            style="bold" if best else "",
        )
        if candidate.parameters:
            table.add_row("", out.words(parameters(candidate.parameters, say), "dim"))
    return table


def _probability(subject: Likelihood, out: TextOutput) -> "Table":
    """Each density over the places, all at one scale."""
    shown = subject.best_first()[:CANDIDATES]
    tall = max((x for c in shown for x in c.density_at if isfinite(x)), default=0.0)
    table = out.table(("", "left"), ("", "left"))
    table.show_header = False
    for candidate in shown:
        name = out.name(printable(candidate.name), NAME)
        if len(subject.at) == 2:  # a coin
            no, yes = candidate.density_at
            table.add_row(name, f"0: {short(no)}   1: {short(yes)}")
        else:
            table.add_row(name, out.curve(_heights(candidate.density_at, tall, out)))
    if len(subject.at) > 2:
        table.add_row("x", _ends(subject.at, out))
    return table


def _curve(curve: Curve, out: TextOutput, say: Sentences) -> Iterator["RenderableType"]:
    table = out.table(("", "left"), ("", "left"))
    table.show_header = False
    table.add_row(say("lik.curve"), out.curve(_heights(curve.likelihood, 1.0, out)))
    table.add_row(say(f"parameter.{curve.parameter}"), _ends(curve.at, out))
    yield table
    best, total = parameters(curve.best, say), f"{curve.best_log_likelihood:.6g}"
    yield out.words(say("lik.maximum", best=best, x=total))


def _heights(values: Sequence[float], tall: float, out: TextOutput) -> list[float]:
    """One height per column: the maximum of the values in it."""
    width = _width(values, out)
    edges = [len(values) * column // width for column in range(width + 1)]
    highest = [
        max((x for x in values[a:b] if isfinite(x)), default=0.0) for a, b in pairwise(edges)
    ]
    return [min(x / tall, 1.0) if tall else 0.0 for x in highest]


def _width(values: Sequence[float], out: TextOutput) -> int:
    return min(CURVE, out.width - NAME - 3, len(values))


def _ends(at: Sequence[float], out: TextOutput) -> str:
    """The ends of a curve's axis."""
    left, right = f"{at[0]:.4g}", f"{at[-1]:.4g}"
    return f"{left}{right:>{max(_width(at, out) - len(left), len(right) + 1)}}"
