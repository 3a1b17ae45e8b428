"""Rows as text: the batch, then each row with its classes, its columns and its Jacobian."""

from collections.abc import Iterator, Sequence
from math import isfinite, log
from typing import TYPE_CHECKING

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


def rows_text(subject: Rows, out: TextOutput) -> Iterator["RenderableType"]:
    """Every part, from the summary to the formulas."""
    names = display_names(subject)
    yield out.words(_summary(subject), "bold")
    if len(subject.rows) > 1:
        yield out.heading("The batch")
        yield from _batch(subject, names, out)
    for index, row in enumerate(subject.rows[:ROWS_IN_FULL]):
        if len(subject.rows) > 1:
            yield out.heading(f"Row {index}")
        else:
            yield out.words("")
        yield from _row(subject, row, names, out)
    if len(subject.rows) > ROWS_IN_FULL:
        yield out.words(
            f"\nThe first {ROWS_IN_FULL} rows are shown in full; to_dict() has all"
            f" {len(subject.rows)}.",
            "dim",
        )
    yield out.heading("The formulas")
    yield _formulas(subject, out)


def _summary(subject: Rows) -> str:
    count, classes = len(subject.rows), len(subject.class_names)
    rows = "one row" if count == 1 else f"{count} rows"
    temperature = "" if subject.temperature == 1 else f", temperature {subject.temperature:g}"
    return (
        f"{rows} of {classes} class{'es' * (classes > 1)}, computed in {subject.dtype}{temperature}"
    )


def _batch(subject: Rows, names: Sequence[str], out: TextOutput) -> Iterator["RenderableType"]:
    """A line per row, with the longest bar for the largest loss; then sum and mean."""
    table = out.table(
        ("row", "right"), ("target", "left"), ("largest", "left"), ("p", "right"),
        ("-log p", "right"), ("", "left"),
    )  # fmt: skip
    nlls = [values(row, "nll")[0] for row in subject.rows]
    most = max([x for x in nlls if 0 < x < float("inf")], default=1.0)
    for index, (row, nll) in enumerate(zip(subject.rows[:ROWS_LISTED], nlls, strict=False)):
        largest = "tie" if len(row.argmax) > 1 else names[row.argmax[0]] if row.argmax else "none"
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
        yield out.words(f"and {len(subject.rows) - ROWS_LISTED} more rows", "dim")
    yield out.words("")
    yield columns_table(
        out, "nll of the batch", [Entry("sum", subject.total), Entry("mean", subject.mean)]
    )


def _row(
    subject: Rows, row: Row, names: Sequence[str], out: TextOutput
) -> Iterator["RenderableType"]:
    yield out.words(verdict(row, lambda j: out.name(names[j], NAME).plain))
    yield _unhappiness(row, out)
    yield out.words("")
    shown = lines(subject, row, names)
    yield _classes(row, shown, out)
    if len(shown) < len(names):
        yield out.words("the others: their p and p - y are sums, their z is log sum e^z", "dim")
    yield out.words("")
    total = row.steps["sum"]
    at_target = [
        Entry("sum of e^z", total, unshifted=True),
        Entry("of e^(z - m)", total, unshifted=False),
        Entry("p", row.steps["prob"], row.target),
        Entry("gradient", row.steps["grad"], row.target),
    ]
    yield columns_table(out, "at the target", at_target)
    yield out.words("")
    losses = [Entry(name.replace("_", " "), step) for name, step in row.losses.items()]
    yield columns_table(out, "losses", losses)
    yield from what_goes_wrong(row, out)
    if len(row.given) <= JACOBIAN_CLASSES and out.width >= 80:
        yield out.words("")
        yield _jacobian(row, names, out)


def _unhappiness(row: Row, out: TextOutput) -> "Table":
    """The row's nll beside the nll of equal probabilities."""
    nll, blind = values(row, "nll")[0], log(len(row.given))
    most = max(nll, blind) if isfinite(nll) else blind
    table = out.table(("", "left"), ("", "left"), ("", "right"))
    table.show_header = False
    for label, x in (("unhappiness", nll), ("a blind guess", blind)):
        table.add_row(label, out.bar(x / most if most else 0.0, 20), short(x))
    return table


def _classes(row: Row, shown: Sequence[Line], out: TextOutput) -> "Table":
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
    table = out.table(("", "left"), ("class", "left"), *((head, "right") for head in heads))
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


def _formulas(subject: Rows, out: TextOutput) -> "Table":
    table = out.table(("", "left"), ("", "left"))
    table.show_header = False
    table.padding = (0, 1, 0, 0)
    for title, formula in (
        *(words for name, words in STEPS.items() if name in subject.rows[0].steps),
        *LOSSES.values(),
    ):
        table.add_row(title.partition(" (")[0], formula)
    return table
