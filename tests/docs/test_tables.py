"""Every row of a table has the cells of its header: a stray `|` splits one and drops the last."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

parser = pytest.importorskip("markdown_it", reason="markdown-it comes with Sphinx: `make docs`")

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
CELLS = {"th_open", "td_open"}


def tables(text: str) -> list[list[list[str]]]:
    """The tables that a page is built with: the text of every cell of every row."""
    found: list[list[list[str]]] = []
    tokens = parser.MarkdownIt("commonmark").enable("table").parse(text)
    for token, inside in pairwise(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in CELLS:
            found[-1][-1].append(inside.content)
    return found


def source_rows(text: str) -> list[str]:
    """The lines of a page that start with a bar, outside its code."""
    return re.findall(r"^\|.*\|$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)


def cells(line: str) -> int:
    """How many cells a line of a table asks for, which the parser cuts to those of the header."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_row_has_the_cells_of_its_header(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = source_rows(text)
    built = tables(text)
    assert len(lines) == sum(len(table) + 1 for table in built), "a row stands outside its table"
    for table in built:
        here, lines = lines[: len(table) + 1], lines[len(table) + 1 :]
        assert [line for line in here if cells(line) != len(table[0])] == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_statement_keeps_its_link(language: str) -> None:
    text = (ROOT / "docs" / language / "where-it-is.md").read_text(encoding="utf-8")
    rows = [row for table in tables(text) for row in table[1:]]
    assert len(rows) > 100
    assert [row[0] for row in rows if not re.search(r"\]\(#ch\d", row[-1])] == []


def test_a_stray_bar_is_seen() -> None:
    text = "| a | b |\n|---|---|\n| p(x | y) | [link](#ch1) |\n"
    assert tables(text) == [[["a", "b"], ["p(x", "y)"]]]
    assert [cells(line) for line in source_rows(text)] == [2, 2, 3]
