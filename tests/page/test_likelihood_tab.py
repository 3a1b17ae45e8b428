"""The page's second tab: points, densities, products that underflow and sums that do not."""

import re
from pathlib import Path
from typing import Any

from page_helpers import drag, fragment, pets_fixture, settled, written  # noqa: F401
from page_helpers.browser import browser_fixture, open_page, page_fixture  # noqa: F401

from neglog.trace import Bernoulli, Normal, explain_likelihood


def test_points_and_densities_move_by_keys_and_by_mouse(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=orange-blue")
    logs = page.locator("#likelihood .score")
    seen = [logs.inner_text()]
    for name in ("Point 1", "blue: mean", "blue: standard deviation"):
        handle = page.get_by_role("slider", name=name, exact=True).last
        handle.press("ArrowRight")
        settled(page)
        seen.append(logs.inner_text())
        drag(page, handle, 40)
        seen.append(logs.inner_text())
    assert len(set(seen)) == len(seen)
    assert "x=" in fragment(page, "c=blue")


def test_go_there_finds_the_maximum(page: Any, tmp_path: Path) -> None:
    coin = explain_likelihood([1, 1, 0], {"fair": Bernoulli(0.5), "bent": Bernoulli(0.9)})
    open_page(page, written(tmp_path, coin))
    assert page.locator("#likelihood .score tfoot").inner_text().split() == ["fair", "wins"] * 2
    page.get_by_label("bent: go to the maximum").click()
    settled(page)
    assert page.locator("#likelihood .score tfoot").inner_text().split() == ["bent", "wins"] * 2
    assert page.get_by_role("textbox", name="bent: p of heads").input_value() == "0.6666667"
    page.get_by_label("Toss 3: tails").click()
    settled(page)
    assert "p of heads 1;" in page.locator("#lik-curve .note").inner_text()


def test_the_product_underflows_and_the_sum_does_not(page: Any, pets: Path) -> None:
    open_page(page, pets, "preset=many")
    assert page.locator("#lik-race").is_visible()
    assert "▼ underflow" in page.locator("#lik-race .score").inner_text()
    assert "▼ underflow" in page.locator(".densities tbody tr").last.inner_text()
    foot = page.locator(".densities tfoot").inner_text()
    assert len(re.findall(r"×10⁻³[⁰¹²³⁴⁵⁶⁷⁸⁹]{2}", foot)) == 2


def test_a_density_of_another_library_is_drawn_from_its_table(page: Any, tmp_path: Path) -> None:
    class Laplace:
        """Not one of ours."""

        def logpdf(self, x: Any) -> Any:
            return -abs(x) - 0.6931471805599453

    trace = explain_likelihood(
        [0.5, -1.25, 2.0], {"laplace": Laplace(), "normal": Normal(0.0, 1.0)}
    )
    open_page(page, written(tmp_path, trace))
    log = trace.to_dict()["candidates"]["laplace"]["log_likelihood"]
    assert f"{log:.4f}".replace("-", "−") in page.locator("#likelihood .score").inner_text()
    page.get_by_role("slider", name="normal: mean").last.press("ArrowRight")
    kept = fragment(page, "c=laplace:other,normal")
    open_page(page, tmp_path / "page.html", kept)
    assert page.locator("#message").is_hidden()


def test_a_product_stays_on_one_line(page: Any, pets: Path) -> None:
    for width in (390, 820):
        page.set_viewport_size({"width": width, "height": 844})
        open_page(page, pets, "tab=likelihood&preset=orange-blue")
        lines = "(values) => values.map((value) => value.getClientRects().length)"
        assert page.locator(".score tbody td:nth-child(2) .value").evaluate_all(lines) == [1, 1]
