"""The report in a few sentences, and what was read."""

import math
from collections.abc import Mapping
from typing import Any

from ...._show.words import short as digits
from ..parts import Column, Table
from ..words import NAME, Words, count, cut, name, span

MENTIONED = 0.002  # the least share of the loss that a temperature must win back to be mentioned
LEFT_OUT = ("missing", "not finite", "probability 0")


def headline(found: Mapping[str, Any], say: Words) -> str:
    """How unhappy the model is, in a sentence or two."""
    loss = found["loss"]
    nll = span(loss["nll"]).value
    whose = "headline" if found["input"]["classes"] is not None else "headline.tokens"
    first = say(whose, nll=digits(nll), p=say.percent(math.exp(-nll)))
    if loss.get("skill") is None:
        return first
    skill = span(loss["skill"]).value
    if skill > 0:
        return f"{first} {say('headline.skill', skill=say.percent(skill))}"
    return f"{first} {say('headline.worse', baseline=digits(float(loss['baseline'])))}"


def short(found: Mapping[str, Any], say: Words) -> list[tuple[str, str]]:
    """What an analyst would tell a colleague, each with the section that has more of it."""
    return [
        (key, sentence)
        for key, of in (
            ("loss", _accuracy),
            ("distribution", _worst),
            ("classes", _class),
            ("confusions", _confusion),
            ("why", _temperature),
            ("suspects", _suspects),
        )
        if (sentence := of(found, say))
    ]


def _accuracy(found: Mapping[str, Any], say: Words) -> str:
    top = (found.get("accuracy") or {}).get("top1")
    return say("short.accuracy", x=say.percent(span(top).value)) if top else ""


def _worst(found: Mapping[str, Any], say: Words) -> str:
    part = found.get("distribution")
    if not part:
        return ""
    return say("short.worst", share=say.percent(float(part["share_of_worst_percent"])))


def _class(found: Mapping[str, Any], say: Words) -> str:
    listed = (found.get("classes") or {}).get("listed")
    if not listed:
        return ""
    first = listed[0]
    return say(
        "short.class",
        name=name(first),
        share=say.percent(first["share"]),
        rows=say.percent(first["support"] / found["rows"]["weight"]),
    )


def _confusion(found: Mapping[str, Any], say: Words) -> str:
    listed = (found.get("confusions") or {}).get("listed")
    if not listed:
        return ""
    return say(
        "short.confusion",
        target=name(listed[0]["target"]),
        predicted=name(listed[0]["predicted"]),
        share=say.percent(listed[0]["share"]),
    )


def _temperature(found: Mapping[str, Any], say: Words) -> str:
    part = (found.get("why") or {}).get("temperature")
    nll = span(found["loss"]["nll"]).value
    if not part or not part["gain"] > MENTIONED * nll:
        return ""
    return say(
        "short.temperature",
        t=f"{part['value']:.3g}",
        gain=digits(part["gain"]),
        share=say.percent(part["gain"] / nll),
    )


def _suspects(found: Mapping[str, Any], say: Words) -> str:
    part = found.get("suspects")
    if not part or not part["count"]:
        return ""
    rate = say.round_percent(part["false_discovery_rate"])
    return say("short.suspects", n=count(part["count"]), share=rate)


def remarks(found: Mapping[str, Any], say: Words) -> list[str]:
    """What was read, and what does not count."""
    given, rows = found["input"], found["rows"]
    said = [_read(found, say)]
    if given["weighted"]:
        said.append(say("rows.weighted", weight=count(rows["weight"])))
    if rows["ignored"]:
        said.append(say("rows.ignored", n=count(rows["ignored"])))
    left_out = {why: rows["left_out"].get(why, 0) for why in LEFT_OUT}
    if any(left_out.values()):
        reasons = ", ".join(say(f"why.{why}", n=count(n)) for why, n in left_out.items() if n)
        said.append(say("rows.left_out", n=count(sum(left_out.values())), why=reasons))
    if given["merged_without_ids"]:
        said.append(say("rows.merged"))
    return said


def _read(found: Mapping[str, Any], say: Words) -> str:
    """How much was read, of what kind."""
    given, used = found["input"], count(found["rows"]["used"])
    if given["classes"] is None:
        return say("rows.tokens", used=used, documents=count(found["documents"]["count"]))
    kind, reason = say(f"kind.{given['kind']}"), say(f"reason.{given['kind_reason']}")
    return say("rows.read", used=used, classes=count(given["classes"]), kind=kind, reason=reason)


def left_out(found: Mapping[str, Any], say: Words) -> list[Table]:
    """The first rows that are left out."""
    listed = found["rows"]["left_out_rows"]
    if not listed:
        return []
    has_ids = any(row["id"] is not None for row in listed)
    columns = [Column("row", say("label.row"))]
    columns += [Column("id", say("label.id"), "text")] if has_ids else []
    columns += [Column("left_out", say("left_out.why"), "text")]
    cells = [
        [
            count(row["row"]),
            *([cut(row["id"] or "", NAME)] if has_ids else []),
            say(f"left_out.{row['why']}"),
        ]
        for row in listed
    ]
    return [Table("left_out", say("left_out.caption"), columns, cells)]
