"""`--fail-if`: which figure a condition means, when it holds, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neglog.cli._conditions import parse

pytest.importorskip("rich", reason="needs the extra cli")


def estimate(value: Any) -> dict[str, Any]:
    return {"value": value, "low": value - 0.125, "high": value + 0.125}


FINDINGS = {
    "schema": "neglog.report/1",
    "rows": {"left_out": {"not finite": 2}},
    "loss": {"nll": estimate(0.5), "perplexity": "inf", "bits_per_byte": None},
    "accuracy": {"top1": estimate(0.75), "top3": estimate(0.875)},
    "why": {"temperature": {"value": 2.0, "gain": 0.25}},
    "distribution": {"quantiles": [{"q": 0.5, "nll": 0.25}, {"q": 0.99, "nll": 4.0}], "max": 8.0},
    "classes": {
        "listed": [
            {"class": 0, "name": "cat", "nll": estimate(0.25), "confusion": {"cost": 3}},
            {"class": 1, "name": "0", "nll": {"value": "nan", "low": None, "high": None}},
            {"class": 2, "name": 'a="b"].c', "nll": estimate(1.0)},
        ],
        "left_out": 7,
    },
    "slices": {"lang": {"listed": [{"value": "ko", "nll": estimate(1.5)}], "left_out": 0}},
    "calibration": None,
    "suspects": {"temperature": 3.0},
}
FIGURES = [
    ("nll", 0.5),
    ("loss.nll", 0.5),
    (" loss . nll ", 0.5),
    ("nll.high", 0.625),
    ("perplexity", float("inf")),
    ("accuracy", 0.75),
    ("accuracy.top3.low", 0.75),
    ("top3", 0.875),
    ("temperature", 2.0),  # of the first section that has one
    ("suspects.temperature", 3.0),
    ("why.temperature.gain", 0.25),
    ("quantile[0.99].nll", 4.0),
    ("quantile[q=.5].nll", 0.25),
    ("max", 8.0),
    ("left_out.not finite", 2.0),
    ("class[cat].nll", 0.25),
    ("class[name=cat].nll", 0.25),
    ("class[ cat ].confusion.cost", 3.0),
    ('class["cat"].nll', 0.25),
    ("class[2].nll", 1.0),
    ("class[class=2].nll", 1.0),
    (r'class["a=\"b\"].c"].nll', 1.0),
    ("slice[lang=ko].nll", 1.5),
    ('slice["lang"="ko"].nll.low', 1.375),
    ("slices.lang.listed[ko].nll", 1.5),
]


@pytest.mark.parametrize(("figure", "value"), FIGURES)
def test_a_figure_is_a_path_through_the_findings(figure: str, value: float) -> None:
    def holds(condition: str) -> bool:
        return parse(condition).holds(FINDINGS) is not None

    for sign, result in (("<", False), ("<=", True), (">", False), (">=", True)):
        assert holds(f"{figure}{sign}{value}") is result
    assert holds(f"{figure} > {value - 1}") is (value != float("inf"))
    assert not holds(f"{figure} < {value - 1}")


def test_what_holds_says_the_figure() -> None:
    assert parse("nll > 0.35").holds(FINDINGS) == "nll > 0.35: it is 0.5"


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("nnl > 1", "there is no 'nnl'; did you mean nll?"),
        ("slice[lang=kr].nll > 1", "there is no 'kr'; did you mean ko?"),
        ("slice[lng=ko].nll > 1", "there is no 'lng'; did you mean lang?"),
        ("slice[ko].nll > 1", "slice needs a column and a value: slice[lang=ko].nll"),
        ("slice.lang > 1", "slice needs a column and a value: slice[lang=ko].nll"),
        ("class[dog].nll > 1", "(7 that cost less are not listed)"),
        ("class[cat].kind > 1", "there is no 'kind' among 'class', 'name', 'nll', 'confusion'"),
        ("rows[1].nll > 1", "no entry can be chosen by [1] there"),
        ("class[0].nll > 1", "it is nan, which is neither above nor below a number"),
        ("calibration.top_label.error > 1", "this report has no top_label: what it needs was not"),
        ("bits_per_byte > 1", "this report does not know it: what it needs was not given"),
        ("why > 1", "this is no number; it has 'temperature'"),
        ("schema > 1", "this is no number, but 'neglog.report/1'"),
        ("classes.listed > 1", "this is no number, but [{'class': 0, 'name': 'cat'"),
        ("nll.__class__ > 1", "there is no '__class__' among 'value', 'low', 'high'"),
    ],
)
def test_a_figure_that_is_not_there_is_refused(condition: str, message: str) -> None:
    parsed = parse(condition)
    with pytest.raises(ValueError, match=r"^--fail-if '") as error:
        parsed.holds(FINDINGS)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("", "expected the name of a figure, such as nll, got the end"),
        ("> 1", "expected the name of a figure, such as nll, got '> 1'"),
        ("nll", "expected <, <=, > or >=, got the end"),
        ("nll == 1", "expected <, <=, > or >=, got '== 1'"),
        ("nll > ", "expected a number, got the end"),
        ("nll > 1_000", "expected a number, got '1_000'"),
        ("nll > nan", "expected a number, got 'nan'"),
        ("nll > 1 and nll < 2", "got '1 and nll < 2'; for more conditions, repeat --fail-if"),
        ("class[cat.nll > 1", "expected ], got the end"),
        ('class["cat].nll > 1', 'expected a string that ends with ", got '),
        ("class[cat]nll > 1", "expected <, <=, > or >=, got 'nll > 1'"),
        ("nll. > 1", "expected the name of a figure, such as nll, got '> 1'"),
        ("print(1) > 0.5\n", ""),
    ],
)
def test_what_is_no_condition_is_refused_before_any_work(condition: str, message: str) -> None:
    if not message:  # a name like any other: nothing is called
        with pytest.raises(ValueError, match="there is no 'print"):
            parse(condition).holds(FINDINGS)
        return
    with pytest.raises(ValueError, match=r"^--fail-if '") as error:
        parse(condition)
    assert message in str(error.value)


def refusal(condition: str) -> str:
    """The message, or nothing if it is a condition on a figure that is there."""
    try:
        parse(condition).holds(FINDINGS)
    except ValueError as error:
        return str(error)
    return ""


@given(st.text(max_size=30), st.sampled_from(["<", ">="]), st.floats(allow_nan=False))
def test_any_text_is_a_condition_or_refused(text: str, sign: str, bound: float) -> None:
    for condition in (text, f"{text}{sign}{bound!r}", f"class[{text}].nll{sign}{bound!r}"):
        assert refusal(condition)[:10] in ("", "--fail-if ")
