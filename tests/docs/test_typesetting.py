"""Formulas have their signs and figures both schemes, in the code and in the built pages."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from neglog._show import figure

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "build" / "docs").rglob("tutorial/*.html"))


@pytest.fixture
def part(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads docs/{name}.py, as Sphinx does."""
    pytest.importorskip("sphinx", reason="Sphinx is absent: `make docs` installs it")
    pytest.importorskip("quickjs", reason="QuickJS is absent: `make docs` installs it")
    monkeypatch.syspath_prepend(ROOT / "docs")
    return import_module


@pytest.mark.parametrize(
    ("formula", "sign"),
    [
        (r"\boxed{p}", "fbox"),
        (r"\boxed{p}", '<menclose notation="box">'),
        ("f'", '<mo mathvariant="normal" lspace="0em" rspace="0em">′</mo>'),
        ("f'", '<span class="mord mtight">′</span>'),
        (r"2 \log p", '<span class="mspace" style="margin-right:0.1667em;"></span>'),
        (r"\hat y_i", "<msub><mover"),
        (r"\underbrace{a + b}_{c}", "<munder><munder>"),
        (r"t \| q", "∥"),
        ("a < b", "&lt;"),
        (r"z_1, \dots, z_V", "…"),
        (r"\text{정답}", "<mtext>정답</mtext>"),
    ],
)
def test_formulas_are_set_as_in_books(formula: str, sign: str, part: Any) -> None:
    assert sign in part("formulas").typeset(formula)


def test_a_wrong_formula_is_refused(part: Any) -> None:
    quickjs = pytest.importorskip("quickjs")
    with pytest.raises(quickjs.JSException, match="KaTeX parse error"):
        part("formulas").typeset(r"\frac{")


def test_the_figures_have_the_pages_colours() -> None:
    css = (ROOT / "src" / "neglog" / "_show" / "paper.css").read_text("utf-8")
    hues = re.findall(r"--hue\d: light-dark\((#\w+),", css)
    assert set(figure.COLOURS) == set(hues)
    for name, colour in (("ink", figure.INK), ("soft", figure.GREY)):
        assert f"--{name}: light-dark({colour}," in css


CODE = """
from matplotlib.figure import Figure
figure = Figure()
axes = figure.subplots()
axes.plot([0, 1], {style})
axes.set_title("가 a")
"""


def test_a_figure_has_both_schemes(part: Any) -> None:
    pytest.importorskip("matplotlib")
    svg = part("figures").in_both_schemes(CODE.format(style="'C0'"), "figure")
    assert "#2b5fd0" in svg["light"]
    assert "#6aa5ff" in svg["dark"]
    assert "#2b5fd0" not in svg["dark"]
    assert "fill: #ffffff" not in svg["dark"]


def test_a_foreign_colour_is_refused(part: Any) -> None:
    pytest.importorskip("matplotlib")
    with pytest.raises(ValueError, match=r"C0 to C5.*#ff0000"):
        part("figures").in_both_schemes(CODE.format(style="'red'"), "figure")


def test_particles_and_units_stay(part: Any) -> None:
    nodes = pytest.importorskip("docutils.nodes")
    together = part("together")
    text = nodes.paragraph(
        "", "", nodes.Text("확률("), nodes.math("", "p"), nodes.Text("는) 1이다")
    )
    together.keep(text)
    inline, rest = text.children
    assert inline["classes"] == ["together"]
    assert [inline.astext(), rest.astext()] == ["확률(p는)", " 1이다"]
    assert together.letters(nodes.math("", r"z \leftarrow \mathbf{y}")) == 3
    assert together.joined("It takes 12 bits, 3.5 nats.") == "It takes 12\u00a0bits, 3.5\u00a0nats."
    assert together.joined("3 내트이다, 7 bitsets") == "3\u00a0내트이다, 7 bitsets"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_built_page_is_typeset(page: Path) -> None:
    html = page.read_text("utf-8")
    source = ROOT / "docs" / page.parts[-3] / "tutorial" / f"{page.stem}.md"
    if "katex" not in html or not source.exists():
        pytest.skip("a page without formulas, or pages built before: `make docs`")
    assert html.count("stretchy fbox") == source.read_text("utf-8").count(r"\boxed")
    images = re.findall(r"(_images/plot-\w+)-(light|dark)\.svg\" width", html)
    assert len(images) == 2 * source.read_text("utf-8").count("```{plot}")
    for name, scheme in images:
        assert (page.parents[1] / f"{name}-{scheme}.svg").exists()
