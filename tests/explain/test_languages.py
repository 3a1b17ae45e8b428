"""The explanation in Korean: the same numbers, every sentence, columns that stay aligned."""

import io
import json
import re
from functools import cache
from string import Formatter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")

from rich.cells import cell_len
from rich.console import Console

from neglog._show import figure as figure_parts
from neglog.cli import _words_en, _words_ko
from neglog.trace import Bernoulli, Normal, Trace, explain, explain_likelihood
from neglog.trace._text import renderable
from neglog.trace._words import LIKELIHOOD, ROWS, words

PETS = ["고양이", "dog", "말"]
INF, NAN = float("inf"), float("nan")
SUBJECTS = {
    "pets": lambda: explain([5, 4, 2], 0, class_names=PETS),
    "wrong": lambda: explain([5, 4, 2], 2, class_names=PETS),
    "tie": lambda: explain([4, 4, 1], 1, class_names=PETS),
    "tie without": lambda: explain([1.0] * 50 + [0], 50),
    "hot": lambda: explain([5, 4, 2], 0, temperature=0.001, dtype="float64"),
    "overflow": lambda: explain([1000, 0, -5], 0),
    "gap": lambda: explain([17, 0, 0], 0),
    "nan": lambda: explain([NAN, 0, 0], 1, dtype="float16"),
    "both": lambda: explain([INF, INF, -INF], 2, dtype="bfloat16"),
    "all": lambda: explain([INF, INF, INF], 2),
    "nothing": lambda: explain([-INF, -INF], 0),
    "thousand": lambda: explain(np.random.default_rng(0).normal(size=1000), 3),
    "batch": lambda: explain(
        [*(np.arange(90.0).reshape(30, 3) % 7).tolist(), [NAN, 1, 1]], [1] * 31
    ),
    "points": lambda: explain_likelihood([1, 2, 3], {"주황": Normal(1.5, 1), "b": Normal(4, 1)}),
    "tosses": lambda: explain_likelihood([1, 1, 0], {"a": Bernoulli(0.5), "1": Bernoulli(1.0)}),
    "ties": lambda: explain_likelihood([1, 0], {"a": Bernoulli(0.2), "b": Bernoulli(0.8)}),
    "alone": lambda: explain_likelihood([1, 0], {"a": Bernoulli(0.2)}),
    "impossible": lambda: explain_likelihood([1, 0], {"a": Bernoulli(0), "b": Bernoulli(1)}),
    "many": lambda: explain_likelihood(
        np.random.default_rng(7).normal(2, 1, 900).tolist(),
        {f"후보{k}": Normal(k, 1) for k in range(8)},
    ),
}
BOOKS = {
    "rows": ROWS,
    "likelihood": LIKELIHOOD,
    "command": {"en": _words_en.WORDS, "ko": _words_ko.WORDS},
}
LETTERS = re.compile(r"[가-힣]")


@cache
def trace(name: str) -> Trace:
    return SUBJECTS[name]()


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("book", BOOKS)
def test_every_sentence_is_there_in_both_languages_with_the_same_places(book: str) -> None:
    english, korean = BOOKS[book]["en"], BOOKS[book]["ko"]
    assert list(english) == list(korean), "the same keys, in the same order"
    for key, sentence in english.items():
        assert places(korean[key]) == places(sentence), key
        assert "\n" not in sentence or sentence.count("\n") == korean[key].count("\n")


@pytest.mark.parametrize("book", BOOKS)
def test_a_korean_sentence_is_korean(book: str) -> None:
    """What has no Korean letter is a symbol or a name: p, nll, neglog, z - m."""
    korean = BOOKS[book]["ko"]
    formulas = [key for key in korean if "formula." in key or key.endswith(".formula")]
    for key, sentence in korean.items():
        if key not in (*formulas, "lik.summary"):
            written = {"loss.nll", "column.neglog", "parameter.p"}
            assert LETTERS.search(sentence) or key in written, key
        assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", sentence), "no English sentence"


# A particle whose form follows the letter before it cannot follow a name or a number.
WAVERING = r"\}(은|는|이|가|을|를|과|와|으로|로|이나|나|이란|란|아|야|여)(?![가-힣])"


@pytest.mark.parametrize("book", BOOKS)
def test_no_particle_depends_on_a_name(book: str) -> None:
    sentences = BOOKS[book]["ko"].items()
    assert [key for key, sentence in sentences if re.search(WAVERING, sentence)] == []
    assert re.search(WAVERING, "{name}이 이깁니다")


@pytest.mark.parametrize("width", [40, 60, 77, 80, 120])
@pytest.mark.parametrize("name", SUBJECTS)
def test_no_line_is_wider_than_the_output(name: str, width: int) -> None:
    text = trace(name).to_text(width, lang="ko")
    assert max(map(cell_len, text.splitlines())) <= width
    assert not re.search(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f]| \n", text), "printable, no tails"


DECIMAL = r"-?\d+\.\d+(?:e[-+]\d+)?"
ENGLISH = r"[a-z]{3,}"
SYMBOLS = {"neglog", "nll", "log", "exp", "max", "sum", "sigmoid", "float", "bfloat", "inf", "nan"}


@pytest.mark.parametrize("name", SUBJECTS)
def test_both_languages_have_the_same_numbers_and_korean_no_english_word(name: str) -> None:
    english, korean = (trace(name).to_text(120, lang=lang) for lang in ("en", "ko"))
    # The order of two numbers in a sentence is the language's own.
    assert sorted(re.findall(DECIMAL, english)) == sorted(re.findall(DECIMAL, korean))
    assert set(re.findall(ENGLISH, korean)) - SYMBOLS <= {"dog", "to_dict", "dict"}


def column_ends(text: str, heads: tuple[str, ...], line: str) -> list[tuple[int, int]]:
    """Where each head ends and where the number below it ends, in cells."""
    lines = text.splitlines()
    at = next(i for i, one in enumerate(lines) if all(head in one for head in heads))
    below = next(one for one in lines[at + 1 :] if one.lstrip("* ").startswith(line))
    ends = [cell_len(below[: hit.end()]) for hit in re.finditer(r"\S+(?= {2}|$)", below)]
    found = [cell_len(lines[at][: lines[at].index(head) + len(head)]) for head in heads]
    return [(end, min(ends, key=lambda e: abs(e - end))) for end in found]


def test_numbers_stand_below_their_heads() -> None:
    text = trace("pets").to_text(lang="ko")
    for table, line in (
        (("그대로", "최댓값 빼기", "neglog", "참값"), "nll"),
        (("그대로", "최댓값 빼기", "neglog", "참값"), "방법 2"),
        (("z", "e^(z-m)", "-log p", "p - y"), "고양이"),
        (("z", "e^(z-m)", "-log p", "p - y"), "dog"),
        (("고양이", "dog", "말"), "말"),
    ):
        start = text.index("dp/dz") if table[0] == "고양이" else 0
        for head, number in column_ends(text[start:], table, line):
            assert head == number, (table, line)
    text = trace("points").to_text(lang="ko")
    for line in ("주황", "b"):
        start = text.index("곱인 가능도")
        heads = ("곱", "참값", "0이 된 점", "로그의 합")
        for head, number in column_ends(text[start:].split("\n", 1)[1], heads, line):
            assert head == number, line


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("pets", "정답(고양이)의 로짓이 가장 큽니다. 맞혔습니다."),
        ("wrong", "정답(말)보다 고양이의 로짓이 더 큽니다. 틀렸습니다."),
        ("tie", "로짓이 가장 큰 클래스가 여럿입니다: 고양이, dog. 정답(dog)도 그중 하나입니다."),
        ("tie without", "클래스 2, 클래스 3, 그 밖의 46개. 정답(클래스 50)은 그중에 없습니다."),
        ("points", "승자: 주황. 이 점들의 가능도가 b의 277.3배입니다."),
        ("ties", "동점: a, b."),
        ("impossible", "어느 후보에서나 밀도가 0인 점이 있습니다."),
    ],
)
def test_the_verdict_is_a_korean_sentence(name: str, said: str) -> None:
    assert said in " ".join(trace(name).to_text(120, lang="ko").split())


def test_english_is_the_default_and_other_languages_are_refused() -> None:
    pets = trace("pets")
    assert pets.to_text() == pets.to_text(lang="en")
    assert "가장" not in pets.to_text()
    for call in (pets.to_text, pets.plot, pets.to_html):
        with pytest.raises(ValueError, match=r"lang must be one of 'en', 'ko', got 'de'"):
            call(lang="de")  # type: ignore[arg-type]


def test_an_encoding_with_korean_letters_but_no_blocks_will_do() -> None:
    page = io.TextIOWrapper(io.BytesIO(), encoding="cp949")
    Console(file=page, width=80).print(renderable(trace("gap").subject, "ko"))
    page.flush()
    text = page.buffer.getvalue().decode("cp949")  # type: ignore[attr-defined]
    assert re.search(r"모르고 찍기 +#+ ", text)
    assert "\\u" not in text


# ---- figures and pages


@pytest.mark.parametrize("name", ["pets", "hot", "nan", "batch", "thousand", "points", "many"])
def test_a_figure_speaks_korean(name: str) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    from matplotlib.text import Text

    if not figure_parts._installed():
        pytest.skip("no font with Korean letters")
    figure = trace(name).plot(lang="ko")
    figure.savefig(io.BytesIO(), format="png", dpi=50)  # a missing letter would be a warning
    said = [text.get_text() for text in figure.findobj(Text) if text.get_text()]
    assert any(LETTERS.search(text) for text in said)
    own = {word for text in said for word in re.findall(ENGLISH, text)} - SYMBOLS
    assert own <= {"dog"}


def test_without_a_font_a_figure_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib", reason="needs the extra plot")
    monkeypatch.setattr(figure_parts, "_installed", list)
    with pytest.raises(ValueError, match="no font with Korean letters is installed: install one"):
        figure_parts.check_korean()


def start(page: str) -> Any:
    """The data of a page."""
    found = re.search(r'<script[^>]*id="trace"[^>]*>(.*?)</script>', page, re.S)
    assert found
    return json.loads(found[1])


@pytest.mark.parametrize("name", ["pets", "points"])
def test_a_page_opens_in_the_language_that_was_asked_for(name: str) -> None:
    page = trace(name).to_html
    assert "lang" not in start(page())
    assert [start(page(lang="ko"))["lang"], start(page(lang="en"))["lang"]] == ["ko", "en"]


def test_a_list_of_names_is_a_list_of_its_language() -> None:
    english, korean = (words(trace("pets").subject, lang) for lang in ("en", "ko"))
    assert english.listed(["a", "b", "c"]) == "a, b and c"
    assert korean.listed(["a", "b", "c"]) == "a, b, c"
    assert english.listed(["a"], 2) == "a and 2 more"
