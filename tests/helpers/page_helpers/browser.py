"""A headless Chromium for the tests of the page: it must say nothing, and fetch nothing.

A test file imports what it needs, fixtures included:

    from page_helpers.browser import browser_fixture, open_page, page_fixture  # noqa: F401

One browser serves all test files of a process. Between two files Playwright's event loop is put
aside: it would be in the way of every other test that starts a loop of its own.
"""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

# Nothing that starts by itself: whatever leaves the machine would be the page's doing.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
LOCAL = ("file:", "data:", "about:", "blob:")

# A new fragment loads nothing: its page has changed once it has heard of it.
FOLLOW = """(fragment) => new Promise((done) => {
  addEventListener("hashchange", () => done(), { once: true });
  location.hash = fragment;
})"""


def chromium() -> str:
    """The browser's path; skips the test where there is none."""
    named = os.environ.get("CHROMIUM")
    for place in [named] if named else ["/usr/bin/chromium", "chromium", "google-chrome", "chrome"]:
        if found := shutil.which(place):
            return found
    if named:
        pytest.skip(f"no Chromium found: CHROMIUM is {named!r}, and that is no program")
    pytest.skip("no Chromium found: neither on PATH nor named by CHROMIUM")


# A context per locale, with what its pages were heard to do; they end with the browser.
CONTEXTS: dict[str, tuple[Any, list[str]]] = {}


def context_of(browser: Any, **options: Any) -> tuple[Any, list[str]]:
    """A context that lets nothing out, and the list of its pages' complaints.

    It is kept: a page in a new one takes 2.5 s of CPU, and 1 s in one that has a page already.
    """
    if repr(options) not in CONTEXTS:
        complaints: list[str] = []

        def refuse(route: Any) -> None:
            complaints.append(f"asked for {route.request.url}")
            route.abort()

        def listen(message: Any) -> None:
            if message.type in ("error", "warning"):
                complaints.append(f"console {message.type}: {message.text}")

        context = browser.new_context(**options)
        context.route(lambda url: not url.startswith(LOCAL), refuse)
        context.on("console", listen)
        context.on("weberror", lambda failure: complaints.append(f"uncaught: {failure.error}"))
        context.new_page()  # stays: without a page a context's process ends
        CONTEXTS[repr(options)] = context, complaints
    return CONTEXTS[repr(options)]


@contextmanager
def watched(
    browser: Any,
    viewport: dict[str, int] | None = None,
    color_scheme: str | None = None,
    reduced_motion: str | None = None,
    **options: Any,
) -> Iterator[Any]:
    """A page of its own; at the end it must have had no error and asked for nothing.

    Args:
        browser: what the fixture `browser` gives.
        viewport: `width` and `height` of the window.
        color_scheme: `"dark"`, or else light.
        reduced_motion: `"reduce"` for a reader who asks for none.
        **options: of the context: `locale`, `java_script_enabled`.
    """
    context, complaints = context_of(browser, **options)
    others = context.pages
    page = context.new_page()
    try:
        if viewport:
            page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=color_scheme, reduced_motion=reduced_motion)
        yield page
    except BaseException:
        CONTEXTS.pop(repr(options), None)
        context.close()
        raise
    for opened in set(context.pages) - set(others):
        opened.close()
    heard, complaints[:] = complaints[:], []
    assert not heard, "\n".join(heard)  # this module is not rewritten by pytest


def open_page(page: Any, path: Path, fragment: str = "") -> None:
    """Open a file as a reader would: by its file:// address, with a fragment or without."""
    address = path.resolve().as_uri()
    before, _, old_fragment = page.url.partition("#")
    if before == address and fragment != old_fragment:
        page.evaluate(FOLLOW, fragment)
    else:
        page.goto(address + (f"#{fragment}" if fragment else ""))
    caught_up(page)


def caught_up(page: Any) -> None:
    """Wait until what is out of sight has followed, too."""
    page.wait_for_function("() => !document.querySelector('[aria-busy]')")


@pytest.fixture(scope="session", name="chromium")
def chromium_fixture() -> Iterator[Any]:
    """One Chromium for all tests of the process, and the loop that drives it; for conftest.py."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = chromium()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(QUIET))
        loop = asyncio.get_running_loop()
        asyncio._set_running_loop(None)
        yield browser, loop
        asyncio._set_running_loop(loop)
        CONTEXTS.clear()
        browser.close()


@pytest.fixture(scope="module", name="browser")
def browser_fixture(chromium: tuple[Any, asyncio.AbstractEventLoop]) -> Iterator[Any]:
    """The Chromium, for the tests of a file."""
    browser, loop = chromium
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@pytest.fixture(name="page")
def page_fixture(browser: Any) -> Iterator[Any]:
    """A fresh page, 1280 x 800, in English; at its end see `watched`."""
    with watched(browser, locale="en-GB", viewport={"width": 1280, "height": 800}) as page:
        yield page
