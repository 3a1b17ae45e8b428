"""How unhappy the model is: the nll in several units, and what it is compared with."""

import math
from collections.abc import Mapping
from typing import Any

from ...._show.words import short
from ..parts import Block, Figure, Figures, Section
from ..words import Words, count, span
from .summary import left_out

RATIOS = ("skill", "top1", "top3", "top5", "missing_mass")  # shown in percent
OTHERS = ("bits", "perplexity", "bits_per_byte", "entropy", "min_entropy", "one_vs_rest")
ORDER = (
    "nll", "bits", "perplexity", "bits_per_byte", "total", "baseline", "skill",
    "top1", "top3", "top5", "entropy", "min_entropy", "one_vs_rest", "missing_mass",
)  # fmt: skip
OPTIONAL = {
    "bits_per_byte",
    "skill",
    "top3",
    "top5",
    "missing_mass",
}  # absent for other reasons than the kind


def figure(say: Words, key: str, cells: list[str], sentence: str) -> Figure:
    """A figure whose label is the word of its key."""
    return Figure(key, say(f"label.{key}"), cells[0], cells[1], sentence)


def section(found: Mapping[str, Any], say: Words) -> Section:
    """The section on the loss."""
    every = _all(found)
    nll = span(found["loss"]["nll"]).value
    entries = [
        figure(say, key, cells(say, key, every[key]), _sentence(found, say, key, nll))
        for key in ORDER
        if every.get(key) is not None
    ]
    blocks: list[Block] = [Figures(entries)]
    absent = [say(f"label.{k}") for k in ORDER if every.get(k) is None and k not in OPTIONAL]
    if absent:
        kind = say(f"kind.{found['input']['kind']}")
        blocks.append(say("missing.loss", kind=kind, what=", ".join(absent)))
    return Section("loss", say("section.loss"), [*blocks, *left_out(found, say)])


def _all(found: Mapping[str, Any]) -> dict[str, Any]:
    accuracy = found.get("accuracy") or {}
    return {**found["loss"], **accuracy, "missing_mass": found.get("missing_mass")}


def cells(say: Words, key: str, value: Any) -> list[str]:
    """A number and its interval in the key's unit."""
    form = say.percent if key in RATIOS else short
    if key == "total":
        return [f"{value:,.1f}" if abs(value) < 1e9 else short(value), ""]
    return say.pair(span(value), form) if isinstance(value, Mapping) else [form(float(value)), ""]


def _sentence(found: Mapping[str, Any], say: Words, key: str, nll: float) -> str:
    """What the number means, with the numbers that it comes from."""
    value = _all(found)[key]
    if key == "nll":
        return say("nll", p=say.percent(math.exp(-nll)))
    if key == "total":
        return say("total", nll=short(nll), weight=count(found["rows"]["weight"]))
    if key == "skill":
        worse = span(value).value < 0
        baseline = short(float(found["loss"]["baseline"]))
        return say("skill.worse" if worse else "skill", nll=short(nll), baseline=baseline)
    if key in RATIOS or key in OTHERS:
        return say(key, x=cells(say, key, value)[0])
    return say(key)
