"""The report's two languages say the same things, and the glossary explains their words."""

import re
from collections.abc import Iterator

import pytest
from report_helpers import findings as report_findings

from neglog.report.show.page import GLOSSED
from neglog.report.show.parts import Figures, Section, Table
from neglog.report.show.sections import content
from neglog.report.show.words import BOOKS, Words

# Words that mean here what they mean everywhere, or what another word's entry says.
PLAIN = {"id", "text", "left_out", "figure", "", "nll_a", "nll_b"}
SAID = {
    "rows": "row", "document": "token", "tokens": "token", "per_token": "nll",
    "value": "slice", "by": "slice", "p_predicted": "p", "p_suggested": "p",
}  # fmt: skip


def places(text: str) -> set[str]:
    return set(re.findall(r"\{\w+\}", text))


def test_both_languages_have_the_same_keys_and_places() -> None:
    (english, glossary_en), (korean, glossary_ko) = BOOKS["en"], BOOKS["ko"]
    assert list(english) == list(korean)
    assert list(glossary_en) == list(glossary_ko)
    assert len(english) > 150
    assert {k: places(v) for k, v in english.items()} == {k: places(v) for k, v in korean.items()}


@pytest.mark.parametrize("language", BOOKS)
def test_a_language_is_its_own(language: str) -> None:
    hangul = re.compile("[가-힣]")
    words, glossary = BOOKS[language]
    signs = {key for key in words if len(re.sub(r"\{\w+\}", "", words[key])) < 5}
    for key, text in words.items():
        if key not in signs | {"label.nll", "label.id"}:
            assert bool(hangul.search(text)) == (language == "ko"), key
    assert all(bool(hangul.search(text)) == (language == "ko") for _, text in glossary.values())


def test_no_particle_follows_a_name_from_the_data() -> None:
    """은 or 는 depends on the last letter, which only the data know."""
    words, _ = BOOKS["ko"]
    names = "name|target|predicted|column|worst|best|a|b|names"
    bad = re.compile(rf"\{{(?:{names})\}}”?(?:[은는이가을를와과로](?![가-힣])|으로|이라)")
    assert [key for key, text in words.items() if bad.search(text)] == []


def tables_and_figures(sections: list[Section]) -> Iterator[str]:
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                yield from (column.key for column in block.columns)
            elif isinstance(block, Figures):
                yield from (figure.key for figure in block.entries)
        yield from tables_and_figures(list(section.parts))


@pytest.mark.parametrize("made", ["small", "only_the_target", "compared"])
def test_every_word_is_in_the_glossary(made: str) -> None:
    shown = content(getattr(report_findings, made)(), "en")
    keys = {GLOSSED.get(key, SAID.get(key, key)) for key in tables_and_figures(shown.sections)}
    assert keys - PLAIN - set(shown.say.glossary) == set()
    assert len(keys) > 5


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(ValueError, match="language must be one of 'en', 'ko', got 'fr'"):
        Words("fr")  # type: ignore[arg-type]


@pytest.mark.parametrize("findings", [{}, {"schema": "neglog.report/2"}])
def test_what_is_no_report_is_refused(findings: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"findings must have the schema 'neglog\.report/1'"):
        content(findings, "en")
