"""The page as a file: small, whole, closed to what the data hold; all findings are in it."""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Any

import pytest
from report_helpers import findings as report_findings
from report_helpers.findings import ATTACKS

from neglog.report.show import headline, to_html
from neglog.report.show.page.axes import decades, ticks

FEW, MANY = 500_000, 1_000_000  # bytes: of a page for any number of rows, and of classes
VOID = {"meta", "link", "col", "br"}
OPTIONAL = {"td", "th", "tr"}  # end tags that HTML does not need


class Page(HTMLParser):
    """The elements of a page, its text, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        while self.open[-1] in OPTIONAL and self.open[-1] != tag:
            self.open.pop()
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data if self.open and self.open[-1] not in ("script", "style") else ""

    def all(self, name: str) -> list[str]:
        return [str(a[name]) for _, a in self.attributes if name in a]


@pytest.fixture(scope="module", name="large")
def large_fixture() -> str:
    return to_html(report_findings.large())


def test_the_page_is_small_for_few_classes_and_for_many(large: str) -> None:
    worst = report_findings.large(classes=100)
    for part in ("classes", "calibration"):
        few = (
            worst[part]["class_wise"]["classes"] if part == "calibration" else worst[part]["listed"]
        )
        del few[100:]
    for text, most in ((to_html(worst), FEW), (large, MANY)):
        print(f"the page: {len(text.encode())} bytes, of {most}")
        assert 100_000 < len(text.encode()) < most
    assert len(to_html(report_findings.small()).encode()) < 100_000


def test_long_tables_say_what_they_leave_out(large: str) -> None:
    page = Page(large)
    assert re.search(r"Show \d+ more", page.text)
    assert re.search(r"\d+ more are in the JSON", page.text)
    assert "The 1,000 costliest classes are listed; 9,000 more have rows." in page.text
    assert "12 more columns are in the JSON" in page.text


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("made", ["small", "large", "only_the_target", "compared"])
def test_the_page_is_whole(made: str, language: Any) -> None:
    text = to_html(getattr(report_findings, made)(), language)
    page = Page(text)
    assert page.open == []
    assert "{{" not in text.replace("{nll} {{style}}", "")  # a name from the data
    assert f'<html lang="{language}">' in text
    assert not [a for a in page.all("src") + page.all("href") if not re.match("#|data:,", a)]
    (policy,) = [a["content"] for _, a in page.attributes if "http-equiv" in a]
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert page.tags["script"] == 1
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    links = {link[1:] for link in page.all("href") if link.startswith("#")}
    assert links <= set(ids)
    named = {key for value in page.all("aria-labelledby") for key in value.split()}
    assert named <= set(ids)


def test_nothing_from_the_data_is_markup(large: str) -> None:
    page = Page(large)
    assert not page.tags["img"]
    assert not page.tags["b" * 60]
    assert page.tags["script"] == 1
    assert "<script>alert(1)</script>" in page.text
    assert not any("onerror" in a for _, a in page.attributes)
    assert "\x1b" not in large
    assert "\u202e" not in large
    assert "\\x1b[31mred" in page.text
    assert ATTACKS[-1][:41] not in large
    assert "고양이와 개와 말 고양이와" in page.text


def test_words_of_the_data_are_not_filled_in() -> None:
    findings = report_findings.small()
    findings["classes"]["listed"][0]["name"] = "{share} {{title}}"
    assert "“{share} {{title}}” costs the most" in Page(to_html(findings)).text


def test_what_is_missing_is_named_with_what_it_would_need() -> None:
    text = Page(to_html(report_findings.only_the_target())).text
    assert "2,000 tokens in 700 documents." in text
    assert "These documents have the largest nll in total." in text
    assert "Missing: calibration, which needs the probabilities of every class" in text
    assert "Missing: confusions, which need the likeliest class of each row." in text
    assert (
        "Not known from log-probabilities of the true class alone: baseline, accuracy, entropy"
        in text
    )
    assert "bits per byte" in text
    assert "Accuracy by confidence" not in text


def test_the_page_answers_in_the_analysts_order() -> None:
    text = to_html(report_findings.small())
    order = [
        "loss", "why", "where", "distribution", "classes", "slices", "confusions", "worst",
        "suspects", "calibration", "class_wise", "glossary",
    ]  # fmt: skip
    places = [text.index(f' id="{key}"') for key in order]
    assert places == sorted(places)


def test_numbers_that_are_not_finite_are_shown() -> None:
    findings = report_findings.small()
    findings["loss"]["perplexity"] = {"value": "inf", "low": "inf", "high": "inf"}
    findings["loss"]["skill"] = None
    findings["classes"]["listed"][0]["nll"] = {"value": 700.0, "low": None, "high": None}
    findings["distribution"]["histogram"][0]["from"] = 0.0
    text = Page(to_html(findings)).text
    assert "inf to inf" in text
    assert "700.0" in text
    assert "nan" not in text


def test_one_row_makes_a_page() -> None:
    """No interval, one bin, one class, no row predicted wrong."""
    findings = report_findings.small(rows=100)
    findings["distribution"]["histogram"] = findings["distribution"]["histogram"][:1]
    findings["classes"]["listed"] = findings["classes"]["listed"][:1]
    findings["classes"]["listed"][0]["confusion"] = None
    findings["confusions"] |= {"listed": [], "pairs": 0}
    findings["suspects"] |= {"listed": [], "count": 0}
    text = Page(to_html(findings)).text
    assert "No row was predicted wrong." in text
    assert "No label is so unlikely that it looks wrong" in text


def test_the_headline_says_how_unhappy() -> None:
    findings = report_findings.small()
    nll = findings["loss"]["nll"]["value"]
    assert f"loses {nll:.4f} nats per row" in headline(findings)
    assert f"{nll:.4f}내트" in headline(findings, "ko")
    findings["loss"]["skill"] = {"value": -0.1, "low": -0.2, "high": 0.0}
    assert "Guessing by class frequencies would lose less" in headline(findings)


@pytest.mark.parametrize(
    ("low", "value", "high", "said"),
    [
        (-0.3, -0.2, -0.1, "b is better than a: it loses 0.2000 nats less per row (0.1000 to 0.3"),
        (0.1, 0.2, 0.3, "b is worse than a: it loses 0.2000 nats more per row (0.1000 to 0.3"),
        (-0.1, 0.1, 0.3, "a and b cannot be told apart"),
    ],
)
def test_the_headline_of_a_comparison(low: float, value: float, high: float, said: str) -> None:
    findings = report_findings.compared(("a", "b"))
    findings["difference"] = {"value": value, "low": low, "high": high}
    assert headline(findings).startswith(said)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]), (-0.6, 0.4, [-0.6, -0.4, -0.2, 0, 0.2, 0.4]), (2, 2, [2])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.003, 20, [0.01, 0.1, 1, 10]),
        (0.6, 7, [1, 2, 5]),
        (1e-9, 10, [1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10]),
    ],
)
def test_decades_are_powers_of_ten(low: float, high: float, expected: list[float]) -> None:
    assert decades(low, high) == pytest.approx(expected)
