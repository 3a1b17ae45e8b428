"""Rows that are listed one by one: the worst ones, and those whose label looks wrong."""

from collections.abc import Mapping
from typing import Any

from ...._show.words import short
from ..parts import Block, Section
from ..words import Words, count
from .missing import absent
from .tables import Cells, Line, a_class, table, text, which_row

ROOM_WORST, ROOM_SUSPECTS = 40_000, 230_000  # bytes in a page


def worst(found: Mapping[str, Any], say: Words) -> Section:
    """The rows with the largest nll."""
    listed = found.get("worst")
    if not listed:
        return absent("worst", say)
    if found.get("documents"):
        return _tokens(listed, found["documents"]["listed"], say)
    loss = Cells("nll", lambda x: short(float(x["nll"])))
    columns = [*which_row(listed), *_judged(listed, "predicted"), loss, *text(listed)]
    blocks: list[Block] = [
        say("worst.first"),
        table(say, "worst", say("worst.caption"), listed, columns, ROOM_WORST),
    ]
    return Section("worst", say("section.worst"), blocks)


def _tokens(worst: list[Line], documents: list[Line], say: Words) -> Section:
    """Where the rows are tokens: the worst ones, and the worst documents."""
    nll = Cells("nll", lambda x: short(float(x["nll"])))
    token = Cells("token", lambda x: count(x["token"]))
    columns = [*which_row(worst, "document"), token, nll, *text(worst)]
    blocks: list[Block] = [
        say("tokens.first"),
        table(say, "worst", say("tokens.caption"), worst, columns, ROOM_WORST),
    ]
    columns = [
        *which_row(documents, "document"),
        Cells("tokens", lambda x: count(x["tokens"])),
        nll,
        Cells("per_token", lambda x: short(x["nll"] / x["tokens"]), spare=True),
        *text(documents),
    ]
    listed: list[Block] = [
        say("documents.first"),
        table(say, "documents", say("documents.caption"), documents, columns, ROOM_WORST),
    ]
    part = Section("documents", say("section.documents"), listed)
    return Section("worst", say("section.tokens"), blocks, [part])


def suspects(found: Mapping[str, Any], say: Words) -> Section:
    """The rows whose label looks wrong."""
    part = found.get("suspects")
    if part is None:
        return absent("suspects", say)
    rate, listed = part["false_discovery_rate"], part["listed"]
    kind = "at_least" if part["at_least"] else "some" if part["count"] else "none"
    numbers = {"n": count(part["count"]), "rate": say.round_percent(rate)}
    numbers["false"] = count(round(part["count"] * rate))
    blocks: list[Block] = [
        say(f"suspects.{kind}", **numbers),
        say("suspects.assumption", t=f"{part['temperature']:.3g}"),
    ]
    if listed:
        columns = [*which_row(listed), *_judged(listed, "suggested"), *_tested(), *text(listed)]
        blocks.append(
            table(say, "suspects", say("suspects.caption"), listed, columns, ROOM_SUSPECTS)
        )
    return Section("suspects", say("section.suspects"), blocks)


def _judged(listed: list[Line], other: str) -> list[Cells]:
    """What the row's label is, what the model says instead, and how sure it is of both."""
    columns = [] if any(line.get("target") is None for line in listed) else [a_class("target")]
    if not any(line.get(other) is None for line in listed):
        columns += [
            a_class(other),
            Cells(f"p_{other}", lambda x: short(x[other]["p"]), spare=True),
        ]
    return [*columns, Cells("p", lambda x: short(x["p"]), spare=True)]


def _tested() -> list[Cells]:
    return [
        Cells("p_value", lambda x: short(x["p_value"]), spare=True),
        Cells("q_value", lambda x: short(x["q_value"])),
    ]
