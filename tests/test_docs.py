"""What the documents say is what the code does and what the benchmark measured."""

import doctest
import re
from pathlib import Path

import pytest

from bench import table

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [code for found, code in FENCE.findall(text) if found == language]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md", "docs/coming-from-torch.md"])
def test_the_examples_of_a_document_run(name: str) -> None:
    if "torch" in name:
        pytest.importorskip("torch", reason="torch is absent: its page has nothing to run on")
    code = "\n".join(blocks(ROOT / name, "pycon"))
    test = doctest.DocTestParser().get_doctest(code, {}, name, name, 0)
    said: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.DocTestRunner(verbose=False, optionflags=flags).run(test, out=said.append)
    assert results.attempted > 10
    assert results.failed == 0, "".join(said)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_a_document_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`([a-z]{2,}/[\w./]*)`", text)
    named += re.findall(r"\]\(((?!http)[\w./-]+)\)", text)
    assert [name for name in named if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_verbs_that_a_document_names_exist(path: Path) -> None:
    verbs = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make (\w+)", text, re.M)) <= verbs


@pytest.mark.parametrize("name", table.READMES)
def test_the_tables_are_the_kept_run(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert table.updated(text, table.kept_run(), table.READMES[name]) == text


def test_both_readmes_show_the_same_code() -> None:
    english, korean = (
        re.sub(r" *#.*", "", "".join(blocks(ROOT / name, "pycon"))) for name in table.READMES
    )
    assert english == korean
