"""Tables from the findings' lists: a column is a key, its kind, and what a cell says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ...._show.words import short
from ..parts import Column, Table
from ..words import NAME, TEXT, Words, count, cut, name, span

Line = Mapping[str, Any]


class Cells(NamedTuple):
    """A column before it has rows."""

    key: str
    of: Callable[[Line], str]
    kind: Literal["name", "number", "text"] = "number"
    spare: bool = False


def table(
    say: Words,
    key: str,
    caption: str,
    lines: Sequence[Line],
    columns: Sequence[Cells],
    room: int = 30_000,
    named: Mapping[str, str] | None = None,
) -> Table:
    """A table; the column of shares gets bars.

    `named` has labels that are not words of the report.
    """
    known = {"interval": say("interval.label"), **(named or {})}
    heads = [
        Column(c.key, known[c.key] if c.key in known else say(f"label.{c.key}"), c.kind, c.spare)
        for c in columns
    ]
    cells = [[column.of(line) for column in columns] for line in lines]
    shares = [line["share"] for line in lines] if any(c.key == "share" for c in columns) else []
    return Table(key, caption, heads, cells, shares, room)


def mean_nll(say: Words) -> list[Cells]:
    """The columns of a mean nll and its interval."""
    return [
        Cells("nll", lambda x: short(span(x["nll"]).value)),
        Cells("interval", lambda x: say.interval(span(x["nll"])), spare=True),
    ]


def share(say: Words) -> list[Cells]:
    """The column of the share of the loss."""
    return [Cells("share", lambda x: say.percent(x["share"]))]


def a_class(key: str = "class") -> Cells:
    """The column of a class that the lines name."""
    if key == "class":
        return Cells(key, name, "name")
    return Cells(key, lambda x: name(x[key]), "name")


def which_row(lines: Sequence[Line], key: str = "row") -> list[Cells]:
    """The columns that say which row it is: its number, and its id where there are ids."""
    columns = [Cells(key, lambda x: count(x["row"]))]
    if any(line.get("id") is not None for line in lines):
        columns.append(Cells("id", lambda x: _optional(x, "id", NAME), "name"))
    return columns


def text(lines: Sequence[Line]) -> list[Cells]:
    """The columns of a row's slice values and its text, where there are any."""
    columns = []
    if any(line.get("by") for line in lines):
        columns.append(Cells("by", _by, "text", spare=True))
    if any(line.get("text") is not None for line in lines):
        columns.append(Cells("text", lambda x: _optional(x, "text", TEXT), "text", spare=True))
    return columns


def _optional(line: Line, key: str, most: int) -> str:
    return "" if line.get(key) is None else cut(line[key], most)


def _by(line: Line) -> str:
    values = [f"{cut(k, NAME)}={cut(v, NAME)}" for k, v in (line.get("by") or {}).items()]
    return cut(", ".join(values), TEXT)
