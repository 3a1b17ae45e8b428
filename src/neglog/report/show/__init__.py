"""The findings of a report, shown: a page, a terminal's text, one sentence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..._show.language import Language
from .sections import content

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["Language", "headline", "to_console", "to_html"]


def to_html(findings: Mapping[str, Any], language: Language = "en") -> str:
    """The findings of a report or a comparison as one HTML file that needs no network.

    Raises:
        ValueError: the language is not known, or these are no findings.
    """
    from .page import html

    return html(content(findings, language))


def to_console(findings: Mapping[str, Any], language: Language = "en") -> "RenderableType":
    """What Rich prints: as wide as the console, in the characters of its encoding.

    Raises:
        ValueError: the language is not known, or these are no findings.
        ModuleNotFoundError: Rich is missing: install neglog[cli].
    """
    from .terminal import renderable

    return renderable(content(findings, language))


def headline(findings: Mapping[str, Any], language: Language = "en") -> str:
    """The findings in a sentence or two.

    Raises:
        ValueError: the language is not known, or these are no findings.
    """
    return content(findings, language).headline
