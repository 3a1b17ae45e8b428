"""One language: its sentences filled with numbers, and how it writes numbers and names."""

from collections.abc import Mapping
from typing import Any

from ..._show.language import Language, Sentences
from ..._show.words import printable, short, shortened
from .glossary_en import GLOSSARY as GLOSSARY_EN
from .glossary_ko import GLOSSARY as GLOSSARY_KO
from .parts import Span
from .words_en import WORDS as WORDS_EN
from .words_ko import WORDS as WORDS_KO

BOOKS = {"en": (WORDS_EN, GLOSSARY_EN), "ko": (WORDS_KO, GLOSSARY_KO)}

NAME, TEXT = 40, 160  # characters of a name and of a row's text that are shown


class Words(Sentences):
    """The words of a language."""

    def __init__(self, language: Language) -> None:
        super().__init__(language, {lang: words for lang, (words, _) in BOOKS.items()}, "language")
        self.language = self.lang
        self.glossary = BOOKS[self.lang][1]

    def percent(self, share: float) -> str:
        """A share of 0..1, with three digits; what is near 1 keeps the distance from it."""
        size = abs(share) * 100
        if 99 < size < 100:
            return self("percent", x=f"{100 * share:.2f}")
        digits = 0 if size >= 99.95 or size == 0 else 1 if size >= 1 else 2
        return self("percent", x=f"{100 * share:.{digits}f}")

    def round_percent(self, share: float) -> str:
        """A share that is a round number."""
        return self("percent", x=f"{100 * share:.6g}")

    def interval(self, span: Span, form: Any = short) -> str:
        """An interval's ends; nothing where there is none."""
        if span.low != span.low or span.high != span.high:
            return ""
        return self("interval", low=form(span.low), high=form(span.high))

    def pair(self, span: Span, form: Any = short) -> list[str]:
        """Two cells: a number and its interval."""
        return [form(span.value), self.interval(span, form)]


def name(thing: Mapping[str, Any], key: str = "name") -> str:
    """A name from the data, fit to be shown."""
    return cut(thing[key], NAME)


def cut(text: Any, most: int) -> str:
    """A text from the data on one line: no control characters, at most so many characters."""
    flat = " ".join(str(text)[: 4 * most].split())
    return shortened(printable(flat[: most + 1]), most)


def span(estimate: Mapping[str, Any]) -> Span:
    """The findings' form of an estimate as numbers."""
    low, high = estimate["low"], estimate["high"]
    if low is None or high is None:
        return Span(float(estimate["value"]))
    return Span(float(estimate["value"]), float(low), float(high))


def count(n: float) -> str:
    """A number of rows; weights may be no integers."""
    return f"{n:,.0f}" if n == int(n) else f"{n:,.4g}" if n < 1e4 else f"{n:,.1f}"
