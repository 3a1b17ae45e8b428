"""Two models on the same rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...._show.words import short
from ..parts import Bars, Block, Column, Figure, Figures, Section, Span, Table
from ..words import NAME, Words, count, cut, name, span
from .loss import ORDER, cells
from .tables import Cells, Line, a_class, table, text, which_row

CHARTED = 12  # bars on each side of the chart of classes
ROOM = 60_000  # bytes of a table in a page


def headline(found: Mapping[str, Any], say: Words) -> str:
    """Which model is better, by how much, and whether chance could do that."""
    gap = span(found["difference"])
    kind = "better" if gap.high < 0 else "worse_than" if gap.low > 0 else "same"
    if kind == "better":  # "0.05 less (0.02 to 0.08)"
        gap = Span(-gap.value, -gap.high, -gap.low)
    return say(f"headline.{kind}", x=short(gap.value), interval=say.interval(gap), **_names(found))


def remarks(found: Mapping[str, Any], say: Words) -> list[str]:
    """What was compared."""
    rows = found["reports"][0]["rows"]["used"]
    return [say("comparison.rows", n=count(rows), **_names(found))]


def sections(found: Mapping[str, Any], say: Words) -> list[Section]:
    """The difference, the classes, the rows."""
    return [_difference(found, say), _classes(found, say), _rows(found, say)]


def _names(found: Mapping[str, Any]) -> dict[str, str]:
    return {key: cut(x, NAME) for key, x in zip("ab", found["names"], strict=True)}


def _difference(found: Mapping[str, Any], say: Words) -> Section:
    value, interval = say.pair(span(found["difference"]))
    sentence = say("difference", **_names(found))
    blocks: list[Block] = [
        Figures([Figure("difference", say("label.difference"), value, interval, sentence)]),
        say("difference.paired"),
        _side_by_side(found, say),
    ]
    return Section("difference", say("section.difference"), blocks)


def _side_by_side(found: Mapping[str, Any], say: Words) -> Table:
    """A line for each figure that both reports have."""
    both = [{**report["loss"], **(report.get("accuracy") or {})} for report in found["reports"]]
    rows = [
        [say(f"label.{key}"), *(cells(say, key, figures[key])[0] for figures in both)]
        for key in ORDER
        if all(figures.get(key) is not None for figures in both)
    ]
    heads = [Column("figure", say("label.figure"), "name")]
    heads += [Column("", model) for model in _names(found).values()]
    return Table("figures", say("figures.caption"), heads, rows)


def _classes(found: Mapping[str, Any], say: Words) -> Section:
    title = say("section.classes_compared")
    part = found.get("classes")
    if part is None:
        return Section("classes", title, [say("missing", what=say("missing.classes"))])
    columns = [
        a_class(),
        Cells("support", lambda x: count(x["support"]), spare=True),
        Cells("difference", lambda x: short(span(x["difference"]).value)),
        Cells("interval", lambda x: say.interval(span(x["difference"])), spare=True),
    ]
    blocks = _two_tables(say, "classes", part, columns)
    return Section("classes", title, [*_chart(part, say), *blocks])


def _chart(part: Mapping[str, Sequence[Line]], say: Words) -> list[Block]:
    """The classes that changed the most, from the worst change to the best."""
    ends = [*part["worse"][:CHARTED], *reversed(part["better"][:CHARTED])]
    if len(ends) < 2:
        return []
    lines = [(name(x), span(x["difference"]), short(span(x["difference"]).value)) for x in ends]
    label, most, _ = max(lines, key=lambda line: line[1].value)
    alt = say("chart.bars.alt", n=count(len(lines)), value=short(most.value), name=label)
    return [Bars(say("chart.difference"), say("axis.difference"), alt, lines)]


def _rows(found: Mapping[str, Any], say: Words) -> Section:
    part = found["rows"]
    every = [*part["worse"], *part["better"]]
    a, b = _names(found).values()
    columns = [
        *which_row(every),
        *([a_class("target")] if every and every[0].get("target") else []),
        Cells("nll_a", lambda x: short(float(x["nll"][0])), spare=True),
        Cells("nll_b", lambda x: short(float(x["nll"][1])), spare=True),
        Cells("difference", lambda x: short(float(x["difference"]))),
        *text(every),
    ]
    named = {"nll_a": f"{say('label.nll')}: {a}", "nll_b": f"{say('label.nll')}: {b}"}
    blocks = _two_tables(say, "rows", part, columns, named)
    return Section("worst", say("section.rows_compared"), blocks)


def _two_tables(
    say: Words,
    key: str,
    part: Mapping[str, Sequence[Line]],
    columns: Sequence[Cells],
    named: Mapping[str, str] | None = None,
) -> list[Block]:
    """What got worse, then what got better."""
    return [
        table(say, f"{key}_{side}", say(f"{key}.{side}"), part[side], columns, ROOM, named)
        if part[side]
        else say(f"none.{side}")
        for side in ("worse", "better")
    ]
