"""The explanation as text: for a terminal, for a pipe, for a reader who likes tables.

Rich sees to the width of what is written, which for 고양이 is six columns. Where the output's
encoding has no blocks, bars are made of #, and names are spelled in ASCII.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from math import isfinite, log
from typing import TYPE_CHECKING

from ._likelihood import Likelihood
from ._pen import Pen
from ._row import LOSSES, STEPS, Row
from ._rows import Rows
from ._text_ways import Way, ways_table, what_goes_wrong
from ._view import Line, display_names, lines, short, values, verdict

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table


ROWS_IN_FULL = 3
ROWS_LISTED = 20
JACOBIAN_CLASSES = 6  # more do not fit in 80 columns
NAME, BAR = 16, 10  # columns


def text(subject: Rows | Likelihood, width: int = 80) -> str:
    """The explanation without colour and control characters, no line longer than `width`."""
    explanation = rich(subject)
    from rich.console import Console

    page = StringIO()
    screen = Console(file=page, width=width, color_system=None, force_terminal=False)
    screen.print(explanation)
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def rich(subject: Rows | Likelihood) -> "RenderableType":
    """What Rich prints."""
    try:
        import rich  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "text needs Rich: pip install 'neglog[cli]'", name=error.name
        ) from error
    return _Explanation(subject)


@dataclass(frozen=True)
class _Explanation:
    """Rich asks it for its parts when the encoding is known."""

    subject: Rows | Likelihood

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> Iterator["RenderableType"]:
        pen = Pen(console.encoding, options.max_width)
        if isinstance(self.subject, Rows):
            yield from _rows(self.subject, pen)
        else:
            from ._text_likelihood import likelihood

            yield from likelihood(self.subject, pen)


def _rows(subject: Rows, pen: Pen) -> Iterator["RenderableType"]:
    names = display_names(subject)
    yield pen.words(_summary(subject), "bold")
    if len(subject.rows) > 1:
        yield pen.heading("The batch")
        yield from _batch(subject, names, pen)
    for index, row in enumerate(subject.rows[:ROWS_IN_FULL]):
        if len(subject.rows) > 1:
            yield pen.heading(f"Row {index}")
        else:
            yield pen.words("")
        yield from _row(subject, row, names, pen)
    if len(subject.rows) > ROWS_IN_FULL:
        yield pen.words(
            f"\nThe first {ROWS_IN_FULL} rows are shown in full; to_dict() has all"
            f" {len(subject.rows)}.",
            "dim",
        )
    yield pen.heading("The formulas")
    yield _formulas(subject, pen)


def _summary(subject: Rows) -> str:
    count, classes = len(subject.rows), len(subject.class_names)
    rows = "one row" if count == 1 else f"{count} rows"
    temperature = "" if subject.temperature == 1 else f", temperature {subject.temperature:g}"
    return (
        f"{rows} of {classes} class{'es' * (classes > 1)}, computed in {subject.dtype}{temperature}"
    )


def _batch(subject: Rows, names: Sequence[str], pen: Pen) -> Iterator["RenderableType"]:
    """A line for each row, the unhappiest with the longest bar; then sum and mean."""
    table = pen.table(
        ("row", "right"), ("target", "left"), ("largest", "left"), ("p", "right"),
        ("-log p", "right"), ("", "left"),
    )  # fmt: skip
    nlls = [values(row, "nll")[0] for row in subject.rows]
    most = max([x for x in nlls if 0 < x < float("inf")], default=1.0)
    for index, (row, nll) in enumerate(zip(subject.rows[:ROWS_LISTED], nlls, strict=False)):
        largest = "tie" if len(row.argmax) > 1 else names[row.argmax[0]] if row.argmax else "none"
        table.add_row(
            str(index),
            pen.name(names[row.target], NAME),
            pen.name(largest, NAME),
            short(values(row, "prob")[row.target]),
            short(nll),
            pen.bar(nll / most, 12),
        )
    yield table
    if len(subject.rows) > ROWS_LISTED:
        yield pen.words(f"and {len(subject.rows) - ROWS_LISTED} more rows", "dim")
    yield pen.words("")
    yield ways_table(
        pen, "nll of the batch", [Way("sum", subject.total), Way("mean", subject.mean)]
    )


def _row(subject: Rows, row: Row, names: Sequence[str], pen: Pen) -> Iterator["RenderableType"]:
    yield pen.words(verdict(row, lambda j: pen.name(names[j], NAME).plain))
    yield _unhappiness(row, pen)
    yield pen.words("")
    shown = lines(subject, row, names)
    yield _classes(row, shown, pen)
    if len(shown) < len(names):
        yield pen.words("the others: their p and p - y are sums, their z is log sum e^z", "dim")
    yield pen.words("")
    total = row.steps["sum"]
    at_target = [
        Way("sum of e^z", total, unshifted=True),
        Way("of e^(z - m)", total, unshifted=False),
        Way("p", row.steps["prob"], row.target),
        Way("gradient", row.steps["grad"], row.target),
    ]
    yield ways_table(pen, "at the target", at_target)
    yield pen.words("")
    losses = [Way(name.replace("_", " "), step) for name, step in row.losses.items()]
    yield ways_table(pen, "losses", losses)
    yield from what_goes_wrong(row, pen)
    if len(row.given) <= JACOBIAN_CLASSES and pen.width >= 80:
        yield pen.words("")
        yield _jacobian(row, names, pen)


def _unhappiness(row: Row, pen: Pen) -> "Table":
    """The row's nll beside that of one who does not look."""
    nll, blind = values(row, "nll")[0], log(len(row.given))
    most = max(nll, blind) if isfinite(nll) else blind
    table = pen.table(("", "left"), ("", "left"), ("", "right"))
    table.show_header = False
    for label, x in (("unhappiness", nll), ("a blind guess", blind)):
        table.add_row(label, pen.bar(x / most if most else 0.0, 20), short(x))
    return table


def _classes(row: Row, shown: Sequence[Line], pen: Pen) -> "Table":
    """A line a class. Bars and names take what room the numbers leave."""
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
        pen.width - 3 - sum(max(map(len, column)) + 2 for column in zip(heads, *cells, strict=True))
    )
    name = max(4, min(NAME, left - 2))
    bar = min(BAR, left - 4 - max(pen.name(x.name, name).cell_len for x in shown))
    table = pen.table(("", "left"), ("class", "left"), *((head, "right") for head in heads))
    if bar > 2:
        table.add_column(pen.words("p"), justify="left")
    for line, numbers in zip(shown, cells, strict=True):
        table.add_row(
            "*" if line.is_target else "",
            pen.name(line.name, name),
            *numbers,
            *([pen.bar(line.prob, bar)] if bar > 2 else []),
            style="bold" if line.is_target else "",
        )
    return table


def _jacobian(row: Row, names: Sequence[str], pen: Pen) -> "Table":
    """The derivative of each p by each z."""
    every, size = values(row, "jacobian"), len(row.given)
    table = pen.table(("dp/dz", "left"))
    for name in names:
        table.add_column(pen.name(name, 9), justify="right")
    for i, name in enumerate(names):
        numbers = every[i * size : (i + 1) * size]
        table.add_row(pen.name(name, 9), *map(short, numbers))
    return table


def _formulas(subject: Rows, pen: Pen) -> "Table":
    table = pen.table(("", "left"), ("", "left"))
    table.show_header = False
    table.padding = (0, 1, 0, 0)
    for title, formula in (
        *(words for name, words in STEPS.items() if name in subject.rows[0].steps),
        *LOSSES.values(),
    ):
        table.add_row(title.partition(" (")[0], formula)
    return table
