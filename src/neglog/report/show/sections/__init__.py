"""Findings as sections, in the order of an analyst's questions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...._show.language import Language
from ..parts import Section
from ..words import Words
from . import calibration, comparison, loss, rows, summary, where, why

REPORT, COMPARISON = "neglog.report/1", "neglog.comparison/1"


@dataclass(frozen=True)
class Content:
    """All that is shown: the headline first, the glossary not included."""

    say: Words
    title: str
    headline: str
    remarks: list[str]  # on what was read
    short: list[tuple[str, str]]  # sentences, each with the key of its section
    sections: list[Section]


def content(findings: Mapping[str, Any], language: Language) -> Content:
    """What the findings say, in a language.

    Raises:
        ValueError: the language is not known, or these are no findings.
    """
    say = Words(language)
    schema = findings.get("schema")
    if schema == REPORT:
        return Content(
            say,
            say("title"),
            summary.headline(findings, say),
            summary.remarks(findings, say),
            summary.short(findings, say),
            [
                section(findings, say)
                for section in (
                    loss.section,
                    why.section,
                    where.section,
                    rows.worst,
                    rows.suspects,
                    calibration.section,
                )
            ],
        )
    if schema == COMPARISON:
        return Content(
            say,
            say("title.comparison"),
            comparison.headline(findings, say),
            comparison.remarks(findings, say),
            [],
            comparison.sections(findings, say),
        )
    raise ValueError(f"findings must have the schema {REPORT!r} or {COMPARISON!r}, got {schema!r}")
