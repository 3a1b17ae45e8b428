"""What the tests of the page share: a page to open, and what a reader would look at."""

from pathlib import Path
from typing import Any

import pytest

from neglog.trace import explain
from page_helpers.browser import caught_up

PETS = ["cat", "dog", "horse"]
RESULT = "#result .value"


@pytest.fixture(scope="module", name="pets")
def pets_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of one row: cat 5, dog 4, horse 2, and it is a cat."""
    return written(tmp_path_factory.mktemp("page"), explain([5, 4, 2], 0, class_names=PETS))


def written(folder: Path, trace: Any) -> Path:
    path = folder / "page.html"
    path.write_text(trace.to_html(), encoding="utf-8")
    return path


def loss(page: Any) -> float:
    """The unhappiness as the page shows it."""
    return float(page.locator(RESULT).inner_text().replace("−", "-"))


def said(page: Any) -> str:
    """The sentence about what just happened."""
    return str(page.locator("#said").inner_text())


def share(page: Any, j: int) -> float:
    """A class's probability on the stage."""
    return float(page.locator(".share").nth(j).inner_text().rstrip("%")) / 100


def opened(page: Any) -> None:
    """Open all that can be folded, and wait until it is filled."""
    page.evaluate("() => document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    settled(page)
    settled(page)
    at_rest(page)


def at_rest(page: Any) -> None:
    """Wait until the hand rests: from then on all of the page is laid out, in sight or not."""
    page.wait_for_function("() => !document.documentElement.dataset.moving")


def settled(page: Any) -> None:
    """Wait until the next picture is drawn, and what is out of sight has followed."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    caught_up(page)


def fragment(page: Any, part: str = "") -> str:
    """The address's fragment, as soon as it has the part."""
    page.wait_for_function("(part) => location.hash.includes(part)", arg=part)
    return str(page.evaluate("location.hash.slice(1)"))


def value(page: Any, step: str, row: int) -> str:
    """What a step shows for a class in the chosen column."""
    return str(page.locator(f"#step-{step} .bar-row").nth(row + 1).locator(".value").text_content())


def drag(page: Any, handle: Any, dx: float) -> None:
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + dx / 2, y, steps=3)
    page.mouse.move(x + dx, y, steps=3)
    page.mouse.up()
    settled(page)
