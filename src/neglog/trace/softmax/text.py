"""Rows as text: the batch, then each row with its classes, its columns and its Jacobian."""

from collections.abc import Iterator, Sequence
from math import isfinite, log
from typing import TYPE_CHECKING

from ..._show.language import Sentences
from ..._show.text import TextOutput
from ..._show.words import short
from .row import Row
from .rows import Rows
from .steps import LOSSES, STEPS
from .text_columns import Entry, columns_table, what_goes_wrong
from .view import Line, display_names, lines, values, verdict

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


ROWS_IN_FULL = 3
ROWS_LISTED = 20
JACOBIAN_CLASSES = 6  # more do not fit in 80 columns
NAME, BAR = 16, 10  # columns


def rows_text(subject: Rows, out: TextOutput, say: Sentences) -> Iterator["RenderableType"]:
    """Every part, from the summary to the formulas."""
    names = display_names(subject, say)
    yield out.words(_summary(subject, say), "bold")
    if len(subject.rows) > 1:
        yield out.heading(say("heading.batch"))
        yield from _batch(subject, names, out, say)
    for index, row in enumerate(subject.rows[:ROWS_IN_FULL]):
        if len(subject.rows) > 1:
            yield out.heading(say("heading.row", n=str(index)))
        else:
            yield out.words("")
        yield from _row(subject, row, names, out, say)
    if len(subject.rows) > ROWS_IN_FULL:
        said = say("rows.in_full", n=str(ROWS_IN_FULL), all=str(len(subject.rows)))
        yield out.words(f"\n{said}", "dim")
    yield out.heading(say("heading.formulas"))
    yield _formulas(subject, out, say)


def _summary(subject: Rows, say: Sentences) -> str:
    return say(
        "summary" if subject.temperature == 1 else "summary.temperature",
        rows=say.counted("rows", len(subject.rows)),
        classes=say.counted("classes", len(subject.class_names)),
        dtype=subject.dtype,
        t=f"{subject.temperature:g}",
    )


def _batch(
    subject: Rows, names: Sequence[str], out: TextOutput, say: Sentences
) -> Iterator["RenderableType"]:
    """A line per row, with the longest bar for the largest loss; then sum and mean."""
    table = out.table(
        (say("batch.row"), "right"), (say("batch.target"), "left"), (say("batch.largest"), "left"),
        ("p", "right"), ("-log p", "right"), ("", "left"),
    )  # fmt: skip
    nlls = [values(row, "nll")[0] for row in subject.rows]
    most = max([x for x in nlls if 0 < x < float("inf")], default=1.0)
    for index, (row, nll) in enumerate(zip(subject.rows[:ROWS_LISTED], nlls, strict=False)):
        largest = names[row.argmax[0]] if row.argmax else say("batch.none")
        largest = say("batch.tie") if len(row.argmax) > 1 else largest
        table.add_row(
            str(index),
            out.name(names[row.target], NAME),
            out.name(largest, NAME),
            short(values(row, "prob")[row.target]),
            short(nll),
            out.bar(nll / most, 12),
        )
    yield table
    if len(subject.rows) > ROWS_LISTED:
        yield out.words(say("rows.more", n=str(len(subject.rows) - ROWS_LISTED)), "dim")
    yield out.words("")
    entries = [Entry(say("batch.sum"), subject.total), Entry(say("batch.mean"), subject.mean)]
    yield columns_table(out, say, say("batch.nll"), entries)


def _row(
    subject: Rows, row: Row, names: Sequence[str], out: TextOutput, say: Sentences
) -> Iterator["RenderableType"]:
    yield out.words(verdict(row, lambda j: out.name(names[j], NAME).plain, say))
    yield _unhappiness(row, out, say)
    yield out.words("")
    shown = lines(subject, row, names, say)
    yield _classes(row, shown, out, say)
    if len(shown) < len(names):
        yield out.words(say("others.note"), "dim")
    yield out.words("")
    total = row.steps["sum"]
    at_target = [
        Entry(say("at_target.sum"), total, unshifted=True),
        Entry(say("at_target.shifted_sum"), total, unshifted=False),
        Entry("p", row.steps["prob"], row.target),
        Entry(say("gradient"), row.steps["grad"], row.target),
    ]
    yield columns_table(out, say, say("at_target"), at_target)
    yield out.words("")
    losses = [Entry(say(f"loss.{name}"), step) for name, step in row.losses.items()]
    yield columns_table(out, say, say("losses"), losses)
    yield from what_goes_wrong(row, out, say)
    if len(row.given) <= JACOBIAN_CLASSES and out.width >= 80:
        yield out.words("")
        yield _jacobian(row, names, out)


def _unhappiness(row: Row, out: TextOutput, say: Sentences) -> "Table":
    """The row's nll beside the nll of equal probabilities."""
    nll, blind = values(row, "nll")[0], log(len(row.given))
    most = max(nll, blind) if isfinite(nll) else blind
    table = out.table(("", "left"), ("", "left"), ("", "right"))
    table.show_header = False
    for key, x in (("unhappiness", nll), ("blind", blind)):
        table.add_row(say(key), out.bar(x / most if most else 0.0, 20), short(x))
    return table


def _classes(row: Row, shown: Sequence[Line], out: TextOutput, say: Sentences) -> "Table":
    """A line per class. Names and bars share the width that the numbers leave."""
    heads = ["z", "z / T", "e^(z-m)", "p", "-log p", "p - y"]
    cells = [
        [f"{x.logit:.5g}", f"{x.scaled:.5g}", *map(short, (x.exp, x.prob, x.nll, x.grad))]
        for x in shown
    ]
    if "scaled" not in row.steps:
        heads, cells = [heads[0], *heads[2:]], [[one[0], *one[2:]] for one in cells]
    else:
        heads[-1] = "(p - y)/T"
    left = (
        out.width - 3 - sum(max(map(len, column)) + 2 for column in zip(heads, *cells, strict=True))
    )
    name = max(4, min(NAME, left - 2))
    bar = min(BAR, left - 4 - max(out.name(x.name, name).cell_len for x in shown))
    table = out.table(
        ("", "left"), (say("head.class"), "left"), *((head, "right") for head in heads)
    )
    if bar > 2:
        table.add_column(out.words("p"), justify="left")
    for line, numbers in zip(shown, cells, strict=True):
        table.add_row(
            "*" if line.is_target else "",
            out.name(line.name, name),
            *numbers,
            *([out.bar(line.prob, bar)] if bar > 2 else []),
            style="bold" if line.is_target else "",
        )
    return table


def _jacobian(row: Row, names: Sequence[str], out: TextOutput) -> "Table":
    """The derivative of each p with respect to each z."""
    every, size = values(row, "jacobian"), len(row.given)
    table = out.table(("dp/dz", "left"))
    for name in names:
        table.add_column(out.name(name, 9), justify="right")
    for i, name in enumerate(names):
        numbers = every[i * size : (i + 1) * size]
        table.add_row(out.name(name, 9), *map(short, numbers))
    return table


def _formulas(subject: Rows, out: TextOutput, say: Sentences) -> "Table":
    table = out.table(("", "left"), ("", "left"))
    table.show_header = False
    table.padding = (0, 1, 0, 0)
    for name in STEPS:
        if name in subject.rows[0].steps:
            table.add_row(say(f"step.{name}"), say(f"formula.{name}"))
    for name in LOSSES:
        table.add_row(say(f"loss.{name}.title"), say(f"loss.{name}.formula"))
    return table
