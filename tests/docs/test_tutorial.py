"""Every chapter runs as printed, in both languages, and has all the parts of a chapter."""

import doctest
import io
import re
import tokenize
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import budgets
import matplotlib
import pytest
from matplotlib.figure import Figure

import neglog.exercises.ko

DOCS = Path(__file__).resolve().parents[2] / "docs"
LANGUAGES = ("en", "ko")
CHAPTERS = [path.stem for path in sorted((DOCS / "en" / "tutorial").glob("[0-9]*.md"))]
PAGES = [*(f"tutorial/{name}" for name in CHAPTERS), "index"]
FENCE = re.compile(r"^```(\{?\w+\}?)[^\n]*\n(.*?)^```", re.M | re.S)
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS

PARSER = doctest.DocTestParser()
VERDICT = re.compile(r"(?P<right>right|맞음): |(not yet|아직): ")
PRESETS = DOCS.parent / "src" / "neglog" / "trace" / "page" / "presets.js"

seconds: dict[str, float] = {}


def text(language: str, page: str) -> str:
    return (DOCS / language / f"{page}.md").read_text(encoding="utf-8")


def fences(language: str, page: str, kind: str) -> list[str]:
    return [body for found, body in FENCE.findall(text(language, page)) if found == kind]


def plots(language: str, page: str) -> list[str]:
    """The code of the figures, without the directive's options."""
    return [re.sub(r"\A(:\w+:.*\n)+\n", "", body) for body in fences(language, page, "{plot}")]


def runnable(language: str, page: str) -> str:
    """A page's code; without PyTorch, the blocks that need it are left out."""
    code = fences(language, page, "pycon")
    if find_spec("torch") is None:
        code = [body for body in code if "# needs torch" not in body.splitlines()[0]]
    return "\n".join(code)


def examples(page: str) -> Iterator[doctest.Example]:
    """A page's code, run once; a check, whose verdict has the page's language, runs in both."""
    english, korean = (PARSER.get_examples(runnable(k, page)) for k in LANGUAGES)
    for one, other in zip(english, korean, strict=True):
        yield one
        if one.want != other.want:
            source = re.sub(r"\bcheck_", "neglog.exercises.ko.check_", other.source)
            yield doctest.Example(source, other.want)


def without_comments(code: str) -> list[str]:
    return [re.sub(r"\s+# .*|^>>> # .*", "", line) for line in code.splitlines()]


def same_for_all(code: str) -> list[tuple[list[str], str]]:
    """Code and output without comments, without the language of verdicts and their words."""
    found = []
    for one in PARSER.get_examples(code):
        source = one.source.replace("neglog.exercises.ko", "neglog.exercises")
        right = VERDICT.match(one.want) if "check_" in source else None
        want = bool(right["right"]) if right else without_comments(one.want)
        found.append((without_comments(source), str(want)))
    return found


def without_words(code: str) -> list[tuple[int, str]]:
    """The tokens of a figure's code without its strings and comments."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return [
        (token.type, "" if token.type == tokenize.STRING else token.string)
        for token in tokens
        if token.type not in (tokenize.COMMENT, tokenize.NL)
    ]


def anchors(language: str, page: str) -> list[str]:
    return re.findall(r"^\((ch[\w-]+)\)=$", text(language, page), re.M)


def test_there_are_ten_chapters_in_two_languages() -> None:
    assert [name[:2] for name in CHAPTERS] == [f"{n:02}" for n in range(1, 11)]
    for name in (*PAGES, "where-it-is", "tutorial/index"):
        assert text("ko", name)


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    if "neglog.learn" in runnable("en", page):
        pytest.importorskip("sklearn")
    test = doctest.DocTest(list(examples(page)), {"neglog": neglog}, page, page, 0, "")
    said: list[str] = []
    start = perf_counter()
    results = doctest.DocTestRunner(verbose=False, optionflags=FLAGS).run(test, out=said.append)
    seconds[page] = perf_counter() - start
    assert results.failed == 0, "".join(said)
    assert results.attempted > (10 if page in CHAPTERS else 1)
    assert "".join(capsys.readouterr()) == ""  # nothing is printed but the expected output


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_code(page: str) -> None:
    english, korean = (same_for_all("\n".join(fences(k, page, "pycon"))) for k in LANGUAGES)
    assert english == korean


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_figures_and_frames(page: str) -> None:
    english, korean = ([without_words(code) for code in plots(k, page)] for k in LANGUAGES)
    assert english == korean
    first, second = (re.findall(r"^```\{page\} (.*)$", text(k, page), re.M) for k in LANGUAGES)
    assert first == second
    known = re.findall(r'^    "([\w-]+)": ', PRESETS.read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"preset=([\w-]+)", " ".join(first))) <= set(known)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CHAPTERS)
def test_a_figure_is_drawn_in_silence(name: str, language: str) -> None:
    code = plots(language, f"tutorial/{name}")
    assert code
    for body in code:
        namespace: dict[str, Any] = {}
        with matplotlib.rc_context(), warnings.catch_warnings():
            if language == "ko":  # not every machine has a font with Korean letters
                warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            exec(compile(body, name, "exec"), namespace)
            figure = namespace["figure"]
            assert isinstance(figure, Figure)
            figure.savefig(io.BytesIO(), format="svg")


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_what_every_chapter_has(name: str) -> None:
    page = f"tutorial/{name}"
    number = int(name[:2])
    ends = [f"ch{number}-{part}" for part in ("misunderstandings", "exercises", "next")]
    for language in LANGUAGES:
        here = text(language, page)
        assert anchors(language, page)[-3:] == ends
        assert anchors(language, page)[0].startswith(f"ch{number}-")
        assert "```{page} " in here
        assert len(re.findall(r"^:::\{admonition\} (?:Solution|풀이) \d$", here, re.M)) == 3
        assert all("\n:alt: " in f"\n{body}" for body in fences(language, page, "{plot}"))
    imported = re.findall(r"import ([^\n]*check_[^\n]*)", runnable("en", page))
    used = set(re.findall(r"check_\w+", " ".join(imported)))
    assert len(used) == 3
    for language, word in (("en", "right"), ("ko", "맞음")):
        right = re.findall(rf"^{word}: ", "\n".join(fences(language, page, "pycon")), re.M)
        assert len(right) >= 3
    english = r"^(right|not yet): |neglog\.exercises import .*check_"
    assert not re.search(english, text("ko", page), re.M)


def test_both_languages_have_the_same_anchors_and_links_lead_to_them() -> None:
    for language in LANGUAGES:
        known = [anchor for page in PAGES for anchor in anchors(language, page)]
        assert len(known) == len(set(known))
        for page in (*PAGES, "where-it-is"):
            wanted = set(re.findall(r"\]\(#(ch[\w-]+)\)", text(language, page)))
            assert wanted <= set(known), page
    for page in PAGES:
        assert anchors("en", page) == anchors("ko", page)


def test_every_statement_has_a_place_in_both_languages() -> None:
    english, korean = (
        re.findall(r"^\| (\d\.\d+) \|.*?\]\(#([\w-]+)\)", text(language, "where-it-is"), re.M)
        for language in LANGUAGES
    )
    assert english == korean
    assert len(english) == 111


def test_the_whole_tutorial_is_quick(capsys: pytest.CaptureFixture[str]) -> None:
    """Reported, not asserted: it runs after the chapters, and a busy machine is slower."""
    with capsys.disabled():
        total = sum(seconds.values())
        promised = budgets.TUTORIAL_TIME.milliseconds / 1000
        print(
            f" tutorial: {len(seconds)} pages in {total:.1f} s ({promised:.0f} s promised) ", end=""
        )
