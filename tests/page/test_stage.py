"""The first screen: scores, probabilities, the loss and the pull back, and what just happened."""

import math
import re
from pathlib import Path
from typing import Any

import pytest
from page_helpers import PETS, at_rest, drag, fragment, settled, written
from page_helpers import pets_fixture as pets_fixture
from page_helpers.browser import browser_fixture, open_page, page_fixture, watched  # noqa: F401

from neglog.trace import explain

ROWS = {
    2: ([2.0, -1.0], ["yes", "no"]),
    3: ([5.0, 4.0, 2.0], PETS),
    4: ([5.0, 4.0, 2.0, 1.0], [*PETS, "a mouse"]),
}
# What must be seen of each class, and what of all of them, without scrolling.
OF_A_CLASS = ("input[type=range]", ".box", ".bar .fill", ".share", ".pull")
OF_ALL = ("#result .value", "#stage .handle", "#stage .plot", "#said", "#step", "#play")


# What of these is missing, there more than once, not drawn, or not wholly in the window.
OUT_OF_SIGHT = """([ofAClass, ofAll]) => {
  const inSight = (nodes) => {
    if (nodes.length !== 1 || !nodes[0].checkVisibility({visibilityProperty: true})) return false;
    const {left, top, right, bottom} = nodes[0].getBoundingClientRect();
    return left >= 0 && top >= 0 && right <= innerWidth + 0.5 && bottom <= innerHeight + 0.5;
  };
  const lines = [...document.querySelectorAll(".class-line")].filter((x) => x.checkVisibility());
  const lost = (root, parts) => parts.filter((part) => !inSight(root.querySelectorAll(part)));
  const lostOfClasses = lines.flatMap((line) => lost(line, ofAClass));
  return [lines.length, [...lostOfClasses, ...lost(document, ofAll)]];
}"""


@pytest.mark.parametrize("locale", ["en-GB", "ko-KR"])
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_the_first_screen_is_the_whole_story(
    browser: Any, tmp_path: Path, size: tuple[int, int], locale: str
) -> None:
    viewport = {"width": size[0], "height": size[1]}
    with watched(browser, viewport=viewport, locale=locale) as page:
        for count, (logits, names) in ROWS.items():
            (folder := tmp_path / str(count)).mkdir()
            open_page(page, written(folder, explain(logits, 1, class_names=names)))
            at_rest(page)
            assert page.evaluate(OUT_OF_SIGHT, [OF_A_CLASS, OF_ALL]) == [count, []]
            assert page.evaluate("scrollY") == 0


def test_what_a_chapter_says_to_press_is_visible_in_its_frame(
    page: Any, pets: Path, tmp_path: Path
) -> None:
    size = 'style="width: 700px; height: 734px"'
    frame = f'<iframe src="{pets.as_uri()}#preset=pets-tie" {size}></iframe>'
    (tmp_path / "chapter.html").write_text(f"<title>c</title>{frame}", encoding="utf-8")
    open_page(page, tmp_path / "chapter.html")
    inside = page.frame_locator("iframe")
    frame_box = page.locator("iframe").bounding_box()
    for part in ("#step", "#play", "#said", "#result .value", "#stage .handle"):
        box = inside.locator(part).bounding_box()
        assert box["y"] + box["height"] <= frame_box["y"] + 734, part
    assert inside.locator("#panel-softmax h1").is_hidden()


def seen(page: Any) -> list[Any]:
    """Where the thumb, the bar, the dot and the arrow of the first class are."""
    return page.evaluate("""() => {
      const line = document.querySelector('.class-line');
      const width = (name) => line.querySelector(name).getBoundingClientRect().width;
      const dot = document.querySelector('#stage .handle').getBoundingClientRect();
      return [line.querySelector('input[type=range]').value, width('.bar .fill'), dot.x,
              width('.pull'), document.querySelector('#result .value').textContent];
    }""")


def test_a_drag_moves_all_four_in_the_same_frame(page: Any, pets: Path) -> None:
    open_page(page, pets)
    at_rest(page)
    before = seen(page)
    slider = page.get_by_label("Score of cat, slider")
    box = slider.bounding_box()
    at = float(slider.input_value())
    x = box["x"] + 9 + (box["width"] - 18) * (at + 10) / 20
    page.mouse.move(x, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(x - 30, box["y"] + box["height"] / 2)
    settled(page)
    during = seen(page)
    page.mouse.up()
    assert all(a != b for a, b in zip(before, during, strict=True)), (before, during)
    open_page(page, pets, "T=1")
    drag(page, page.locator("#stage .handle"), -60)
    assert all(a != b for a, b in zip(before, seen(page), strict=True))


def test_the_arrow_is_the_pull(page: Any, pets: Path) -> None:
    """y - p: its direction, its length, and the number beside it."""
    z, y = [5.0, 4.0, 2.0], 1
    total = sum(map(math.exp, z))
    open_page(page, pets, f"y={y}")
    lengths = []
    for j, line in enumerate(page.locator(".class-line:visible").all()):
        pull = (j == y) - math.exp(z[j]) / total
        box, rail = line.locator(".pull").bounding_box(), line.locator(".rail").bounding_box()
        thumb = rail["x"] + 9 + (rail["width"] - 18) * (z[j] + 10) / 20
        near, far = box["x"], box["x"] + box["width"]
        assert (near if pull > 0 else far) == pytest.approx(thumb, abs=1)
        lengths.append((box["width"] - 9) / abs(pull))  # 9 pixels are below the thumb
        assert line.locator(".pull-value").inner_text() == f"{pull:+.3f}".replace("-", "−")
        assert f"y − p {pull:+.3f}".replace("-", "−") in str(
            line.locator("input[type=range]").get_attribute("aria-valuetext")
        )
    assert lengths == pytest.approx([lengths[0]] * 3, rel=0.05)


# In each picture of a drag: has a step in sight changed, has one out of sight?
FOLLOWED = """async () => {
  const slider = document.querySelector(".class-line input[type=range]");
  const steps = ["exp", "jacobian"].map((name) => document.getElementById(`step-${name}`));
  const texts = () => steps.map((step) => step.textContent);
  let before = texts();
  const changed = [];
  for (let k = 0; k < 8; k += 1) {
    slider.value = k / 2;
    slider.dispatchEvent(new Event("input"));
    await new Promise(requestAnimationFrame);
    const now = texts();
    changed.push(now.map((text, i) => text !== before[i]));
    before = now;
  }
  return changed;
}"""


def test_in_a_drag_what_is_out_of_sight_follows_later(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.locator("#step-exp .bars").scroll_into_view_if_needed()
    settled(page)
    corner = page.locator(".jacobian tbody td").first
    old = corner.text_content()
    near, far = zip(*page.evaluate(FOLLOWED), strict=True)
    assert all(near)
    assert not all(far)  # rather none; but where pictures are 0.1 s apart, it is no drag
    settled(page)
    assert corner.text_content() != old
    share = math.exp(3.5) / (math.exp(3.5) + math.exp(4) + math.exp(2))
    assert float(str(corner.text_content())) == pytest.approx(share * (1 - share), abs=5e-4)


# --- the step that an address names ---


@pytest.mark.parametrize(
    ("step", "preset"), [("grad", "pets"), ("losses", "wrong"), ("curve", "tosses")]
)
def test_an_address_opens_the_page_at_a_step(page: Any, pets: Path, step: str, preset: str) -> None:
    open_page(page, pets, f"preset={preset}&at={step}")
    title = page.locator(f"#title-{step}, #title-lik-{step}")
    page.wait_for_function("() => scrollY > 0")
    at_rest(page)
    box = title.bounding_box()
    below = page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY")
    assert 0 <= box["y"] < (40 if below > 1 else 500)  # the last step cannot reach the top
    assert f"at={step}" in fragment(page, "at=")


# --- nothing is cut ---

LONG = [
    "a name of exactly forty characters, yes!",
    "이름이 아주 긴 클래스입니다, 마흔 글자까지 쓸 수 있는데 어떨까",
    "W" * 40,
]


@pytest.mark.parametrize("width", [1280, 700, 390, 320])
def test_inputs_show_all_of_their_text(browser: Any, tmp_path: Path, width: int) -> None:
    logits = [-12345.678, -1.234568e300, 7.0]
    path = written(tmp_path, explain(logits, 2, class_names=LONG))
    with watched(browser, viewport={"width": width, "height": 800}, locale="en-GB") as page:
        open_page(page, path)
        page.get_by_label(re.compile("Score of a name"), exact=False).first.fill("-12345.678")
        at_rest(page)
        cut = page.evaluate("""() => [...document.querySelectorAll('input[type=text], textarea')]
          .filter((box) => box.offsetParent && (box.scrollWidth > box.clientWidth + 1
            || box.scrollHeight > box.clientHeight + 1)).map((box) => box.value)""")
        assert cut == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
