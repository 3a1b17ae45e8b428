"""The loss by class, and by the values of a column."""

from collections.abc import Mapping, Sequence
from typing import Any

from ...._show.words import short
from ..parts import Bars, Block, Section
from ..words import NAME, Words, count, cut, name, span
from .missing import absent
from .tables import Cells, Line, a_class, mean_nll, share, table

CHARTED = 30  # bars of a chart of classes
CHARTED_VALUES = 30  # bars of all charts of slice columns; 15 at most in one
ROOM_CLASSES, ROOM_SLICES = 250_000, 60_000  # bytes in a page


def classes(found: Mapping[str, Any], say: Words) -> Section:
    """The loss by class."""
    part = found.get("classes")
    if part is None or not part["listed"]:
        return absent("classes", say)
    listed = part["listed"]
    first = listed[0]
    support = say.percent(first["support"] / found["rows"]["weight"])
    cost = say.percent(first["share"])
    blocks: list[Block] = [say("classes.first", name=name(first), share=cost, support=support)]
    if part["left_out"]:
        some = count(len(listed))
        blocks.append(say("classes.left_out", n=count(part["left_out"]), listed=some))
    lines = [(name(c), c) for c in listed[:CHARTED]]
    columns = [
        a_class(),
        *share(say),
        *mean_nll(say),
        Cells("support", lambda x: count(x["support"]), spare=True),
        *_accuracy(listed, say),
        Cells("confusion", _costliest, "text", spare=True),
    ]
    blocks += _bars(say, say("chart.classes"), lines, span(found["loss"]["nll"]).value)
    blocks.append(table(say, "classes", say("classes.caption"), listed, columns, ROOM_CLASSES))
    return Section("classes", say("section.classes"), blocks)


def slices(found: Mapping[str, Any], column: str, say: Words, shown: int) -> Section:
    """The loss by the values of one of the `shown` columns."""
    part = found["slices"][column]
    listed, label = part["listed"], cut(column, NAME)
    mean = span(found["loss"]["nll"]).value
    blocks: list[Block] = [_spread(listed, mean, say)]
    lines = [(_value(x), x) for x in listed[: min(CHARTED_VALUES // shown, 15)]]
    columns = [
        Cells("value", _value, "name"),
        *share(say),
        *mean_nll(say),
        Cells("rows", lambda x: count(x["rows"]), spare=True),
        *_accuracy(listed, say),
    ]
    blocks += _bars(say, say("chart.slices", column=label), lines, mean)
    caption = say("slices.caption", column=label)
    blocks.append(table(say, "slices", caption, listed, columns, ROOM_SLICES // shown))
    if part["left_out"]:
        blocks.append(say("slices.left_out", n=count(part["left_out"])))
    return Section("slices", say("section.slices", column=label), blocks)


def _value(line: Line) -> str:
    return cut(line["value"], NAME)


def _spread(listed: Sequence[Line], mean: float, say: Words) -> str:
    """The worst and the best value."""
    best = min(listed, key=lambda x: span(x["nll"]).value)
    worst = max(listed, key=lambda x: span(x["nll"]).value)
    return say(
        "slices.spread",
        worst=_value(worst),
        high=short(span(worst["nll"]).value),
        best=_value(best),
        low=short(span(best["nll"]).value),
        mean=short(mean),
    )


def _accuracy(listed: Sequence[Line], say: Words) -> list[Cells]:
    if any(line.get("accuracy") is None for line in listed):
        return []
    return [Cells("accuracy", lambda x: say.percent(span(x["accuracy"]).value), spare=True)]


def _costliest(line: Line) -> str:
    confusion = line.get("confusion")
    if confusion is None:
        return ""
    return f"→ {name(confusion['predicted'])} ({count(confusion['rows'])})"


def _bars(say: Words, title: str, lines: Sequence[tuple[str, Line]], mean: float) -> list[Block]:
    """A chart of mean nlls, with the mean of all rows as a line across, of two bars or more."""
    if len(lines) < 2:
        return []
    spans = [(label, span(x["nll"]), short(span(x["nll"]).value)) for label, x in lines]
    label, most, _ = max(spans, key=lambda line: line[1].value)
    alt = say("chart.bars.alt", n=count(len(spans)), value=short(most.value), name=label)
    return [Bars(title, say("axis.mean_nll"), alt, spans, (say("mark.mean"), mean))]
