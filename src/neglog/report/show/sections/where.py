"""Where: which rows, classes, slices and confusions carry the loss."""

from collections.abc import Mapping
from typing import Any

from ...._show.words import short
from ..parts import Block, Histogram, Section, Stacks
from ..words import NAME, Words, count, cut, name, span
from .groups import classes, slices
from .missing import absent
from .tables import Cells, a_class, share, table

MOST_COLUMNS = 8  # slice columns that are shown


def section(found: Mapping[str, Any], say: Words) -> Section:
    """The section with a part for each way to divide the rows."""
    columns = list(found.get("slices") or {})
    shown, left = columns[:MOST_COLUMNS], [cut(c, NAME) for c in columns[MOST_COLUMNS:]]
    parts = [
        _distribution(found, say),
        classes(found, say),
        *(slices(found, column, say, len(shown)) for column in shown),
        _confusions(found, say),
    ]
    blocks: list[Block] = []
    if left:
        names = ", ".join(left[:MOST_COLUMNS]) + "…" * (len(left) > MOST_COLUMNS)
        blocks.append(say("slices.columns", n=count(len(left)), names=names))
    return Section("where", say("section.where"), blocks, parts)


def _distribution(found: Mapping[str, Any], say: Words) -> Section:
    part = found.get("distribution")
    if part is None:
        return absent("distribution", say)
    share = say.percent(part["share_of_worst_percent"])
    quantiles = {str(x["q"]): float(x["nll"]) for x in part["quantiles"]}
    blocks: list[Block] = [
        say(
            "distribution.quantiles",
            q50=short(quantiles["0.5"]),
            q90=short(quantiles["0.9"]),
            q99=short(quantiles["0.99"]),
            q999=short(quantiles["0.999"]),
            max=short(float(part["max"])),
        ),
        say("distribution.worst", share=share),
    ]
    if len(part["histogram"]) > 1:
        mean = span(found["loss"]["nll"]).value
        marks = [(say("mark.median"), quantiles["0.5"]), (say("mark.mean"), mean)]
        blocks.append(_histogram(part["histogram"], say, marks))
    lines = [
        (say("stack.rows"), 0.01, say.round_percent(0.01)),
        (say("stack.loss"), float(part["share_of_worst_percent"]), share),
    ]
    names = (say("stack.worst"), say("stack.rest"))
    blocks.append(Stacks(say("chart.stack"), say("chart.stack.alt", share=share), names, lines))
    return Section("distribution", say("section.distribution"), blocks)


def _histogram(bins: Any, say: Words, marks: list[tuple[str, float]]) -> Histogram:
    rows = sum(x["rows"] for x in bins)
    alt = say(
        "chart.histogram.alt",
        first=short(bins[0]["from"]),
        last=short(bins[-1]["to"]),
        most_rows=short(max(bins, key=lambda x: x["rows"])["to"]),
        most_loss=short(max(bins, key=lambda x: x["share"])["to"]),
    )
    return Histogram(
        say("chart.histogram"),
        say("axis.nll"),
        say("axis.up"),
        say("axis.down"),
        alt,
        [(x["from"], x["to"], x["rows"] / rows, x["share"]) for x in bins],
        marks,
    )


def _confusions(found: Mapping[str, Any], say: Words) -> Section:
    part = found.get("confusions")
    if part is None:
        return absent("confusions", say)
    title, listed = say("section.confusions"), part["listed"]
    if not listed:
        return Section("confusions", title, [say("confusions.none")])
    first = listed[0]
    blocks: list[Block] = [
        say(
            "confusions.first",
            target=name(first["target"]),
            predicted=name(first["predicted"]),
            cost=short(first["cost"]),
            rows=count(first["rows"]),
            share=say.percent(first["share"]),
        )
    ]
    if part["pairs"] > len(listed):
        some = count(len(listed))
        blocks.append(say("confusions.pairs", n=count(part["pairs"]), listed=some))
    if not part["exact"]:
        blocks.append(say("confusions.inexact", nats=short(part["uncertainty"])))
    columns = [
        a_class("target"),
        a_class("predicted"),
        *share(say),
        Cells("rows", lambda x: count(x["rows"]), spare=True),
        Cells("cost", lambda x: short(x["cost"]), spare=True),
    ]
    blocks.append(table(say, "confusions", say("confusions.caption"), listed, columns))
    return Section("confusions", title, blocks)
