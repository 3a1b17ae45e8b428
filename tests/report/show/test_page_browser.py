"""The page in a browser: silent, for everybody, sorted by a click, on a phone, in the dark."""

from pathlib import Path
from typing import Any

import pytest
from page_helpers.browser import browser_fixture, open_page, watched  # noqa: F401
from report_helpers import findings as report_findings

from neglog.report.show import to_html


def written(folder: Path, findings: dict[str, Any], language: Any = "en") -> Path:
    path = folder / "report.html"
    path.write_text(to_html(findings, language), encoding="utf-8")
    return path


@pytest.mark.parametrize(("language", "scheme"), [("en", "dark"), ("ko", "light")])
def test_axe_finds_nothing_and_a_phone_is_wide_enough(
    browser: Any, tmp_path: Path, language: str, scheme: str
) -> None:
    findings = report_findings.small()
    for rows in (findings["worst"], findings["suspects"]["listed"]):
        del rows[21:]  # one row is folded; axe takes its time for every one
    path = written(tmp_path, findings, language)
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    with watched(browser, color_scheme=scheme, viewport={"width": 320, "height": 640}) as page:
        open_page(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        found = axe.run(page)
        assert found.violations_count == 0, found.generate_report()


def test_a_click_sorts_the_folded_rows_too(browser: Any, tmp_path: Path) -> None:
    findings = report_findings.small()
    with watched(browser) as page:
        open_page(page, written(tmp_path, findings))
        head = page.locator("#t-confusions thead th").nth(3)
        column = "(n) => [...document.querySelectorAll('#t-confusions tbody tr')].map((r) =>"
        for way, order in (("descending", True), ("ascending", False)):
            head.locator("button").click()
            assert head.get_attribute("aria-sort") == way
            shown = page.evaluate(f"{column} Number(r.cells[n].textContent))", 3)
            every = [pair["rows"] for pair in findings["confusions"]["listed"]]
            assert shown == sorted(every, reverse=order)[:20]
        page.locator("#t-confusions thead button").first.press("Enter")
        names = page.evaluate(f"{column} r.cells[n].textContent)", 0)
        assert names == sorted(p["target"]["name"] for p in findings["confusions"]["listed"])[:20]
        assert head.get_attribute("aria-sort") is None


def test_without_scripts_nothing_is_missing(browser: Any, tmp_path: Path) -> None:
    with watched(browser, java_script_enabled=False) as page:
        open_page(page, written(tmp_path, report_findings.small()))
        assert page.locator("#t-confusions tbody tr").count() == 20
        assert page.locator("button").count() == 0
        summary = page.locator("#t-confusions-m")
        assert not page.locator("[data-rest]").first.is_visible()
        summary.click()
        assert page.locator("[data-rest]").first.is_visible()
        assert page.locator("[role=img]").count() == len(page.locator("figure").all())
        assert all(x.get_attribute("aria-label") for x in page.locator("[role=img]").all())
