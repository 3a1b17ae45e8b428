"""What the stage says and how it moves: a sentence for each change, a step as a movement."""

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from page_helpers import at_rest, fragment, loss, said, settled, share, written
from page_helpers import pets_fixture as pets_fixture
from page_helpers.browser import browser_fixture, open_page, page_fixture, watched  # noqa: F401

from neglog.trace import explain

# --- the sentence ---


def sentence(page: Any, words: str) -> str:
    page.wait_for_function(
        "(words) => document.querySelector('#said').textContent.includes(words)", arg=words
    )
    return said(page)


def heard(page: Any) -> None:
    """Wait until the hand rests: a screen reader hears what is read."""
    page.wait_for_function(
        "() => Object.is(...['live', 'said'].map((id) => document.getElementById(id).textContent))"
    )


def test_each_change_says_what_it_did(page: Any, pets: Path) -> None:
    open_page(page, pets)
    assert said(page) == "cat has 70.5%, and it is the answer; the loss is 0.349."
    page.get_by_label("Score of horse", exact=True).fill("5")
    # exp(5), exp(4), exp(5): horse from 3.512% to 42.232%, cat from 70.538% to 42.232%
    assert sentence(page, "took") == (
        "horse took 39 points of probability, most of them from cat;"
        " the loss rose by 0.51 to 0.862."
    )
    heard(page)
    page.get_by_label("Score of horse", exact=True).fill("2")
    assert sentence(page, "gave") == (
        "horse gave up 39 points of probability, most of them to cat;"
        " the loss fell by 0.51 to 0.349."
    )
    page.get_by_label("horse is the right answer").check()
    assert sentence(page, "answer now") == (
        "horse is the answer now and has 3.51%; the loss rose by 3 to 3.35."
    )
    page.locator(".scale:has-text('Temperature') .box").fill("2")
    # exp(2.5), exp(2), exp(1): horse has 12.9%
    assert sentence(page, "T = 2") == (
        "T = 2: the probabilities moved closer together; the loss fell by 1.2 to 2.1."
    )
    page.locator("[data-preset=wrong]").click()
    # Of scores 9, 0, -1: log(1 + exp(-9) + exp(-10)) = 0.000169
    assert sentence(page, "model says") == (
        "The model says cat (99.983%), but the answer is horse, with 0.00454%; the loss is 10."
        " If cat were the answer, it would be 0.000169."
    )
    page.get_by_label("float16", exact=True).check(force=True)
    assert "float16" in sentence(page, "Computed")


def test_one_step_is_a_sentence_too(browser: Any, pets: Path) -> None:
    with watched(browser, locale="en-GB", reduced_motion="reduce") as page:
        open_page(page, pets, "preset=pets-tie")
        page.locator("#step").click()
        # p = (0.4879, 0.4879, 0.0243), the dog is right: the scores become 3.512, 4.512, 0.976,
        # p = (0.2633, 0.7158, 0.0208)
        assert said(page) == (
            "Step 1, along the arrows: dog took 23 points of probability from cat;"
            " the loss fell by 0.38 to 0.334."
        )
        page.locator("#step").click()
        assert said(page).startswith("Step 2")
        page.locator("#reset").click()
        assert said(page).startswith("A tie: cat, dog")


def test_the_sentence_is_relative_to_where_the_drag_began(page: Any, pets: Path) -> None:
    """Even if the hand rests on the way, as long as it holds on."""
    open_page(page, pets, "z=0,0&y=0&names=cat,dog")
    slider = page.get_by_label("Score of dog, slider")
    box = slider.bounding_box()
    y, middle = box["y"] + box["height"] / 2, box["x"] + box["width"] / 2
    page.mouse.move(middle, y)
    page.mouse.down()
    page.mouse.move(middle + 20, y, steps=2)
    heard(page)
    page.mouse.move(middle + 40, y, steps=2)
    settled(page)
    points = 100 * (share(page, 1) - 0.5)
    assert f"dog took {points:.0f} points of probability from cat" in said(page)
    page.mouse.up()
    heard(page)


def test_the_sentence_in_korean_needs_no_particle_after_a_name(
    browser: Any, tmp_path: Path
) -> None:
    for names in (["말", "고양이", "개"], ["dog", "cat", "class 3"]):
        with watched(browser, locale="ko-KR", reduced_motion="reduce") as page:
            open_page(page, written(tmp_path, explain([5, 4, 2], 0, class_names=names)))
            texts = [said(page)]
            page.get_by_label(f"{names[2]}: 점수", exact=True).fill("5")
            texts.append(sentence(page, "%p"))
            page.get_by_label(f"{names[2]}: 정답으로 고르기").check()
            settled(page)
            texts.append(said(page))
            page.locator("#step").click()
            texts.append(sentence(page, "걸음"))
            page.locator(".scale:has-text('온도') .box").fill("2")
            texts.append(sentence(page, "T = 2"))
            page.locator("[data-preset=wrong]").click()
            texts.append(sentence(page, "99.9"))
        assert texts[1] == (
            f"확률 39%p가 다른 클래스에서 {names[2]} 쪽으로 옮겨 갔습니다"
            f"(가장 많이 내준 쪽: {names[0]}). 손실은 0.51 늘어난 0.862입니다."
        )
        for text in texts:
            assert "손실" in text
            for name in names:
                assert not re.search(
                    rf"{re.escape(name)}(이|가|은|는|을|를|와|과|로|으로)\b", text
                ), text


# --- movement ---

RECORD = """() => {
  window.seen = [];
  const slider = document.querySelector('.class-line input[type=range]');
  const look = () => {
    window.seen.push([performance.now(), Number(slider.value)]);
    requestAnimationFrame(look);
  };
  look();
}"""


def test_a_step_is_a_movement_that_ends_at_the_exact_numbers(page: Any, pets: Path) -> None:
    z, rate = [4.0, 4.0, 1.0], 0.5
    open_page(page, pets, f"preset=pets-tie&rate={rate}")
    total = sum(map(math.exp, z))
    page.evaluate(RECORD)
    page.locator("#step").click()
    at_rest(page)
    path = [x for _, x in page.evaluate("window.seen")]
    assert path[0] == z[0]
    assert path[-1] == pytest.approx(z[0] - rate * math.exp(z[0]) / total, abs=1e-6)
    assert len(set(path)) > 5  # places on the way; 30 where the machine has nothing else to do
    assert path == sorted(path, reverse=True)
    kept = fragment(page, "z=")
    scores = re.search(r"z=([^&]+)", kept)
    assert scores
    found = [float(x) for x in scores[1].split(",")]
    trace = explain(z, 1, dtype="float32").to_dict()["rows"][0]["steps"]["grad"]["shifted"]
    assert found == [float(np.float32(a - rate * g)) for a, g in zip(z, trace, strict=True)]


def test_a_change_by_hand_stops_the_movement(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=wrong")
    page.locator("#play").click()
    page.wait_for_timeout(200)
    page.get_by_label("Score of dog", exact=True).fill("3")
    settled(page)
    now = loss(page)
    assert page.locator("#play").inner_text() == "Play"
    page.wait_for_timeout(600)
    assert loss(page) == now
    assert page.get_by_label("Score of dog", exact=True).input_value() == "3"


def test_reduced_motion_jumps(browser: Any, pets: Path) -> None:
    with watched(browser, locale="en-GB", reduced_motion="reduce") as page:
        open_page(page, pets, "preset=pets-tie")
        page.evaluate(RECORD)
        page.locator("#step").click()
        page.wait_for_timeout(100)
        assert len({x for _, x in page.evaluate("window.seen")}) == 2
