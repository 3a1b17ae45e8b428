"""The same number computed in four ways, with the error of each and what went wrong."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ._pen import Pen
from ._row import Row, Step
from ._view import FLAGS

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from ._floats import Column

WAYS = ("naive", "shifted", "neglog")
ROOM = 78  # columns that the four ways take side by side


@dataclass(frozen=True)
class Way:
    """One number of a step. Of the sum there are two: only the naive way leaves z unshifted."""

    label: str
    step: Step
    index: int = 0
    unshifted: bool | None = None

    @property
    def columns(self) -> list["Column | None"]:
        columns = [getattr(self.step, way) for way in WAYS]
        if self.unshifted is None:
            return columns
        return [
            c if (way == "naive") == self.unshifted else None
            for way, c in zip(WAYS, columns, strict=True)
        ]

    @property
    def exact(self) -> Decimal:
        numbers = self.step.unshifted if self.unshifted else self.step.exact
        assert numbers is not None
        return numbers[self.index]


def ways_table(pen: Pen, title: str, ways: Sequence[Way]) -> "Table":
    """Two lines a number: what came out, and how wrong it is."""
    if pen.width < ROOM:
        return _narrow_table(pen, title, ways)
    table = pen.table((title, "left"), *((way, "right") for way in (*WAYS, "exact")))
    for column in table.columns:
        column.min_width = 14 if column.justify == "right" else 13
    for way in ways:
        cells = [long(column.values[way.index]) if column else "" for column in way.columns]
        table.add_row(way.label, *cells, long(way.exact))
        table.add_row("", *(_error(pen, column, way) for column in way.columns))
    return table


def _narrow_table(pen: Pen, title: str, ways: Sequence[Way]) -> "Table":
    """One below the other, where they have no room side by side."""
    table = pen.table((title, "left"), ("", "right"), ("", "right"))
    for way in ways:
        table.add_row(way.label)
        for name, column in zip(WAYS, way.columns, strict=True):
            if column:
                value = long(column.values[way.index])
                table.add_row(f"  {name}", value, _error(pen, column, way))
        table.add_row("  exact", long(way.exact))
    return table


def _error(pen: Pen, column: "Column | None", way: Way) -> "Text":
    """The flag, else the relative error."""
    if column is None:
        return pen.words("")
    flag, error = column.flag[way.index], column.error[way.index]
    lost = "" if math.isinf(error) else f"{error:.0%}" if error >= 0.005 else f"{error:.0e}"
    if flag:
        return pen.words(f"{flag} {lost}".rstrip(), "bold red")
    if not error:
        return pen.words("error 0" if way.exact.is_finite() else "agrees", "dim")
    return pen.words(f"error {lost or 'inf'}", "dim")


def what_goes_wrong(row: Row, pen: Pen) -> Iterator["RenderableType"]:
    """In which steps something is lost, for how many numbers, and what the words mean."""
    found = [
        (way, flag, places)
        for way in WAYS
        for flag in FLAGS
        if (places := [place for step in _steps(row) if (place := _place(step, way, flag))])
    ]
    if not found:
        return
    yield pen.words("")
    table = pen.table(("what goes wrong", "left"), ("", "left"), ("in", "left"))
    named = ""
    for way, flag, places in found:
        table.add_row("" if way == named else way, pen.words(flag, "bold red"), ", ".join(places))
        named = way
    yield table
    for flag, meaning in FLAGS.items():
        if any(flag == happened for _, happened, _ in found):
            yield pen.words(f"{flag}: {meaning}", "dim")


def _steps(row: Row) -> list[Step]:
    return [*row.steps.values(), *(s for name, s in row.losses.items() if name != "nll")]


def _place(step: Step, way: str, flag: str) -> str:
    """The step's name, and how many of its numbers are lost if it has several; "" if none."""
    column: Column | None = getattr(step, way)
    count = column.flag.count(flag) if column else 0
    if not count:
        return ""
    short = {"nll": "nll", "method_1": "method 1", "method_2": "method 2", "binary": "binary"}
    title = short.get(step.name, step.title)
    return f"{title} ({count} of {len(step.exact)})" if step.shape else title


def long(x: float | Decimal) -> str:
    """Seven digits, in fourteen characters; an exact number may be far beyond any float."""
    number = Decimal(x)
    if not number.is_finite() or not number:
        return f"{float(x) + 0.0:.0f}"
    return f"{float(x):.7g}" if -300 < number.adjusted() < 300 else f"{number:.3e}"
