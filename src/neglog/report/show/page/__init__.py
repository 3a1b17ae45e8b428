"""The page: one HTML file whose text, tables and charts need no script."""

from collections.abc import Iterable
from functools import cache
from html import escape
from importlib.resources import files

from ...._show.html import filled, fixed_parts
from ..parts import Block, Figure, Figures, Section, Table
from ..sections import Content
from ..words import Words
from .charts import chart
from .tables import table

_STYLES = "page", "charts"

# Figures whose word in the glossary has another key.
GLOSSED = {"top1": "accuracy", "top3": "topk", "top5": "topk"}


def html(content: Content) -> str:
    """The whole file."""
    say = content.say
    fixed = _fixed()
    links = [(section.key, section.title) for section in content.sections]
    links.append(("glossary", say("section.glossary")))
    parts = {
        "language": say.language,
        "title": escape(content.title),
        "headline": _text(content.headline),
        "remarks": "".join(_paragraph(remark) for remark in content.remarks),
        "short": _short(content),
        "contents": f'<nav aria-label="{escape(say("contents"))}"><ol>{_items(links)}</ol></nav>',
        "body": _Body(say).sections(content.sections),
        "glossary": _glossary(say),
        "skip": escape(say("skip")),
        "foot": escape(say("foot")),
        "sort": escape(say("sort", column="%")),
    }
    return filled(fixed["page"], fixed | parts)


@cache
def _fixed() -> dict[str, str]:
    return fixed_parts(files(__package__), ["sort"], _STYLES)


def _text(sentence: str) -> str:
    """Text as HTML, with no line break before a percent sign."""
    return escape(sentence).replace(" %", "\u00a0%")


def _paragraph(sentence: str) -> str:
    return f"<p>{_text(sentence)}</p>"


def _items(links: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<li><a href="#{key}">{_text(text)}</a></li>' for key, text in links)


def _short(content: Content) -> str:
    """The findings in short, each with a link to more of it."""
    if not content.short:
        return ""
    heading = escape(content.say("short"))
    return f'<h2 id="short">{heading}</h2><ul class="short">{_items(content.short)}</ul>'


def _glossary(say: Words) -> str:
    entries = "".join(
        f'<div id="g-{key}"><dt>{escape(word)}</dt><dd>{_text(meaning)}</dd></div>'
        for key, (word, meaning) in say.glossary.items()
    )
    title = escape(say("section.glossary"))
    return f'<h2 id="glossary">{title}</h2><dl class="glossary">{entries}</dl>'


class _Body:
    """The sections. An id is given once: slices of several columns share a key."""

    def __init__(self, say: Words) -> None:
        self.say = say
        self.ids: set[str] = set()

    def sections(self, sections: Iterable[Section], level: int = 2) -> str:
        """Sections with headings of this level, and their parts with the next one."""
        return "".join(self._section(section, level) for section in sections)

    def _section(self, section: Section, level: int) -> str:
        key = self._id(section.key)
        heading = f'<h{level} id="{key}">{escape(section.title)}</h{level}>'
        inside = "".join(self._block(block) for block in section.blocks)
        parts = self.sections(section.parts, level + 1)
        return f'<section aria-labelledby="{key}">{heading}{inside}{parts}</section>'

    def _block(self, block: Block) -> str:
        if isinstance(block, str):
            return _paragraph(block)
        if isinstance(block, Figures):
            return f'<dl class="figures">{"".join(map(self._figure, block.entries))}</dl>'
        if isinstance(block, Table):
            return table(block, self.say, self._id(f"t-{block.key}"))
        return chart(block, self.say)

    def _figure(self, figure: Figure) -> str:
        key = GLOSSED.get(figure.key, figure.key)
        label = self.say("interval.label")
        interval = f"<small>{escape(label)}: {escape(figure.interval)}</small>"
        return (
            f'<div><dt><a href="#g-{key}">{escape(figure.label)}</a></dt>'
            f"<dd><b>{escape(figure.value)}</b>{interval if figure.interval else ''}"
            f"{_paragraph(figure.sentence)}</dd></div>"
        )

    def _id(self, key: str) -> str:
        found, number = key, 1
        while found in self.ids:
            number += 1
            found = f"{key}-{number}"
        self.ids.add(found)
        return found
