"""The page as a reader meets it: one small file, and everything in it follows the hand."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import budgets
import pytest
from page_helpers import PETS, RESULT, at_rest, drag, fragment, loss, said, settled, value, written
from page_helpers import pets_fixture as pets_fixture
from page_helpers.browser import browser_fixture, open_page, page_fixture, watched  # noqa: F401

from neglog.trace import Normal, explain, explain_likelihood

# --- the file ---


def test_the_file_is_small_and_whole(pets: Path) -> None:
    text = pets.read_text(encoding="utf-8")
    print(f"the page: {len(text.encode())} bytes, of {budgets.PAGE_BYTES}")
    assert len(text.encode()) < budgets.PAGE_BYTES
    assert "{{" not in text
    assert not re.search(r"""(src|href)=["'](?!#|data:)""", text)
    assert "'unsafe-eval'" not in text


def test_the_largest_page_is_small_too() -> None:
    rows = [[i * j % 7 + 1 / 3 for j in range(12)] for i in range(120)]
    names = [f"a name of the {i}th class, and a long one at that, 이름" * 3 for i in range(12)]
    points = [i / 7 for i in range(5000)]
    candidates = {f"{i}": Normal(i / 3, 1.0) for i in range(40)}
    for trace in (
        explain(rows, [0] * 120, class_names=names),
        explain_likelihood(points, candidates),
    ):
        page = trace.to_html()
        assert re.search('"cut": ?{', page), "there is more than a page has room for"
        assert len(page.encode()) < budgets.PAGE_BYTES


def test_a_row_the_page_has_no_room_for_is_said(page: Any, tmp_path: Path) -> None:
    rows = [[i + 1 / 3, 1 / 7, 2 / 3] for i in range(400)]
    open_page(page, written(tmp_path, explain(rows, [0] * 400)))
    assert re.search(r"only the first \d+ of 400", page.locator("#note").inner_text())


def test_interactive_soon(browser: Any, pets: Path) -> None:
    """Reported; a machine with other work to do must not fail here."""
    with watched(browser) as page:
        open_page(page, pets)
        ready = page.evaluate("performance.getEntriesByType('navigation')[0].domInteractive")
    print(f"interactive after {ready:.0f} ms, of {budgets.PAGE_INTERACTIVE.milliseconds}")


def test_notebook_frame_works_without_an_address(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "notebook.html"
    path.write_text(f"<title>n</title>{explain([5, 4, 2], 0)._repr_html_()}", encoding="utf-8")
    open_page(page, path)
    frame = page.frame_locator("iframe")
    frame.locator("#step").click()
    page.wait_for_timeout(600)  # as long as the page waits before it would write the address
    assert frame.locator(RESULT).inner_text() != "0.349012"


# --- moving things ---


def test_starts_at_the_callers_row(page: Any, pets: Path) -> None:
    open_page(page, pets)
    assert loss(page) == pytest.approx(0.349012, abs=1e-6)
    assert "cat" in said(page)
    assert value(page, "prob", 0) == "0.705385"


def test_slider_moves_every_number(page: Any, pets: Path) -> None:
    open_page(page, pets)
    slider = page.get_by_label("Score of cat, slider")
    slider.focus()
    before = [value(page, step, 0) for step in ("logits", "prob", "log_prob", "grad")]
    slider.press("ArrowLeft")
    slider.press("PageDown")
    settled(page)
    after = [value(page, step, 0) for step in ("logits", "prob", "log_prob", "grad")]
    assert all(a != b for a, b in zip(after, before, strict=True))
    assert loss(page) > 0.35


@pytest.mark.parametrize(
    ("typed", "shown"),
    [("-inf", "inf"), ("nan", "nan"), ("inf", "nan"), ("1e3", "0"), ("−2.5", "6.62825")],
)
def test_box_takes_what_a_float_can_be(page: Any, pets: Path, typed: str, shown: str) -> None:
    open_page(page, pets)
    page.get_by_label("Score of cat", exact=True).fill(typed)
    settled(page)
    assert page.locator(RESULT).inner_text().startswith(shown)


def test_text_that_is_no_number_is_refused_beside_the_box(page: Any, pets: Path) -> None:
    open_page(page, pets)
    box = page.get_by_label("Score of dog", exact=True)
    box.fill("four")
    assert "“four” is not a number" in page.locator(".bad:not(:empty)").inner_text()
    assert box.get_attribute("aria-invalid") == "true"
    assert loss(page) == pytest.approx(0.349012, abs=1e-6)
    box.fill("4")
    assert page.locator(".bad:not(:empty)").count() == 0


def test_classes_come_and_go_between_two_and_twelve(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.locator("#add").click()
    for _ in range(8):  # not by the mouse, which waits for the line to stand still
        page.locator("#add").evaluate("(button) => button.click()")
    settled(page)
    assert page.locator(".class-line:visible").count() == 12
    assert page.locator("#add").is_disabled()
    page.locator(".remove:visible").last.click()
    settled(page)
    for _ in range(8):
        page.locator(".remove:visible").last.evaluate("(button) => button.click()")
        settled(page)
    page.locator(".remove:visible").last.click()
    settled(page)
    assert page.locator(".class-line:visible").count() == 2
    assert page.locator(".remove:visible").first.is_disabled()


def test_target_type_way_and_temperature(page: Any, pets: Path) -> None:
    open_page(page, pets)
    page.get_by_label("horse is the right answer").check()
    settled(page)
    assert loss(page) == pytest.approx(3.349012, abs=1e-5)
    page.get_by_label("float16", exact=True).check(force=True)
    settled(page)
    assert loss(page) != pytest.approx(3.349012, abs=1e-5)
    page.get_by_label("neglog", exact=True).check(force=True)
    page.locator(".scale:has-text('Temperature') .box").fill("2")
    settled(page)
    assert page.locator("#step-scaled").is_visible()
    page.locator(".scale:has-text('Temperature') .box").fill("0")
    assert "positive" in page.locator(".bad:not(:empty)").inner_text()


def test_flags_are_words_and_signs(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=overflow")
    assert "▲ overflow" in page.locator("#step-exp .flag:visible").first.inner_text()
    assert "✕ not a number" in page.locator("#result .flag").inner_text()
    open_page(page, pets, "preset=gap17")
    assert "◆ cancelled" in page.locator("#result .flag").inner_text()


def test_the_curve_is_round_at_its_steep_end(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=wrong")
    path = page.locator("#stage path.curve").get_attribute("d")
    points = [[float(n) for n in pair.split()] for pair in re.findall(r"[-\d.]+ [-\d.]+", path)]
    assert max(abs(b[1] - a[1]) for a, b in pairwise(points)) < 4


def test_the_chosen_example_is_in_sight(page: Any, pets: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    for preset in ("overflow", "pets", "gap17"):
        open_page(page, pets, f"preset={preset}")
        own = page.locator(f"[data-preset={preset}]").bounding_box()
        assert own["x"] >= 0
        assert own["x"] + own["width"] <= 390
        assert page.evaluate("scrollX + scrollY") == 0


def test_ties_are_said(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=pets-tie")
    assert "A tie: cat, dog" in page.locator("#step-logits .note").inner_text()


def test_point_on_the_curve_is_moved_by_keys_and_by_mouse(page: Any, pets: Path) -> None:
    open_page(page, pets)
    point = page.get_by_role("slider", name="Probability of cat: drag to change its score")
    point.press("End")
    settled(page)
    assert loss(page) < 0.002
    point.scroll_into_view_if_needed()
    drag(page, point, -200)
    assert loss(page) > 0.05


def test_parts_are_made_for_the_classes_that_are_there(page: Any, pets: Path) -> None:
    """Not for the most that there can be: twelve lines in each step were half of the nodes."""
    open_page(page, pets)
    parts = (".class-line", "#step-prob .bar-row:not(.heads)", ".stack i", ".jacobian tbody tr")
    assert [page.locator(part).count() for part in parts] == [3] * 4


# --- descent ---


def test_steps_lower_the_loss_and_reset_brings_it_back(page: Any, pets: Path) -> None:
    """The first with motion, the others without: they count the same."""
    open_page(page, pets, "preset=wrong")
    losses = [loss(page)]
    for _ in range(4):
        page.locator("#step").click()
        at_rest(page)
        losses.append(loss(page))
        page.emulate_media(reduced_motion="reduce")
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 5
    assert "4 steps" in str(page.locator("#step-step svg").last.get_attribute("aria-label"))
    page.locator("#reset").click()
    assert loss(page) == losses[0]


def test_play_goes_on_until_pause(page: Any, pets: Path) -> None:
    open_page(page, pets)
    play = page.locator("#play")
    play.click()
    page.wait_for_function(
        "() => Number(document.querySelector('#result .value').textContent) < 0.2"
    )
    play.click()
    assert play.inner_text() == "Play"
    stopped = loss(page)
    page.wait_for_timeout(600)
    assert loss(page) == stopped


def test_a_gradient_that_is_nan_stops_with_a_word(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=overflow")
    page.locator("#step").click()
    assert "not a number" in page.locator(".status").inner_text()


# --- many classes, several rows ---


def test_many_classes_show_the_others_as_one(page: Any, tmp_path: Path) -> None:
    logits = [0.01 * (37 * j % 100) for j in range(100)]
    trace = explain(logits, 0)
    open_page(page, written(tmp_path, trace))
    assert "the others (89)" in page.locator("#note").inner_text()
    assert page.locator(".class-line:visible").count() == 12
    assert loss(page) == pytest.approx(
        float(trace.to_dict()["rows"][0]["steps"]["nll"]["exact"]), rel=1e-5
    )
    assert "The model says class 27" in said(page)
    assert "others" not in said(page)
    page.get_by_label("Score of class 27", exact=True).fill("2")
    kept = fragment(page, "z=")
    open_page(page, tmp_path / "page.html", kept)
    page.reload()
    assert page.locator("#message").is_hidden()
    last = page.locator("#step-prob .bar-row").nth(12)
    assert "the others (89)" in last.text_content()


def test_rows_of_a_batch(page: Any, tmp_path: Path) -> None:
    trace = explain([[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1], class_names=PETS)
    open_page(page, written(tmp_path, trace))
    exact = trace.to_dict()["batch"]
    totals = page.locator("#step-batch tfoot td").all_text_contents()
    assert float(totals[0]) == pytest.approx(float(exact["sum"]["exact"]), rel=1e-5)
    assert float(totals[1]) == pytest.approx(float(exact["mean"]["exact"]), rel=1e-5)
    page.get_by_label("Row", exact=True).select_option(index=2)
    settled(page)
    assert "A tie" in page.locator("#step-logits .note").inner_text()
    assert fragment(page, "row") == "row=2"
    page.get_by_label("Show row 1").click()
    settled(page)
    assert loss(page) == pytest.approx(0.349012, abs=1e-6)
