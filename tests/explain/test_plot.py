"""The explanation as a picture: what is drawn is what was computed, for any row and any name."""

import io
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra plot")

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from neglog._show import figure as figure_parts
from neglog.trace import Bernoulli, Normal, explain, explain_likelihood

PETS = ["cat", "dog", "horse"]
INF, NAN = float("inf"), float("nan")


def words(figure: Figure) -> list[str]:
    """Every text in a figure."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def drawn(trace: Any) -> Figure:
    """The figure, once it is drawn: a warning would be an error. A file would draw it twice."""
    figure = trace.plot()
    assert isinstance(figure, Figure)
    figure.dpi = 50
    FigureCanvasAgg(figure).draw()
    return figure


def part(figure: Figure, title: str) -> Any:
    """The axes with this title."""
    return next(axes for axes in figure.axes if axes.get_title(loc="left").startswith(title))


@pytest.mark.parametrize(
    ("logits", "target"),
    [
        ([4, 4, 1], 1),
        ([1000, 0, -5], 0),
        ([1000, 0, -5], 1),
        ([NAN, 0, 0], 1),
        ([INF, 0, 0], 1),
        ([INF, INF, 0], 1),
        ([-INF, -INF, -INF], 1),
        ([-INF, 1, 1], 0),
        ([1e30, -1e30, 1e-30], 2),
        ([3.5], 0),
        ([0.0] * 12, 3),
        ([[5, 4, 2], [NAN, 1, 1]], [0, 1]),
        (np.arange(15.0).reshape(5, 3) % 7, [1] * 5),
        (np.random.default_rng(0).normal(size=1000), 3),
    ],
)
@pytest.mark.parametrize(("dtype", "temperature"), [("float16", 0.01), ("float64", 1)])
def test_every_row_has_a_picture(logits: Any, target: Any, dtype: str, temperature: float) -> None:
    drawn(explain(logits, target, dtype=dtype, temperature=temperature))


def test_bars_curve_and_arrows_show_the_numbers() -> None:
    figure = drawn(explain([5, 4, 2], 0, class_names=PETS, dtype="float64"))
    p = np.exp([5, 4, 2]) / np.exp([5, 4, 2]).sum()
    assert [bar.get_width() for bar in part(figure, "logits").patches] == [5, 4, 2]
    assert [bar.get_width() for bar in part(figure, "probabilities").patches] == pytest.approx(p)
    points = [line.get_xydata() for line in part(figure, "unhappiness").lines]
    assert points[-1][0] == pytest.approx([p[0], -np.log(p[0])])
    assert np.allclose(points[0][:, 1], -np.log(points[0][:, 0]))
    ends = [text.xy[0] for text in part(figure, "gradient").texts if text.arrow_patch]
    assert ends == pytest.approx(p - [1, 0, 0])
    names = [label.get_text() for label in part(figure, "probabilities").get_yticklabels()]
    assert names == ["* cat", "dog", "horse"]
    assert "The target, cat, has the largest logit: right." in words(figure)


def test_errors_stand_where_they_belong_and_flags_are_words() -> None:
    trace = explain([17, 0, 0], 0)
    axes = part(drawn(trace), "error of each column")
    row = trace.subject.rows[0]
    assert [label.get_text() for label in axes.get_yticklabels()][:3] == ["p", "gradient", "nll"]
    marks = {(x, round(y, 2)) for line in axes.lines for x, y in line.get_xydata()}
    for column, beside in ((row.steps["nll"].shifted, 0), (row.steps["nll"].neglog, 0.26)):
        assert (column.error[0], 2 + beside) in marks
    flags = [text.get_text() for text in axes.texts if round(text.xy[1]) == 2]
    assert flags == ["cancel", "cancel", ""]


def test_a_loss_that_cannot_be_drawn_is_an_arrow() -> None:
    axes = part(drawn(explain([-INF, 1, 1], 0)), "unhappiness")
    assert axes.lines[-1].get_marker() == "^"
    assert [text.get_text() for text in axes.texts] == ["inf"]


def test_the_target_is_seen_without_colour() -> None:
    figure = drawn(explain([5, 4, 2], 1, class_names=PETS))
    grey = [
        np.dot(to_rgb(bar.get_facecolor()), (0.299, 0.587, 0.114))
        for bar in part(figure, "probabilities").patches
    ]
    assert grey[0] == grey[2] > grey[1] + 0.3


def test_many_classes_and_many_rows_say_what_is_left_out() -> None:
    many = drawn(explain(np.arange(100.0), 3))
    names = [label.get_text() for label in part(many, "logits").get_yticklabels()]
    assert names == ["* class 3", *(f"class {j}" for j in range(90, 100)), "the others (89)"]
    assert "The largest classes and the target are shown, the others as one." in words(many)
    batch = drawn(explain(np.eye(3).repeat(3, axis=0), [0] * 9))
    assert "Rows not shown: 5." in words(batch)
    assert len(batch.subfigs) == 4


def test_hostile_names_are_names() -> None:
    names = ["$\\frac{", "_hidden", "a\x00\x1b[31m\n", "x" * 200, "\ud800"]
    figure = drawn(explain([1, 2, 3, 4, 5], 0, class_names=names))
    shown = [label.get_text() for label in part(figure, "logits").get_yticklabels()]
    assert shown == ["* $\\frac{", "_hidden", r"a\x00\x1b[31m\n", "x" * 15 + "…", r"\ud800"]


def test_korean_names_are_drawn_or_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = explain([5, 4, 2], 0, class_names=["고양이", "dog", "말"])
    drawn(trace)  # whatever is installed here
    monkeypatch.setattr(figure_parts, "_installed", list)
    shown = words(drawn(trace))
    assert "The target, class 0, has the largest logit: right." in shown
    assert {"* class 0", "dog", "class 2"} <= set(shown)
    assert "Class names that no installed font can write are replaced by numbers." in shown


def test_a_font_with_hangul_is_used() -> None:
    fonts = figure_parts._installed()
    if not fonts:
        pytest.skip("no font with Hangul is installed")
    shown = words(drawn(explain([5, 4, 2], 0, class_names=["고양이", "dog", "말"])))
    assert {"* 고양이", "dog", "말"} <= set(shown)


def test_no_window_and_no_global_figure() -> None:
    from matplotlib import pyplot

    page = io.BytesIO()
    drawn(explain([5, 4, 2], 0)).savefig(page, format="png", dpi=50)
    assert page.getvalue().startswith(b"\x89PNG")
    assert pyplot.get_fignums() == []


# ---- likelihood


def test_the_parts_of_a_likelihood() -> None:
    trace = explain_likelihood([1, 2, 3], {"orange": Normal(1.5, 1), "blue": Normal(4, 1)})
    figure = drawn(trace)
    subject = trace.subject
    probability = part(figure, "probability")
    for line, candidate in zip(probability.lines[:2], subject.candidates, strict=True):
        assert np.array_equal(line.get_xydata()[:, 1], candidate.density_at)
    curve = part(figure, "likelihood")
    assert np.array_equal(curve.lines[0].get_xydata()[:, 1], subject.curve.likelihood)
    star = next(line for line in curve.lines if line.get_marker() == "*")
    assert star.get_xydata()[0].tolist() == [2.0, 1.0]
    sums = part(figure, "log-likelihood").lines
    for line, candidate in zip(sums, subject.candidates, strict=True):
        assert line.get_ydata()[-1] == pytest.approx(candidate.log_likelihood)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["orange", "blue"]
    styles = {(line.get_color(), line.get_linestyle()) for line in probability.lines[:2]}
    assert len(styles) == len({style for _, style in styles}) == 2


def test_an_underflow_is_marked() -> None:
    points = np.random.default_rng(0).normal(size=900).tolist()
    trace = explain_likelihood(points, {"주황": Normal(0, 1), "_b": Normal(2, 1)})
    axes = part(drawn(trace), "log-likelihood")
    marks = [line.get_xydata()[0, 0] for line in axes.lines if line.get_marker() == "X"]
    assert marks == [candidate.underflow_at for candidate in trace.subject.candidates]
    assert [text.get_text() for text in axes.texts] == ["product 0"] * 2


def test_coins_have_bars_and_the_impossible_ends() -> None:
    trace = explain_likelihood([1, 1, 0], {"$fair": Bernoulli(0.5), "sure": Bernoulli(1)})
    figure = drawn(trace)
    heights = [bar.get_height() for bar in part(figure, "probability").patches]
    assert heights == pytest.approx([0.5, 0.5, 0, 1])
    assert "then -inf" in words(figure)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["$fair", "sure"]


def test_other_families_have_no_curve_and_many_candidates_are_cut() -> None:
    stats = pytest.importorskip("scipy.stats")
    trace = explain_likelihood([1, 2, 0, 5], {f"a{k}": stats.poisson(k + 1) for k in range(8)})
    figure = drawn(trace)
    assert len(figure.axes) == 2
    assert any("The best 6 of 8 are shown." in text for text in words(figure))


def test_without_matplotlib_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = explain([5, 4, 2], 0)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ModuleNotFoundError, match=r"neglog\[plot\]"):
        trace.plot()


def test_a_notebook_shows_the_picture_without_pyplot() -> None:
    picture: Any = explain([5, 4, 2], 0).plot()
    assert picture._repr_png_().startswith(b"\x89PNG")
