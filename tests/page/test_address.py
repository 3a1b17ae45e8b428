"""The page's state in its address, what was tampered with, and names that would like to be code."""

import re
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from page_helpers import RESULT, fragment, opened, pets_fixture, settled, written  # noqa: F401
from page_helpers.browser import (  # noqa: F401
    FOLLOW,
    browser_fixture,
    open_page,
    page_fixture,
    watched,
)

from neglog.trace import Normal, explain, explain_likelihood

# --- presets, address ---


def test_every_preset_shows_something_of_its_own(page: Any, pets: Path) -> None:
    open_page(page, pets)
    for tab, where in (("softmax", RESULT), ("likelihood", ".score")):
        page.locator(f"#tab-{tab}").click()
        seen = set()
        for button in page.locator(f"#presets-{tab} button[data-preset]").all():
            if button.get_attribute("data-preset") == "given":
                continue
            button.click()
            assert button.get_attribute("aria-pressed") == "true"
            seen.add(page.locator(f"#panel-{tab}").locator(where).first.inner_text())
        assert len(seen) >= 3
        assert not {"", "undefined", "null"} & seen


def test_the_address_keeps_what_was_changed(browser: Any, page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.get_by_label("Score of cat", exact=True).fill("-inf")
    page.get_by_label("Name of class 2").fill("a,b;c&d=e%é개")
    page.get_by_label("bfloat16", exact=True).check(force=True)
    page.locator("#lang-ko").click()
    kept = fragment(page, "lang=ko")
    with watched(browser, locale="en-GB") as other:
        open_page(other, pets, kept)
        assert other.locator(RESULT).inner_text() == page.locator(RESULT).inner_text() == "inf"
        assert other.locator(".name-box").nth(1).input_value() == "a,b;c&d=e%é개"
        assert other.locator("html").get_attribute("lang") == "ko"
        assert fragment(other) == kept


def test_only_a_hosted_page_offers_its_address(browser: Any, pets: Path) -> None:
    with watched(browser) as page:
        open_page(page, pets)
        assert not page.locator("#share").is_visible()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(pets.parent)))
    Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(locale="en-GB")
    try:
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/{pets.name}")
        assert page.locator("#share").inner_text().startswith("The address contains")
    finally:
        context.close()
        server.shutdown()
        server.server_close()


def test_the_links_of_the_teachers_sheets_open_what_they_say(page: Any, pets: Path) -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    for language in ("en", "ko"):
        text = (docs / language / "teaching.md").read_text("utf-8")
        links = re.findall(r'explain\.html#([^"]+)', text)
        assert re.findall(r"(?m)^\(teach(\d+)\)=$", text) == [str(n) for n in range(1, 11)]
        assert len(links) == 10
        for link in map(unescape, links):
            open_page(page, pets, link)
            assert not page.locator("#message").is_visible(), link
            assert page.locator("html").get_attribute("lang") == language
            preset = re.search(r"preset=([\w-]+)", link)
            assert preset is not None
            chosen = page.locator("button[data-preset][aria-pressed=true]:visible")
            assert chosen.get_attribute("data-preset") == preset[1]


class Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def test_a_page_opens_in_the_language_it_was_written_for(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(explain([5, 4, 2], 0).to_html(lang="ko"), encoding="utf-8")
    with watched(browser, locale="en-GB") as page:
        open_page(page, path)
        assert page.locator("html").get_attribute("lang") == "ko"
        assert page.locator(".name-box").first.input_value() == "클래스 0"
        page.locator("#lang-en").click()
        kept = fragment(page, "lang=en")
        open_page(page, path, kept)
        assert page.locator("html").get_attribute("lang") == "en"


def test_a_changed_preset_keeps_its_name_and_the_change(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=pets-horse&T=2")
    assert page.locator("#step-scaled").is_visible()
    page.get_by_label("naive", exact=True).check(force=True)
    assert fragment(page, "col") == "preset=pets-horse&col=naive&T=2"


def test_a_new_address_is_followed(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.evaluate("location.hash = 'z=0,0&y=1'")
    page.wait_for_function(
        "() => document.querySelector('#result .value').textContent === '0.693147'"
    )
    assert page.locator(".class-line:visible").count() == 2


TAMPERED = (
    "z=1", "z=1,x,3", "z=1,2;3", f"z={','.join('1' * 13)}", "y=3", "y=-1", "y=0.5",
    "dtype=float128",
    "T=0", "T=-1", "T=nan", "T=inf", "names=a,b", f"names={'a' * 99},b,c", "col=exact", "tab=other",
    "lang=fr", "preset=__proto__", "constructor=1", "nonsense", "z=%", "names=%E0%A4%A,b,c",
    "row=1", "at=nowhere", "at=curve", "tab=likelihood&at=exp", "at=",
    "x=inf", "x=", "c=a:normal:0:0", "c=a:bernoulli:2", "c=a:cauchy:0:1", "x=0.5&c=a:bernoulli:0.5",
    "z=<script>alert(1)</script>", "rate=0",
)  # fmt: skip


# What the page says to a fragment, the loss that it shows, and what is left once it is dismissed.
FALLEN_BACK = (
    f"""async (fragment) => {{
  const follow = {FOLLOW};"""
    + """
  const message = document.getElementById("message");
  await follow(fragment);
  const said = message.checkVisibility() && document.getElementById("message-text").innerText;
  const loss = document.querySelector("#result .value").innerText;
  document.getElementById("dismiss").click();
  const left = message.checkVisibility();
  await follow("");
  return { said, loss, left };
}"""
)


def test_a_tampered_address_falls_back_and_says_so(page: Any, pets: Path) -> None:
    open_page(page, pets)
    for broken in TAMPERED:
        found = page.evaluate(FALLEN_BACK, broken)
        assert "could not be read" in (found["said"] or "nothing"), broken
        assert float(found["loss"]) == pytest.approx(0.349012, abs=1e-6), broken
        assert not found["left"]
    page.evaluate("(hash) => { location.hash = hash; }", broken)
    page.locator("#dismiss").click()
    assert page.locator("#message").is_hidden()


EXTREME = (
    "z=1e308,-1e308,0", "z=-inf,-inf", "z=65504,65504&dtype=float16&col=naive", "z=3,2&T=1e-300",
    "tab=likelihood&x=1e300,-1e300", "tab=likelihood&x=1,1,1",
    "tab=likelihood&x=0&c=a:normal:1e308:1", "tab=likelihood&x=1,2&c=a:normal:0:1e308",
    "tab=likelihood&x=0.3&c=a:normal:0:5e-324",
    "tab=likelihood&x=1,0&c=a:bernoulli:0,b:bernoulli:1",
)  # fmt: skip


@pytest.mark.parametrize("part", EXTREME)
def test_what_cannot_be_drawn_is_no_error(page: Any, pets: Path, part: str) -> None:
    """The fixture fails on any message of the console, such as a coordinate that is nan."""
    open_page(page, pets, part)
    opened(page)
    assert page.locator("#message").is_hidden()
    for button in page.locator("#step:visible, .go:visible:enabled").all():
        button.click()
    page.locator("#lang-ko").click()
    settled(page)


# --- hostile names ---

HOSTILE = [
    "<script>document.title='x'</script>", '"><img src=x onerror=alert(1)>',
    "</script><b>{{script}}",    "<!--", "${alert(1)}", "__proto__", "a\u202eb",
]  # fmt: skip


def test_names_stay_text(page: Any, tmp_path: Path) -> None:
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    trace = explain([float(j) for j in range(7)], 1, class_names=HOSTILE)
    open_page(page, written(tmp_path, trace), "lang=en")
    opened(page)
    assert page.title() == "neglog · From scores to unhappiness"
    assert page.locator("main img, main script, main b").count() == 0
    assert dialogs == []
    assert HOSTILE[1] in page.locator("#step-logits").text_content()
    candidates = {name: Normal(float(i), 1.0) for i, name in enumerate(HOSTILE[:5])}
    open_page(page, written(tmp_path, explain_likelihood([1.0, 2.0], candidates)), "lang=en")
    page.reload()
    assert page.locator("main img, main script, main b").count() == 0
    assert HOSTILE[1] in page.locator("#likelihood").inner_text()


def test_the_policy_lets_nothing_else_run(browser: Any, pets: Path) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"):  # noqa: PT012, SIM117
        with watched(browser) as page:
            open_page(page, pets)
            page.evaluate(
                "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
                "document.body.append(s)"
            )
            assert page.evaluate("window.ran") is None
