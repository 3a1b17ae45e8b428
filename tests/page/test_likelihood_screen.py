"""The likelihood's first screen: curves to drag, a product that underflows, a sum that does not."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_helpers import pets_fixture, settled, written  # noqa: F401
from page_helpers.browser import browser_fixture, open_page, page_fixture, watched  # noqa: F401

import neglog
from neglog.trace import Bernoulli, Normal, explain_likelihood

SCREENS = {"desk": (1280, 800), "phone": (390, 844)}
# What is not wholly in the window, and what does not show all its text.
OUT_OF_SIGHT = """() => [...document.querySelectorAll(
    "#panel-likelihood h1, #lik-stage :is(#lik-said, svg, .handle, .score td, .controls *)")]
    .filter((node) => {
      const {left, top, right, bottom, width} = node.getBoundingClientRect();
      return width && (left < -1 || top < 0 || right > innerWidth + 1 || bottom > innerHeight); })
    .map((node) => node.outerHTML)"""
CUT = """() => [...document.querySelectorAll("#lik-stage :not(svg *)")].filter((node) =>
    node.clientWidth && node.scrollWidth > node.clientWidth + 1
    && getComputedStyle(node).display !== "inline" && !node.closest(".handles, .aside, .options"))
    .map((node) => node.outerHTML)"""


def said(page: Any) -> str:
    return str(page.locator("#lik-said").text_content())


def number(text: str) -> float:
    return float(text.replace("−", "-").replace("★", ""))


def slider(page: Any, name: str) -> Any:
    """A handle of the first screen."""
    return page.locator("#lik-chart").get_by_role("slider", name=name, exact=True)


def moved(page: Any, name: str, key: str) -> str:
    """What the page says after a key on a handle."""
    slider(page, name).press(key)
    settled(page)
    return said(page)


@pytest.mark.parametrize("screen", SCREENS)
def test_the_first_screen_is_the_whole_story(browser: Any, pets: Path, screen: str) -> None:
    """Chart, handles, picture of the product, product, sum and sentence: in sight and not cut."""
    width, height = SCREENS[screen]
    with watched(browser, viewport={"width": width, "height": height}) as page:
        for lang in ("en", "ko"):
            for preset in ("tosses", "orange-blue", "many"):
                open_page(page, pets, f"preset={preset}&lang={lang}")
                settled(page)
                assert page.evaluate(OUT_OF_SIGHT) == [], (lang, preset)
                assert page.evaluate(CUT) == [], (lang, preset)
                assert page.locator("#lik-stage .handle:visible").count() >= 2
                assert page.locator("#lik-stage :is(svg, .score):visible").count() == 3


def test_hundreds_of_points_underflow_and_their_sums_decide(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=many")
    points = page.evaluate("Presets.start('many', {}).data")
    curves = {"blue": Normal(0.0, 1.0), "orange": Normal(0.5, 1.0)}
    candidates = neglog.explain_likelihood(points, curves).to_dict()["candidates"]
    rows = page.locator("#lik-stage .score tbody tr")
    for row, name in zip(rows.all(), curves, strict=True):
        product, total = row.locator("td .value").all_inner_texts()
        assert product == "0"
        assert "underflow" in row.inner_text()
        assert number(total) == pytest.approx(candidates[name]["log_likelihood"], rel=1e-6)
    verdicts = page.locator("#lik-stage .score tfoot").inner_text()
    assert "The product has underflowed: 0 for both. Nobody wins." in verdicts
    assert "orange wins" in verdicts


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_product_is_the_types_own(page: Any, pets: Path, dtype: str) -> None:
    """Every rounding is NumPy's; from the point on where NumPy has 0, the picture has it too."""
    open_page(page, pets, f"preset=many&dtype={dtype}")
    points = page.evaluate("Presets.start('many', {}).data")
    page.locator("#tab-likelihood").click()
    logs = [-0.5 * x * x - 0.5 * math.log(2 * math.pi) for x in points]
    density = np.exp(np.array(logs))
    with np.errstate(under="ignore"):
        expected = np.multiply.accumulate(density.astype(dtype))
    got = page.evaluate("([x, dtype]) => Likelihood.running(x, dtype)", [density.tolist(), dtype])
    assert got == expected.astype(float).tolist()
    lost = int(np.argmax(expected == 0)) + 1
    assert f"blue: the product is 0 from point {lost} on" in str(
        page.locator("#lik-race svg").get_attribute("aria-label")
    )


def test_the_sentence_says_what_a_moved_curve_did(page: Any, pets: Path) -> None:
    """By how much: e to the change of the log-likelihood since the hand came."""
    points = np.array([4.2, 4.9, 5.3, 5.6, 6.4])

    def log(mean: float, sd: float = 1.0) -> float:
        return float(-0.5 * np.sum(((points - mean) / sd) ** 2) - len(points) * math.log(sd))

    def times(power: float, digits: int = 2) -> str:
        return f"{float(f'{math.exp(power):.{digits}g}'):,.10g}"

    open_page(page, pets, "preset=orange-blue")
    assert said(page) == "orange makes the points 3.9×10¹¹ times as likely as blue."
    assert moved(page, "blue: mean", "Shift+ArrowRight") == (
        f"Moving blue’s mean to 3 made the points {times(log(3) - log(2))} times as likely; "
        f"orange still leads, by a factor of {times(log(5) - log(3))}."
    )
    moved(page, "blue: mean", "Shift+ArrowRight")
    text = moved(page, "blue: mean", "Shift+ArrowRight")  # still from where the hand came
    assert text == (
        "Moving blue’s mean to 5 made the points 3.9×10¹¹ times as likely; a tie: blue, orange."
    )
    lead = times(log(5.1) - log(5), 3)
    assert f"; blue leads now, by a factor of {lead}." in moved(page, "blue: mean", "ArrowRight")
    moved(page, "orange: standard deviation", "Shift+ArrowRight")
    less, lead = times(log(5) - log(5, 1.9), 3), times(log(5.1) - log(5, 1.9), 3)
    assert moved(page, "orange: standard deviation", "ArrowLeft") == (
        f"Widening orange to 1.9 made the points {less} times less likely; "
        f"blue still leads, by a factor of {lead}."
    )
    page.locator("#lang-ko").click()
    assert said(page).startswith("주황의 폭을 1.9까지 넓혔더니 점들의 가능도가 ")


# How the hand does it, and how the sentence begins in both languages.
CHANGES = {
    "a point": (
        lambda page: slider(page, "Point 1").press("Shift+ArrowLeft"),
        "Moving point 1 to 3.2 made the points",
        "1번째 점을 3.2까지 옮겼더니 점들의 가능도가",
    ),
    "a point more": (
        lambda page: page.get_by_role("button", name="Add a point").click(),
        "A new point at 1.4 made the points",
        "1.4 자리에 점을 더했더니 점들의 가능도가",
    ),
    "a point less": (
        lambda page: page.get_by_role("button", name="Remove the last").click(),
        "Leaving out the last made the points",
        "마지막 것을 뺐더니 점들의 가능도가",
    ),
    "the number type": (
        lambda page: (
            page.locator("#lik-race").get_by_label("float16", exact=True).check(force=True)
        ),
        "The smallest positive float16 is 5.96×10⁻⁸; the products are now orange 0.00219, blue 0.",
        "float16의 가장 작은 양수는 5.96×10⁻⁸입니다. 이제 곱은 주황 0.00219, 파랑 0입니다.",
    ),
    "the best parameters": (
        lambda page: page.get_by_label("blue: go to the maximum").click(),
        "Fitting blue to the points made the points",
        "파랑 쪽을 점들에 맞췄더니 점들의 가능도가",
    ),
    "a preset": (
        lambda page: page.locator("[data-preset=many]").click(),
        "orange makes the points 2.2×10¹⁹ times as likely as blue.",
        "점들의 가능도는 주황 쪽이 파랑 쪽의 2.2×10¹⁹배입니다.",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_sentence_names_every_kind_of_change(page: Any, pets: Path, change: str) -> None:
    """And says the same in the other language, when the reader asks for it."""
    act, english, korean = CHANGES[change]
    open_page(page, pets, "preset=orange-blue")
    act(page)
    settled(page)
    assert said(page).startswith(english)
    page.locator("#lang-ko").click()
    settled(page)
    assert said(page).startswith(korean)
    assert not any(part in said(page) for part in ("{", "undefined", "NaN"))


def test_a_toss_and_a_coin_are_said_too(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=tosses")
    assert said(page) == "bent coin makes the tosses 1.02 times as likely as fair coin."
    page.get_by_label("Toss 3: tails").click()
    settled(page)
    assert said(page) == (
        "Turning toss 3 to heads made the tosses 4 times as likely for bent coin; "
        "bent coin still leads, by a factor of 4.1."
    )
    text = moved(page, "fair coin: p of heads", "End")
    assert text.startswith(
        "Moving fair coin’s p to 1 made the tosses 8 times as likely; fair coin leads now"
    )
    page.get_by_label("Toss 1: heads").click()
    settled(page)
    assert "impossible for fair coin" in said(page)
    assert "by a factor of ∞" in said(page)


# What each part of the screen shows, once the frame after the last move is drawn.
LOOK = """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(
    ["#lik-said", "#lik-race .curve[data-hue]", "#lik-race .product[data-hue]", "#lik-chart .curve",
     "#lik-race tbody .value", "#lik-race tbody td:last-child .value"].map((what) => {
       const node = document.querySelector(what);
       return node.getAttribute("d") ?? node.textContent; })))))"""


def test_a_drag_is_measured_from_its_start_and_moves_all_in_one_frame(
    page: Any, pets: Path
) -> None:
    """Curve, picture, product, sum and sentence: each has changed by the next picture."""
    open_page(page, pets, "preset=orange-blue")
    handle = slider(page, "blue: mean")
    box = handle.bounding_box()
    x, y = box["x"] + 12, box["y"] + 12
    page.mouse.move(x, y)
    page.mouse.down()
    seen = [page.evaluate(LOOK)]
    for step in range(1, 5):
        page.mouse.move(x + 25 * step, y)
        seen.append(page.evaluate(LOOK))
    page.mouse.up()
    for before, after in itertools.pairwise(seen):
        assert [a == b for a, b in zip(before, after, strict=True)] == [False] * 6
    mean = float(handle.get_attribute("aria-valuenow"))
    points = np.array([4.2, 4.9, 5.3, 5.6, 6.4])
    gained = float(0.5 * np.sum((points - 2) ** 2 - (points - mean) ** 2))
    digits, power = f"{math.exp(gained):.1e}".split("e")
    raised = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    many = (
        f"{float(digits):g}×10{raised}" if int(power) > 8 else f"{float(digits + f'e{power}'):,.0f}"
    )
    assert said(page).startswith(
        f"Moving blue’s mean to {mean:.3g} made the points {many} times as likely; "
    )


@pytest.mark.parametrize("screen", SCREENS)
def test_six_candidates_and_2000_points_have_a_screen_too(
    browser: Any, tmp_path: Path, screen: str
) -> None:
    width, height = SCREENS[screen]
    points = [math.sin(3 * i) * 2 for i in range(2000)]
    curves = {f"a long name, number {k}": Normal(k / 2 - 1, 1 + k / 4) for k in range(6)}
    path = written(tmp_path, explain_likelihood(points, curves))
    with watched(browser, viewport={"width": width, "height": height}) as page:
        open_page(page, path)
        settled(page)
        assert page.locator("#lik-stage .score tbody tr").count() == 6
        assert "0 for all" in page.locator("#lik-stage .score tfoot").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT) == []


@pytest.mark.parametrize("data", [[1, 1, 0], [1, 1, 0, 1] * 10], ids=["3", "40"])
def test_six_coins_of_which_two_are_impossible(page: Any, tmp_path: Path, data: list[int]) -> None:
    coins = {f"coin {k}": Bernoulli(k / 5) for k in range(6)}
    open_page(page, written(tmp_path, explain_likelihood(data, coins)))
    assert page.locator("#lik-stage .handle").count() == 6
    assert "∞" not in said(page)
    assert page.evaluate(CUT) == []


def test_tables_of_another_library_have_a_screen(page: Any, tmp_path: Path) -> None:
    class Laplace:
        """Not one of ours."""

        def logpdf(self, x: Any) -> Any:
            return -abs(x) - math.log(2)

    trace = explain_likelihood([0.5, -1.25, 2.0], {"laplace": Laplace(), "far": Normal(9.0, 1.0)})
    open_page(page, written(tmp_path, trace))
    assert said(page).startswith("laplace makes the points")
    assert moved(page, "Point 3", "ArrowLeft").startswith("Moving point 3 to 1.9 made the points")


def test_one_candidate_has_nobody_to_beat(page: Any, tmp_path: Path) -> None:
    open_page(page, written(tmp_path, explain_likelihood([0.5, 1.5], {"only": Normal(0.0, 1.0)})))
    assert "wins" not in page.locator("#lik-stage").inner_text()
    assert moved(page, "only: mean", "ArrowRight").endswith("times as likely.")


def test_frames_while_dragging(page: Any, pets: Path) -> None:
    """Printed: a frame's own work with 200 points and two curves; 16.7 ms would be 60 a second."""
    points = ",".join(f"{2 * math.sin(7 * k):.3f}" for k in range(200))
    open_page(page, pets, f"preset=orange-blue&x={points}")
    times = page.evaluate("""async () => {
      const times = [];
      const handle = document.querySelector("#lik-chart .handle[data-hue='0']");
      for (let k = 0; k < 20; k += 1) {
        const at = performance.now();
        handle.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
        await new Promise(requestAnimationFrame);
        times.push(performance.now() - at);
      }
      return times.sort((a, b) => a - b);
    }""")
    print(f"frames of 200 points: median {times[10]:.1f} ms, 95th {times[18]:.1f} ms")
