"""One symbol for one thing: the formulas of all chapters follow the tables of symbols.

The tables stand in docs/{en,ko}/tutorial/index.md. A box that corrects a text quotes its letters
first; a chapter announces another text's letter as a formula of its own, such as $a$.
"""

import re
from importlib import import_module
from inspect import getdoc, isclass, isroutine
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = ("en", "ko")
CHAPTERS = sorted((DOCS / "en" / "tutorial").glob("[0-9]*.md"))
PAGES = [(language, path.name) for language in LANGUAGES for path in CHAPTERS]

CODE = re.compile(r"^```.*?^```", re.M | re.S)
QUOTED = re.compile(r"^:class: corrected\n\n\*\*.+?\n\n", re.M | re.S)
FORMULA = re.compile(r"\$\$(.+?)\$\$|\$([^$]+)\$", re.S)
WORDS = re.compile(r"\\(?:text|mathrm|operatorname|begin|end)(?:\{[^}]*\}|_\\text\{[^}]*\})")
DRESSED = re.compile(r"\\mathbf\{\w\}|\\mathcal \w|\\hat ?\\?\w+")  # letters of their own
GREEK = "alpha beta delta epsilon eta theta lambda Lambda mu pi sigma tau ell".split()
CONSTANTS = {"e", r"\pi"}

# What stands for something else in our letters -> what is written for it.
TAKEN = {
    r"\bL\s*\(|\bL_\d|\\log L\b": r"\Lambda is the likelihood, and L, the loss, has no argument",
    r"\by_[jk]\b": r"\mathbf{y}_j: an entry of the one-hot vector is bold",
    r"\bp(_\w)? - y": r"p - \mathbf{y}: p is a vector or an entry, y the number of a class",
    r"\\sigma\s*\(": r"\operatorname{sigmoid}: \sigma is a standard deviation",
    r"\\text\{(rate|학습률)\}": r"\eta",
}


def formulas(text: str) -> list[str]:
    return [block or inline for block, inline in FORMULA.findall(CODE.sub("", text))]


def letters(formula: str) -> set[str]:
    """The letters of a formula: z, \\theta, bold y; not the names of functions, not words."""
    formula = WORDS.sub(" ", formula)
    found = {match[0] for match in DRESSED.finditer(formula)}
    rest = DRESSED.sub(" ", formula)
    found |= {f"\\{name}" for name in re.findall(r"\\([A-Za-z]+)", rest) if name in GREEK}
    found |= set(re.findall(r"[A-Za-z]", re.sub(r"\\[A-Za-z]+", " ", rest)))
    return found - CONSTANTS


def rows(language: str) -> list[list[str]]:
    """The cells of the two tables of symbols."""
    text = (DOCS / language / "tutorial" / "index.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("|") and "$" in line]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def defined(language: str, chapter: int) -> tuple[set[str], set[str]]:
    """The letters that a chapter may use, and the formulas in which it may announce others."""
    ours: set[str] = set()
    elsewhere: set[str] = set()
    for first, second, *rest in rows(language):
        if first.isdigit():
            ours |= letters(second) if int(first) == chapter else set()
        else:
            ours |= {letter for formula in formulas(first) for letter in letters(formula)}
            elsewhere |= set(formulas(" ".join(rest)))
    return ours, elsewhere


def misused(text: str, language: str, chapter: int) -> dict[str, str]:
    """Formulas with a letter that no table has, or that stands for something else there."""
    ours, elsewhere = defined(language, chapter)
    wrong: dict[str, str] = {}
    for formula in formulas(QUOTED.sub("", text)):
        if formula in elsewhere:
            continue
        if unknown := letters(formula) - ours:
            wrong[formula] = f"in no table of symbols: {', '.join(sorted(unknown))}"
        plain = re.sub(r"\\(?:mathrm|operatorname)\{[^}]*\}", " ", formula)
        wrong |= {formula: why for pattern, why in TAKEN.items() if re.search(pattern, plain)}
    return wrong


@pytest.mark.parametrize(("language", "name"), PAGES)
def test_a_chapter_uses_the_letters_of_the_tables(language: str, name: str) -> None:
    text = (DOCS / language / "tutorial" / name).read_text(encoding="utf-8")
    assert len(formulas(text)) > 3
    assert misused(text, language, int(name[:2])) == {}


def test_both_languages_have_the_same_symbols() -> None:
    english, korean = (
        [[formulas(cell) for cell in row] for row in rows(language)] for language in LANGUAGES
    )
    first = [[row[0] or row[1], row[2] if row[0] else []] for row in english]
    assert first == [[row[0] or row[1], row[2] if row[0] else []] for row in korean]


def test_no_symbol_stands_for_two_things() -> None:
    """Neither twice in the table of all chapters, nor there and in one chapter."""
    everywhere = [f for row in rows("en") if not row[0].isdigit() for f in formulas(row[0])]
    here = [f for row in rows("en") if row[0].isdigit() for f in formulas(row[1])]
    assert len(set(everywhere + here)) == len(everywhere + here)


def test_every_symbol_of_a_table_is_used() -> None:
    for language, name in PAGES[: len(CHAPTERS)]:
        text = (DOCS / language / "tutorial" / name).read_text(encoding="utf-8")
        used = {letter for formula in formulas(text) for letter in letters(formula)}
        wanted = [row[1] for row in rows(language) if row[0] == str(int(name[:2]))]
        assert {letter for cell in wanted for letter in letters(cell)} <= used


@pytest.mark.parametrize(
    "formula",
    [
        r"1/K",
        r"L(\theta; x)",
        r"\ell = \log L",
        r"-\sum_j y_j \log p_j",
        r"p - y",
        r"\sigma(z)",
        r"z \leftarrow z - \text{rate} \cdot (p - \mathbf{y})",
        r"\hat y^\top \log p",
        r"P(y \mid x)",
        r"\frac{p_i}{f_k}",
    ],
)
def test_a_letter_of_another_text_is_seen(formula: str) -> None:
    assert misused(f"Then ${formula}$.", "en", 1)


def test_an_announcement_and_a_quotation_are_allowed() -> None:
    quoted = ":::{admonition} Corrected: 1.1\n:class: corrected\n\n**The text says:** $1/K$\n\n"
    assert misused(f"Others write $\\hat y$ for $p$.\n\n{quoted}", "en", 1) == {}


@pytest.mark.parametrize("module", ["neglog", "neglog.learn", "neglog.torch", "neglog.trace"])
def test_docstrings_use_the_letters_of_the_tables(module: str) -> None:
    """K is the number of classes elsewhere; here it is the number of the `chosen` ones."""
    for needed in ("neglog.torch", "neglog.learn"):
        pytest.importorskip(needed, exc_type=ImportError)
    face = import_module(module)
    things = [getattr(face, name) for name in face.__all__]
    things += [part for thing in things if isclass(thing) for part in vars(thing).values()]
    texts = [getdoc(thing) or "" for thing in things if isclass(thing) or isroutine(thing)]
    assert len(texts) > 3
    for text in texts:
        assert "chosen:" in text or not re.search(r"\bK\b", text), text
        assert not re.search(r"\bf\(x", text), text
