"""What a chapter corrects is marked so, in one form, and the index counts it from the chapters."""

import re
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
WORDS = {
    "en": ("Corrected", ("The text says:", "Right is:", "Why:")),
    "ko": ("바로잡음", ("글에서는:", "바른 설명:", "까닭:")),
}
# A label without which method 1 does well, the sigmoid's threshold, "positive so that it can be
# differentiated", "always 0" in the quotient rule, the logarithm of the negative likelihood, what
# PyTorch's loss is, and the transpose.
KNOWN = {"2.17", "2.14", "2.7", "1.20", "4.24", "2.25", "5.5"}

# An announced topic or an open question -> its heading, which the contents list.
TOPICS = {
    "2.1": ["ch8-vgg16"],
    "4.2": ["ch6-mse-mae"],
    "4.35": ["ch9-local-minimum"],
    "4.36": ["ch7-information", "ch7-distance"],
    "4.37": ["ch9-log-and-data"],
    "4.38": ["ch9-mini-batch", "ch9-bagging"],
}


def chapters(language: str) -> list[str]:
    paths = sorted((DOCS / language / "tutorial").glob("[0-9]*.md"))
    return [path.read_text(encoding="utf-8") for path in paths]


def boxes(language: str) -> list[tuple[list[str], list[str], str]]:
    """The boxes of the chapters: their numbers, the labels of their paragraphs, the last anchor."""
    found = []
    for text in chapters(language):
        for box in re.finditer(r"^:::\{admonition\} ([^\n]+)\n(.*?)^:::$", text, re.M | re.S):
            if ":class: corrected" in box[2]:
                word, numbers = box[1].split(": ")
                assert word == WORDS[language][0]
                labels = re.findall(r"^\*\*([^*]+)\*\* (?=\S)", box[2], re.M)
                anchor = re.findall(r"^\((ch[\w-]+)\)=$", text[: box.start()], re.M)[-1]
                found.append((numbers.split(", "), labels, anchor))
    return found


def statements(language: str) -> dict[str, str]:
    """The rows of the index by their number."""
    text = (DOCS / language / "where-it-is.md").read_text(encoding="utf-8")
    return {row.split(" | ")[0][2:]: row for row in re.findall(r"^\| \d\.\d+ \|.*$", text, re.M)}


@pytest.mark.parametrize("language", WORDS)
def test_a_correction_says_what_the_text_said_what_is_right_and_why(language: str) -> None:
    assert [labels for _, labels, _ in boxes(language) if labels != [*WORDS[language][1]]] == []
    assert len(boxes(language)) > 20


def test_both_languages_correct_the_same() -> None:
    english, korean = ([(box[0], box[2]) for box in boxes(language)] for language in WORDS)
    assert english == korean


@pytest.mark.parametrize("language", WORDS)
def test_the_index_marks_what_the_chapters_correct(language: str) -> None:
    where = {number: anchor for numbers, _, anchor in boxes(language) for number in numbers}
    assert len(where) == sum(len(numbers) for numbers, _, _ in boxes(language))
    rows = statements(language)
    marked = {number for number, row in rows.items() if f"**{WORDS[language][0]}:**" in row}
    assert marked == set(where) >= KNOWN
    assert [n for n, anchor in where.items() if f"](#{anchor})" not in rows[n]] == []


@pytest.mark.parametrize("language", WORDS)
def test_the_index_lists_the_boxes(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sphinx", reason="Sphinx is absent: `make docs` installs it")
    monkeypatch.syspath_prepend(DOCS)
    read = import_module("directives").corrections
    listed = [line for text in chapters(language) for line in read(text)]
    assert [(n.split(", "), anchor) for n, _, _, anchor in listed] == [
        (numbers, anchor) for numbers, _, anchor in boxes(language)
    ]
    assert all(said and right and "**" not in said + right for _, said, right, _ in listed)
    text = (DOCS / language / "where-it-is.md").read_text(encoding="utf-8")
    assert "```{corrections}\n```" in text


@pytest.mark.parametrize("language", WORDS)
def test_topics_and_open_questions_stand_in_the_contents(language: str) -> None:
    lines = "\n".join(chapters(language)).splitlines()
    headings = {line[1:-2] for line, after in pairwise(lines) if after.startswith("## ")}
    rows = statements(language)
    first = (DOCS / language / "tutorial" / "index.md").read_text(encoding="utf-8")
    assert ":maxdepth: 2" in first
    for number, anchors in TOPICS.items():
        for anchor in anchors:
            assert anchor in headings
            assert f"](#{anchor})" in rows[number]
    for anchors in TOPICS.values():
        assert f"](#{anchors[-1]})" in first
