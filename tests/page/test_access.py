"""The page for everybody: by keys, by ear, in two languages, in the dark, on a phone, on paper."""

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from page_helpers import opened, pets_fixture, settled, written  # noqa: F401
from page_helpers.browser import browser_fixture, open_page, page_fixture, watched  # noqa: F401

from neglog.trace import explain


def test_tabs_by_arrow_keys(page: Any, pets: Path) -> None:
    open_page(page, pets)
    first, second = page.locator("#tab-softmax"), page.locator("#tab-likelihood")
    first.focus()
    page.keyboard.press("ArrowRight")
    settled(page)
    assert second.get_attribute("aria-selected") == "true"
    assert page.evaluate("document.activeElement.id") == "tab-likelihood"
    assert page.locator("#panel-softmax").is_hidden()
    page.keyboard.press("Home")
    settled(page)
    assert page.locator("#panel-softmax").is_visible()


def test_everything_that_can_be_clicked_can_be_reached_by_tab(page: Any, pets: Path) -> None:
    open_page(page, pets)
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.id || document.activeElement.ariaLabel || ''")
        reached.add(here)
    assert {"skip", "lang-ko", "theme", "tab-softmax", "add", "step", "play", "reset"} <= reached
    assert "Score of horse, slider" in reached


@pytest.mark.parametrize(("locale", "scheme"), [("en-GB", "light"), ("ko-KR", "dark")])
def test_axe_finds_nothing(browser: Any, tmp_path: Path, locale: str, scheme: str) -> None:
    """Each language in one scheme: a style of one language has no colour, so both have the same."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    names = ["cat", "dog", "horse"]
    path = written(tmp_path, explain([[17, 0, 0], [4, 4, 1]], [0, 1], class_names=names))
    style = "".join(re.findall("(?s)<style.*?</style>", path.read_text("utf-8")))
    of_a_language = re.findall(r"(?::|\[)(?:lang|dir)[^{]*{([^}]*)}", style)
    assert {rule.strip(" ;") for rule in of_a_language} == {"word-break:keep-all"}
    other = {"light": "dark", "dark": "light"}[scheme]
    with watched(browser, locale=locale) as page:
        for part in ("", "preset=overflow&T=2", "preset=orange-blue", "preset=tosses", "nonsense"):
            page.emulate_media(color_scheme=other)
            open_page(page, path, part)
            page.reload()
            opened(page)
            for now in (other, scheme):
                page.emulate_media(color_scheme=now)
                dark = str(now == "dark").lower()
                page.locator(f'#theme[aria-pressed="{dark}"]').wait_for()  # the page hears of it
                settled(page)
            # A button's colours take 0.15 s to change, and lack contrast on the way.
            page.evaluate("() => Promise.all(document.getAnimations().map((a) => a.finished))")
            found = axe.run(page)
            assert found.violations_count == 0, found.generate_report()


def test_language_and_theme_follow_the_reader(browser: Any, pets: Path) -> None:
    with watched(browser, locale="ko-KR", color_scheme="dark") as page:
        open_page(page, pets)
        assert page.locator("html").get_attribute("lang") == "ko"
        assert page.locator("#panel-softmax h1").inner_text() == "점수에서 불행까지"
        paper = "getComputedStyle(document.body).backgroundColor"
        dark = page.evaluate(paper)
        page.locator("#theme").click()
        settled(page)
        assert page.evaluate(paper) != dark
        page.locator("#lang-en").click()
        assert page.locator("#panel-softmax h1").inner_text() == "From scores to unhappiness"


def test_both_languages_say_the_same_things() -> None:
    folder = Path(__file__).parents[2] / "src/neglog/trace/page"
    books = [
        dict(re.findall(r'^  "?([\w.-]+)"?: "(.*)",$', (folder / name).read_text("utf-8"), re.M))
        for name in ("strings_en.js", "strings_ko.js")
    ]
    assert books[0].keys() == books[1].keys()
    assert len(books[0]) > 100
    for key, text in books[0].items():
        places = [set(re.findall(r"\{\w+\}", book[key])) for book in books]
        assert places[0] == places[1], (key, text)


@pytest.mark.parametrize(
    "part", ["", "preset=overflow", "preset=orange-blue", "preset=many&lang=ko"]
)
def test_a_narrow_screen_needs_no_sideways_scrolling(browser: Any, pets: Path, part: str) -> None:
    with watched(browser, viewport={"width": 320, "height": 640}) as page:
        open_page(page, pets, part)
        opened(page)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_screen_reader_hears_the_loss_once_the_hand_rests(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.get_by_label("Score of cat", exact=True).fill("1")
    page.wait_for_function("() => document.getElementById('live').textContent.includes('3.')")
    assert page.locator("#live").get_attribute("aria-live") == "polite"
    for picture in page.locator("svg[role=img]").all():
        if picture.is_visible():
            assert picture.get_attribute("aria-label")


def test_paper_shows_all_and_no_controls(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.emulate_media(media="print")
    settled(page)
    assert page.locator("#panel-likelihood").is_visible()
    assert page.locator("#lik-curve svg path").count() > 3
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("#step-prob .compare tbody tr").count() == 3
    assert not page.locator(".controls:visible, .tabs:visible, .presets:visible").count()


def test_reduced_motion_has_no_transitions(browser: Any, pets: Path) -> None:
    with watched(browser, reduced_motion="reduce") as page:
        open_page(page, pets)
        assert (
            page.evaluate("getComputedStyle(document.querySelector('button')).transitionDuration")
            == "0s"
        )


def test_the_numbers_come_as_json_that_cannot_break_out(pets: Path) -> None:
    text = pets.read_text(encoding="utf-8")
    (start,) = re.findall(r'<script type="application/json" id="trace">(.*?)</script>', text)
    assert json.loads(start)["rows"] == [{"z": [5.0, 4.0, 2.0], "y": 0}]


def test_twelve_sliders_keep_up(page: Any, tmp_path: Path) -> None:
    """Printed: the time of one frame's work with 12 classes; 16.7 ms would be 60 a second."""
    open_page(page, written(tmp_path, explain([float(j) for j in range(12)], 0)))
    start = time.perf_counter()
    page.evaluate("""async () => {
      const slider = document.querySelector('.class-line input[type=range]');
      for (let k = 0; k < 20; k += 1) {
        slider.value = k / 4;
        slider.dispatchEvent(new Event('input'));
        await new Promise(requestAnimationFrame);
      }
    }""")
    print(f"20 frames of 12 classes in {time.perf_counter() - start:.2f} s")
