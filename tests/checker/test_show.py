"""The findings as text, as JSON and as a page, in both languages."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from checker_helpers.planted import planted
from page_helpers.browser import browser_fixture, open_page, watched  # noqa: F401

from neglog import check_loss
from neglog.checker import Findings
from neglog.checker.codes import GRADE_OF
from neglog.checker.show.words import GRADES
from neglog.checker.show.words_en import WORDS as WORDS_EN
from neglog.checker.show.words_ko import WORDS as WORDS_KO


@pytest.fixture(scope="module", name="findings")
def findings_fixture() -> Findings:
    return check_loss(planted("sum-for-mean", "no-shift", "gradient-cancellation"))


def test_the_languages_have_the_same_keys_and_places() -> None:
    def places(words: dict[str, str]) -> dict[str, list[str]]:
        return {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in words.items()}

    assert places(WORDS_EN) == places(WORDS_KO)


def test_every_finding_has_a_line_that_mends_it() -> None:
    other = ("fix.", "said.", "count", "grade.", "headline.", "remark.", "row.", "kind.", "explain")
    codes = {k.partition(".")[0] for k in WORDS_EN if not k.startswith(other)}
    frame = {"title", "target", "expected", "got", "mend", "row", "ulp", "calls", "skip", "foot"}
    assert codes - frame == GRADE_OF.keys()
    assert {code for code in GRADE_OF if f"fix.{code}" not in WORDS_EN} == set()


def test_the_worst_comes_first(findings: Findings) -> None:
    grades = [GRADES.index(finding.grade) for finding in findings]
    assert grades == sorted(grades)
    assert not findings
    assert len(findings) == len(findings.codes) == len(list(findings))
    assert findings.at_least("wrong") == tuple(f for f in findings if f.grade == "wrong")


def test_an_imprecise_finding_says_how_many_ulp(findings: Findings) -> None:
    found = {finding.code: finding for finding in findings}
    assert "ulp" in found["gradient-cancellation"].sentence
    assert found["gradient-cancellation"].ulp > 64  # type: ignore[operator]
    assert found["no-shift"].row["logits"] == [[1000.0, 999.0, 998.0]]


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_no_line_of_the_text_is_wider(findings: Findings, width: int, lang: Any) -> None:
    from rich.cells import cell_len

    text = findings.to_text(width, lang)
    assert max(map(cell_len, text.splitlines())) <= width
    for finding in findings:
        assert finding.code in text
    assert text.isascii() == (lang == "en")


def test_the_json_has_no_literal_that_json_has_not(findings: Findings) -> None:
    text = json.dumps(findings.to_dict(), allow_nan=False)
    data = json.loads(text)
    assert data["schema"] == "neglog.findings/1"
    assert [one["code"] for one in data["findings"]] == list(findings.codes)
    assert {one["got"] for one in data["findings"] if one["code"] == "no-shift"} <= {"nan", "inf"}
    assert findings.to_dict("ko")["findings"][0]["sentence"] != data["findings"][0]["sentence"]


def test_an_unknown_language_is_refused(findings: Findings) -> None:
    with pytest.raises(ValueError, match="lang must be one of 'en', 'ko', got 'fr'"):
        findings.to_html("fr")  # type: ignore[arg-type]


def test_a_name_cannot_close_an_element() -> None:
    findings = Findings("<script>alert(1)</script>", "numpy", (), 1, 0.1, (("prints", "<b>"),))
    page = findings.to_html()
    assert "<script>alert" not in page
    assert "<b>" not in page


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_a_row_opens_in_explain(
    findings: Findings, lang: Any, browser: Any, tmp_path: Path
) -> None:
    path = tmp_path / "findings.html"
    path.write_text(findings.to_html(lang), encoding="utf-8")
    with watched(browser, viewport={"width": 360, "height": 800}) as page:
        open_page(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.locator("article").count() == len(findings)
        with page.context.expect_page() as opened:
            page.locator("#no-shift button").click()
        explained = opened.value
        explained.wait_for_selector("#result .value")
        assert float(explained.locator("#result .value").inner_text()) == pytest.approx(
            1.4076, 1e-3
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barrier(
    findings: Findings, scheme: str, browser: Any, tmp_path: Path
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    path = tmp_path / "findings.html"
    path.write_text(findings.to_html(), encoding="utf-8")
    with watched(browser, color_scheme=scheme) as page:
        open_page(page, path)
        found = axe.Axe().run(page).response["violations"]
    assert [one["id"] for one in found] == []
