"""One number in four columns, with the error of each column and what went wrong."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from ..._show.language import Sentences
from ..._show.text import TextOutput
from ..._show.words import long
from .row import Row
from .steps import COLUMNS, LOSSES, Step

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table
    from rich.text import Text

    from .floats import Column

ROOM = 78  # cells that the four columns take side by side
FLAGS = ("overflow", "nan", "underflow", "cancel")


@dataclass(frozen=True)
class Entry:
    """One number of a step. The sum has two entries: only the naive column leaves z unshifted."""

    label: str
    step: Step
    index: int = 0
    unshifted: bool | None = None

    @property
    def columns(self) -> list["Column | None"]:
        columns = [getattr(self.step, name) for name in COLUMNS]
        if self.unshifted is None:
            return columns
        return [
            c if (name == "naive") == self.unshifted else None
            for name, c in zip(COLUMNS, columns, strict=True)
        ]

    @property
    def exact(self) -> Decimal:
        numbers = self.step.unshifted if self.unshifted else self.step.exact
        assert numbers is not None
        return numbers[self.index]


def columns_table(out: TextOutput, say: Sentences, title: str, entries: Sequence[Entry]) -> "Table":
    """Two lines per number: its value and its error in each column."""
    if out.width < ROOM:
        return _narrow_table(out, say, title, entries)
    heads = [say(f"column.{name}") for name in (*COLUMNS, "exact")]
    table = out.table((title, "left"), *((head, "right") for head in heads))
    for column in table.columns:
        column.min_width = 14 if column.justify == "right" else 13
    for entry in entries:
        cells = [long(column.values[entry.index]) if column else "" for column in entry.columns]
        table.add_row(entry.label, *cells, long(entry.exact))
        table.add_row("", *(_error(out, say, column, entry) for column in entry.columns))
    return table


def _narrow_table(out: TextOutput, say: Sentences, title: str, entries: Sequence[Entry]) -> "Table":
    """The columns below each other, for an output too narrow to hold them side by side."""
    table = out.table((title, "left"), ("", "right"), ("", "right"))
    for entry in entries:
        table.add_row(entry.label)
        for name, column in zip(COLUMNS, entry.columns, strict=True):
            if column:
                value = long(column.values[entry.index])
                table.add_row(f"  {say(f'column.{name}')}", value, _error(out, say, column, entry))
        table.add_row(f"  {say('column.exact')}", long(entry.exact))
    return table


def _error(out: TextOutput, say: Sentences, column: "Column | None", entry: Entry) -> "Text":
    """The flag or, without one, the relative error."""
    if column is None:
        return out.words("")
    flag, error = column.flag[entry.index], column.error[entry.index]
    lost = "" if math.isinf(error) else f"{error:.0%}" if error >= 0.005 else f"{error:.0e}"
    if flag:
        return out.words(f"{say(f'flag.{flag}')} {lost}".rstrip(), "bold red")
    if not error:
        known = entry.exact.is_finite()
        return out.words(say("error", x="0") if known else say("error.agrees"), "dim")
    return out.words(say("error", x=lost or "inf"), "dim")


def what_goes_wrong(row: Row, out: TextOutput, say: Sentences) -> Iterator["RenderableType"]:
    """Which steps have flagged numbers, how many, and what the flags mean."""
    found = [
        (name, flag, places)
        for name in COLUMNS
        for flag in FLAGS
        if (places := [p for step in _steps(row) if (p := _place(step, name, flag, say))])
    ]
    if not found:
        return
    yield out.words("")
    table = out.table((say("wrong"), "left"), ("", "left"), (say("wrong.in"), "left"))
    named = ""
    for name, flag, places in found:
        head = "" if name == named else say(f"column.{name}")
        table.add_row(head, out.words(say(f"flag.{flag}"), "bold red"), ", ".join(places))
        named = name
    yield table
    for flag in FLAGS:
        if any(flag == happened for _, happened, _ in found):
            yield out.words(f"{say(f'flag.{flag}')}: {say(f'flag.{flag}.why')}", "dim")


def _steps(row: Row) -> list[Step]:
    return [*row.steps.values(), *(s for name, s in row.losses.items() if name != "nll")]


def _place(step: Step, name: str, flag: str, say: Sentences) -> str:
    """The step's name and, if it has several numbers, how many are flagged; "" if none is."""
    column: Column | None = getattr(step, name)
    count = column.flag.count(flag) if column else 0
    if not count:
        return ""
    title = say(f"loss.{step.name}" if step.name in LOSSES else f"step.{step.name}")
    if not step.shape:
        return title
    return say("wrong.count", title=title, n=str(count), all=str(len(step.exact)))
