"""Whether what has a probability of 80 % is true in 80 % of the cases."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...._show.words import short
from ..parts import Block, Figures, Reliability, Section
from ..words import Words, count, span
from .loss import figure
from .missing import absent
from .tables import Cells, Line, a_class, table

ROOM_CLASSES = 130_000  # bytes in a page


def section(found: Mapping[str, Any], say: Words) -> Section:
    """The section on the top label, with a part on each class."""
    part = found.get("calibration")
    if part is None:
        return absent("calibration", say)
    top = part["top_label"]
    bins, error = top["bins"], span(top["error"])
    cells = say.pair(error, say.percent)
    explained = say("calibration_error", bins=count(len(bins)))
    blocks: list[Block] = [
        say("calibration.error", error=say.percent(error.value)),
        *_side(bins, say),
        Figures([figure(say, "calibration_error", cells, explained)]),
        _curve(bins, say),
        _bins(bins, say),
    ]
    by_class = part.get("class_wise")
    parts = [_class_wise(by_class, say)] if by_class and by_class["classes"] else []
    return Section("calibration", say("section.calibration"), blocks, parts)


def _side(bins: Sequence[Line], say: Words) -> list[str]:
    """Whether the model is too sure on the whole, or not sure enough, if it is either."""
    weight = sum(x["weight"] for x in bins)
    confidence = sum(x["weight"] * x["confidence"] for x in bins) / weight
    accuracy = sum(x["weight"] * span(x["accuracy"]).value for x in bins) / weight
    numbers = {"confidence": say.percent(confidence), "accuracy": say.percent(accuracy)}
    if numbers["confidence"] == numbers["accuracy"]:
        return []
    side = "over" if confidence > accuracy else "under"
    return [say(f"calibration.{side}", **numbers)]


def _curve(bins: Sequence[Line], say: Words) -> Reliability:
    points = [(float(x["confidence"]), span(x["accuracy"])) for x in bins]
    alt = say(
        "chart.reliability.alt",
        n=count(len(points)),
        first=say.percent(points[0][0]),
        first_accuracy=say.percent(points[0][1].value),
        last=say.percent(points[-1][0]),
        last_accuracy=say.percent(points[-1][1].value),
    )
    return Reliability(
        say("chart.reliability"),
        say("axis.confidence"),
        say("axis.accuracy"),
        say("perfect"),
        alt,
        points,
    )


def _bins(bins: Sequence[Line], say: Words) -> Block:
    columns = [
        Cells("confidence", lambda x: say.percent(x["confidence"])),
        Cells("accuracy", lambda x: say.percent(span(x["accuracy"]).value)),
        Cells("interval", lambda x: say.interval(span(x["accuracy"]), say.percent), spare=True),
        Cells("rows", lambda x: count(x["rows"]), spare=True),
    ]
    return replace(table(say, "bins", say("bins.caption"), bins, columns), folded=True)


def _class_wise(part: Mapping[str, Any], say: Words) -> Section:
    columns = [
        a_class(),
        Cells("mean_p", lambda x: short(x["mean_p"])),
        Cells("frequency", lambda x: short(x["frequency"])),
        Cells("calibration_error", lambda x: _error(x, say), spare=True),
    ]
    listed = sorted(part["classes"], key=_miss, reverse=True)
    caption = say("class_wise.caption")
    blocks: list[Block] = [say("class_wise.meaning")]
    if part["error"] is None:
        del columns[-1]
    else:
        blocks.append(say("class_wise.error", error=say.percent(part["error"])))
    blocks.append(table(say, "class_wise", caption, listed, columns, ROOM_CLASSES))
    return Section("class_wise", say("section.class_wise"), blocks)


def _miss(line: Line) -> float:
    return abs(float(line["mean_p"]) - float(line["frequency"]))


def _error(line: Line, say: Words) -> str:
    return "" if line["error"] is None else say.percent(line["error"])
