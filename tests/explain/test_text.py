"""The explanation as text: whole, aligned, within its width, and in words that a learner reads."""

import io
import re
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rich", reason="needs the extra cli")

from rich.cells import cell_len
from rich.console import Console

from neglog._show.text import TextOutput
from neglog.trace import Bernoulli, Normal, Trace, explain, explain_likelihood

PETS = ["cat", "dog", "horse"]
INF, NAN = float("inf"), float("nan")


def hundreds() -> Any:
    """Points whose product underflows under both densities."""
    points = np.random.default_rng(7).normal(2, 1, 900).tolist()
    return explain_likelihood(points, {"orange": Normal(2, 1), "blue": Normal(5, 1)})


SUBJECTS = {
    "pets": lambda: explain([5, 4, 2], 0, class_names=PETS),
    "tie": lambda: explain([4, 4, 1], 1, class_names=PETS),
    "wide names": lambda: explain([4, 4, 1], 2, class_names=["고양이", "개" * 30, "말"]),
    "hot": lambda: explain([5, 4, 2], 0, temperature=0.001, dtype="float64"),
    "far": lambda: explain([1e30, -1e-30, -1234567.5], 1, dtype="float64", temperature=7),
    "overflow": lambda: explain([1000, 0, -5], 0),
    "gap": lambda: explain([17, 0, 0], 0),
    "nan": lambda: explain([NAN, 0, 0], 1, dtype="float16"),
    "infinities": lambda: explain([INF, INF, -INF], 2, dtype="bfloat16"),
    "alone": lambda: explain([3.5], 0),
    "six": lambda: explain([-700, -600.5, 1, 2, 3, 700], 3, dtype="float64"),
    "thousand": lambda: explain(np.random.default_rng(0).normal(size=1000), 3),
    "batch": lambda: explain(np.arange(90.0).reshape(30, 3) % 7, [1] * 30),
    "points": lambda: explain_likelihood([1, 2, 3], {"a": Normal(1.5, 1), "b": Normal(4, 1)}),
    "tosses": lambda: explain_likelihood([1, 1, 0], {"fair": Bernoulli(0.5), "1": Bernoulli(1.0)}),
    "hundreds": hundreds,
}


@pytest.mark.parametrize("name", SUBJECTS)
def test_every_text_keeps_to_its_width(name: str) -> None:
    trace = SUBJECTS[name]()
    for width in (40, 60, 77, 80, 120):
        text = trace.to_text(width)
        assert max(map(cell_len, text.splitlines())) <= width
        assert not re.search(r"[^\S\n ]|[\x00-\x09\x0b-\x1f\x7f]| \n", text), "printable, no tails"


def numbers_of(text: str, label: str) -> list[float]:
    """The numbers behind a label."""
    line = next(line for line in text.splitlines() if line.lstrip("* ").startswith(f"{label} "))
    return [float(x) for x in re.findall(r"-?(?:\d[\d.]*(?:e-?\d+)?|inf|nan)(?=\s|$)", line)]


def test_the_pets_have_their_numbers() -> None:
    text = SUBJECTS["pets"]().to_text()
    p = np.exp([5, 4, 2]) / np.exp([5, 4, 2]).sum()
    for j, (name, z) in enumerate(zip(PETS, (5, 4, 2), strict=True)):
        expected = [z, np.exp(z - 5), p[j], -np.log(p[j]), p[j] - (j == 0)]
        assert numbers_of(text, name)[:5] == pytest.approx(expected, abs=5e-5)
    assert numbers_of(text, "unhappiness") == pytest.approx([-np.log(p[0])], abs=5e-5)
    assert numbers_of(text, "a blind guess") == pytest.approx([np.log(3)], abs=5e-5)
    assert numbers_of(text, "sum of e^z") == pytest.approx([np.exp([5, 4, 2]).sum()] * 2, rel=1e-6)
    assert numbers_of(text, "method 2")[1:] == pytest.approx(
        [-np.log(p[0] * (1 - p[1:]).prod())] * 4
    )
    assert "what goes wrong" not in text


def test_four_ways_stand_side_by_side_and_what_is_lost_is_said() -> None:
    text = SUBJECTS["gap"]().to_text()
    assert numbers_of(text, "nll") == [0, 0, 8.279875e-08, 8.279875e-08]
    below = text.splitlines()[[x.startswith("nll ") for x in text.splitlines()].index(True) + 1]
    assert below.split() == ["cancel", "100%", "cancel", "100%", "error", "2e-08"]
    assert re.search(r"^shifted +cancel +.*nll, gradient \(1 of 3\)", text, re.M)
    assert re.search(r"^cancel: .*digits", text, re.M)
    assert "overflow" not in text, "what did not happen is not explained"


def test_exact_numbers_may_lie_beyond_every_float() -> None:
    text = explain([1000, 4, -5], 0, dtype="float64").to_text()
    assert re.search(r"^sum of e\^z +inf +1\.970e\+434$", text, re.M)
    assert re.search(r"^nll +nan +0 +0 +2\.772e-433$", text, re.M)


@pytest.mark.parametrize(
    ("logits", "target", "said"),
    [
        ([5, 4, 2], 0, "The target, cat, has the largest logit: right."),
        ([4, 2, 8], 0, "The target is cat, but horse has the largest logit: wrong."),
        ([4, 4, 1], 1, "cat and dog tie for the largest logit. The target, dog, is one of them."),
        ([4, 4, 1], 2, "The target, horse, is none of them."),
        ([NAN, 4, 1], 2, "A logit is nan: no class is the largest, and everything after is nan."),
        ([-INF, -INF, -INF], 2, "Every logit is -inf: no class can have a probability"),
        ([INF, 1, INF], 2, "cat and horse are both inf: inf / inf has no value, the rest is nan."),
        ([INF, 1, 1], 0, "The target, cat, has the largest logit: right."),
    ],
)
def test_the_verdict_is_a_sentence(logits: list[float], target: int, said: str) -> None:
    text = " ".join(explain(logits, target, class_names=PETS).to_text().split())
    assert said in text


def test_many_ties_are_counted() -> None:
    text = explain([1.0] * 50, 7).to_text()
    assert "class 0, class 1, class 2, class 3 and 46 more tie" in text


def test_of_many_classes_the_largest_the_target_and_the_others_are_shown() -> None:
    z = np.random.default_rng(0).normal(size=1000)
    text = explain(z, 3, dtype="float64").to_text()
    p = np.exp(z) / np.exp(z).sum()
    kept = sorted({3, *np.argsort(-z)[:10]})
    assert re.findall(r"class (\d+) +-?\d", text) == [str(j) for j in kept]
    others = numbers_of(text.replace("the others (989)", "others"), "others")
    rest = 1 - p[kept].sum()
    lse = np.log(np.exp(np.delete(z, kept)).sum())
    assert others[0] == pytest.approx(lse, rel=1e-4)
    assert others[2:5] == pytest.approx([rest, -np.log(rest), rest], abs=5e-5)


def test_wide_names_are_aligned_and_long_ones_cut() -> None:
    text = SUBJECTS["wide names"]().to_text()
    lines = [
        line for line in text.splitlines() if re.search(r"^[* ] {2}(고양이|개+…|말) +\d", line)
    ]
    assert len(lines) == 3
    ends = [cell_len(line[: line.index(z) + 1]) for line, z in zip(lines, "441", strict=True)]
    assert len(set(ends)) == 1, "the logits stand below each other"
    assert "개" * 7 + "…" in lines[1]


def test_hostile_names_are_text() -> None:
    names = ["[bold red]x[/]", "a\x1b[31m\n\t\r\x00", "\u202eevil\ud800"]
    text = explain([3, 2, 1], 2, class_names=names).to_text()
    for shown in ("[bold red]x[/]", r"a\x1b[31m\n\t", r"\u202eevil\ud8"):
        assert shown in text
    text.encode()  # no lone surrogate is left


def test_an_output_without_blocks_has_ascii() -> None:
    page = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Console(file=page, width=80).print(explain([5, 4, 2], 0, class_names=["고양이", "é", "말"]))
    page.flush()
    text = page.buffer.getvalue().decode("ascii")  # type: ignore[attr-defined]
    assert r"\uace0\uc591\..." in text
    assert re.search(r"unhappiness +#+ ", text)


def test_colour_is_for_terminals() -> None:
    screen = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    screen.print(SUBJECTS["gap"]())
    assert re.search(r"\x1b\[1;31m *cancel 100%\x1b\[0m", screen.file.getvalue())  # type: ignore[attr-defined]


def test_a_batch_has_a_line_for_each_row_and_its_mean() -> None:
    text = SUBJECTS["batch"]().to_text()
    nll = [row.steps["nll"].exact[0] for row in SUBJECTS["batch"]().subject.rows]
    assert numbers_of(text, "sum")[3] == pytest.approx(float(sum(nll)), rel=1e-6)
    assert numbers_of(text, "mean")[3] == pytest.approx(float(sum(nll) / 30), rel=1e-6)
    assert len(re.findall(r"^ *\d+ +class 1 ", text, re.M)) == 20
    assert "and 10 more rows" in text
    assert "The first 3 rows are shown in full; to_dict() has all 30." in text
    assert re.findall(r"^Row (\d+)", text, re.M) == ["0", "1", "2"]


@pytest.mark.parametrize("part", [0, 0.01, 0.3, 0.5, 0.999, 1])
def test_a_bar_is_as_long_as_its_part(part: float) -> None:
    eighths = "▏▎▍▌▋▊▉█"
    bar = TextOutput("utf-8", 80).bar(part, 20)
    assert sum((eighths.index(c) + 1) / 8 for c in bar) == pytest.approx(20 * part, abs=1 / 16)
    assert len(TextOutput("latin-1", 80).bar(part, 20)) == pytest.approx(20 * part, abs=0.5)


def test_a_bar_of_nothing_that_can_be_drawn() -> None:
    out = TextOutput("utf-8", 80)
    assert (out.bar(NAN, 8), out.bar(INF, 8), out.bar(-1, 8)) == ("", "█" * 8, "")


# ---- likelihood


def test_points_have_their_densities_and_a_winner() -> None:
    text = SUBJECTS["points"]().to_text()
    assert "a wins: it makes the points 277.3 times as likely as b." in text
    assert re.search(r"^ +1 +1 +0\.3521 +0\.0044$", text, re.M)
    assert re.search(r"^\* +a +0\.0161 +0\.01605371 +- +-4\.13182$", text, re.M)
    assert "The maximum is at mean 2, sd 0.816497: sum of logs -3.64862." in text


def test_an_underflow_is_named_with_its_point() -> None:
    text, subject = hundreds().to_text(), hundreds().subject
    for candidate in subject.candidates:
        lost = candidate.underflow_at
        assert candidate.product[lost - 1] == 0 < candidate.product[lost - 2]
        assert re.search(rf"{candidate.name} +0 +\S+e-\d+ +{lost} ", text)
    assert "A product that became 0 cannot be compared" in text
    assert "891 more" in text


def test_coins_that_tie_and_coins_that_cannot_have_done_it() -> None:
    def said(**coins: Bernoulli) -> str:
        return explain_likelihood([1, 0], coins).to_text()

    assert "a and b tie" in said(a=Bernoulli(0.2), b=Bernoulli(0.8))
    assert "none is possible" in said(a=Bernoulli(0.0), b=Bernoulli(1.0))
    assert "0: 0.8000   1: 0.2000" in said(a=Bernoulli(0.2))


# ---- anything


@settings(max_examples=40)
@given(data=st.data())
def test_any_row_has_a_text(data: Any) -> None:
    number = st.floats(width=32) | st.sampled_from([INF, -INF, NAN, 0.0, 1e30, -1e-40])
    logits = data.draw(st.lists(number, min_size=1, max_size=15))
    names = data.draw(
        st.lists(st.text(max_size=30), min_size=len(logits), max_size=len(logits), unique=True)
    )
    target = data.draw(st.integers(0, len(logits) - 1))
    dtype = data.draw(st.sampled_from(["float16", "bfloat16", "float32", "float64"]))
    temperature = data.draw(st.sampled_from([1.0, 0.1, 1000.0]))
    trace = explain(logits, target, class_names=names, dtype=dtype, temperature=temperature)
    text = trace.to_text()
    text.encode()
    assert max(map(cell_len, text.splitlines())) <= 80
    assert all(line.isprintable() for line in text.splitlines())


def test_without_rich_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trace: Trace = SUBJECTS["pets"]()
    monkeypatch.setitem(sys.modules, "rich", None)
    with pytest.raises(ModuleNotFoundError, match=r"neglog\[cli\]"):
        trace.to_text()
