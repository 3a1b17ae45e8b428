"""Why: what the classes, the model's knowledge and its probabilities add to the loss."""

from collections.abc import Mapping
from typing import Any

from ...._show.words import short
from ..parts import Block, Figures, Scale, Section, Span, Steps
from ..words import Words, span
from .loss import figure
from .missing import absent
from .summary import MENTIONED

SEARCHED = (1 / 16, 16.0)  # temperatures


def section(found: Mapping[str, Any], say: Words) -> Section:
    """The section on the loss's parts and the temperature."""
    part = found.get("why")
    if part is None:
        return absent("why", say)
    nll = span(found["loss"]["nll"]).value
    entropy = found["loss"].get("entropy")
    blocks: list[Block] = []
    entries = []
    if part.get("uncertainty") is not None:
        blocks += [_sum(part, say, nll), _steps(part, say, nll)]
        entries += [
            figure(say, key, [short(part[key]), ""], say(key))
            for key in ("uncertainty", "discrimination", "miscalibration")
        ]
    if part.get("nll_minus_entropy") is not None and entropy is not None:
        gap = span(part["nll_minus_entropy"])
        side = "over" if gap.low > 0 else "under" if gap.high < 0 else "even"
        sentence = say(
            f"nll_minus_entropy.{side}", entropy=short(span(entropy).value), nll=short(nll)
        )
        entries.append(figure(say, "nll_minus_entropy", say.pair(gap), sentence))
    if part.get("temperature") is not None:
        best = part["temperature"]
        cells = say.pair(span(best), "{:.3g}".format)
        entries.append(figure(say, "temperature", cells, _temperature(best, say, nll)))
    blocks.append(Figures(entries))
    if part.get("temperature") is not None:
        blocks.append(_scale(part["temperature"], say))
    return Section("why", say("section.why"), blocks)


def _numbers(part: Mapping[str, Any], nll: float) -> dict[str, str]:
    keys = ("uncertainty", "discrimination", "miscalibration")
    return {key: short(part[key]) for key in keys} | {"nll": short(nll)}


def _sum(part: Mapping[str, Any], say: Words, nll: float) -> str:
    return say("why.sum", **_numbers(part, nll))


def _steps(part: Mapping[str, Any], say: Words, nll: float) -> Steps:
    numbers = _numbers(part, nll)
    top = part["uncertainty"]
    known = top - part["discrimination"]
    lines = [
        (say("label.uncertainty"), 0.0, top, numbers["uncertainty"]),
        (f"− {say('label.discrimination')}", top, known, f"− {numbers['discrimination']}"),
        (f"+ {say('label.miscalibration')}", known, nll, f"+ {numbers['miscalibration']}"),
        (f"= {say('label.nll')}", 0.0, nll, numbers["nll"]),
    ]
    return Steps(say("chart.steps"), say("axis.nats"), say("chart.steps.alt", **numbers), lines)


def _temperature(best: Mapping[str, Any], say: Words, nll: float) -> str:
    t = f"{best['value']:.3g}"
    if best["beyond"]:
        return say("temperature.beyond", t=t)
    gain = best["gain"]
    if gain <= MENTIONED * nll:
        return say("temperature.even", gain=short(gain))
    side = "over" if best["value"] > 1 else "under"
    return say(f"temperature.{side}", t=t, nll=short(best["nll"]), gain=short(gain))


def _scale(best: Mapping[str, Any], say: Words) -> Scale:
    found = span(best)
    first, last = ("1/16", "16")
    alt = say("chart.temperature.alt", first=first, last=last, t=f"{found.value:.3g}")
    return Scale(
        say("chart.temperature"),
        say("axis.temperature"),
        say("scale.left"),
        say("scale.right"),
        alt,
        found if found.low == found.low else Span(found.value),
        SEARCHED,
    )
