"""The documents agree with the code and with the kept run of the benchmark."""

import doctest
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from bench import documents, lookup

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
TORCH = ("docs/en/coming-from-torch.md", "docs/ko/coming-from-torch.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(path: Path, language: str) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [code for found, code in FENCE.findall(text) if found == language]


@pytest.mark.parametrize("name", [*documents.README, *TORCH])
def test_the_examples_of_a_document_run(name: str) -> None:
    if "torch" in name:
        pytest.importorskip("torch", reason="torch is not installed: the page cannot run")
    code = "\n".join(blocks(ROOT / name, "pycon"))
    test = doctest.DocTestParser().get_doctest(code, {}, name, name, 0)
    said: list[str] = []
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    results = doctest.DocTestRunner(verbose=False, optionflags=flags).run(test, out=said.append)
    assert results.attempted > 5
    assert results.failed == 0, "".join(said)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_a_document_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = re.findall(r"`([a-z]{2,}/[\w./]*)`", text)
    named += re.findall(r"\]\(((?!http)[\w./-]+)\)", text)
    assert [name for name in named if not (path.parent / name).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_verbs_that_a_document_names_exist(path: Path) -> None:
    verbs = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^)make (\w+)", text, re.M)) <= verbs


def in_reference(text: str) -> Iterator[Any]:
    """The modules, classes and functions that a page of the reference shows."""
    module = ""
    for kind, name in re.findall(r"^\.\. (currentmodule|auto\w+):: ([\w.]+)$", text, re.M):
        module = module if kind.startswith("auto") and kind != "automodule" else name
        yield resolve_name(module if module == name else f"{module}.{name}")


@pytest.mark.parametrize("module", ["neglog", "neglog.learn", "neglog.torch", "neglog.trace"])
def test_every_public_name_stands_in_the_reference(module: str) -> None:
    for needed in ("neglog.torch", "neglog.learn"):
        pytest.importorskip(needed, exc_type=ImportError)
    face = import_module(module)
    pages = (ROOT / "docs" / "en" / "reference").glob("*.md")
    shown = {thing for page in pages for thing in in_reference(page.read_text(encoding="utf-8"))}
    assert [name for name in face.__all__ if getattr(face, name) not in shown] == []


@pytest.mark.parametrize(
    ("path", "words"),
    [pytest.param(*item, id=item[0].name) for item in documents.documents().items()],
)
def test_every_measured_figure_is_the_kept_runs(path: Path, words: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert documents.updated(text, lookup.kept_run(), words) == text
    assert documents.unmarked(text) == [], "a figure needs a marker: see bench/documents.py"


@pytest.mark.parametrize("names", [tuple(documents.README), TORCH], ids=lambda names: names[0])
def test_both_languages_show_the_same_code_and_figures(names: tuple[str, str]) -> None:
    english, korean = (
        re.sub(r" *#.*", "", "".join(blocks(ROOT / name, "pycon"))) for name in names
    )
    assert english == korean
    figures = [re.findall(r"<!--figure ([\w-]+)-->", (ROOT / n).read_text("utf-8")) for n in names]
    assert sorted(figures[0]) == sorted(figures[1])


def sphinx_part(name: str) -> Any:
    """docs/{name}.py, which Sphinx loads."""
    pytest.importorskip("sphinx", reason="Sphinx is absent: `make docs` installs it")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        return import_module(name)


def test_docstrings_mean_what_they_say() -> None:
    lines = [
        "With w:",
        "",
        "    L = w_ |a|",
        "",
        "|a| of x_, ``x_`` and `x_`. N. J. H.",
        ">>> x_ | y",
        "",
    ]
    module = sphinx_part("directives")
    module.keep_columns(None, "", "", None, None, lines)
    module.keep_letters(None, "", "", None, None, lines)
    assert lines == [
        *("With w::", "", "    L = w_ |a|", ""),
        r"\|a\| of x\_, ``x_`` and `x_`. \N. \J. H.",
        *(">>> x_ | y", ""),
    ]


def test_built_pages_ask_no_other_host() -> None:
    pages = sorted((ROOT / "build" / "docs").rglob("*.html"))
    if not pages:
        pytest.skip("no pages: `make docs` builds them")
    asks = re.compile(r"<(?:script|img|iframe|link|source)[^>]+(?:src|href)=\"(?:https?:)?//[^>]*>")
    found = [(page.name, hit) for page in pages for hit in asks.findall(page.read_text("utf-8"))]
    assert found == []
