"""TemperatureScaling: the exact minimum, at any unit, and where there is none."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from scipy.optimize import brentq, minimize_scalar
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from neglog.learn import TemperatureScaling

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]


def drawn(truth: float = 2.5, rows: int = 400, num_classes: int = 5, seed: int = 0) -> Any:
    """Logits that are `truth` times too sure."""
    rng = np.random.default_rng(seed)
    z = 2 * rng.normal(size=(rows, num_classes))
    return z * truth, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def nll(z: Doubles, y: Labels, weight: Doubles, temperature: float) -> float:
    """In plain NumPy."""
    z = z / temperature
    top = z.max(axis=1)
    rows = np.log(np.exp(z - top[:, None]).sum(axis=1)) + top - z[np.arange(len(z)), y]
    return float(rows @ weight / weight.sum())


def slope(z: Doubles, y: Labels, weight: Doubles, inverse: float) -> float:
    p = np.exp(inverse * (z - z.max(axis=1, keepdims=True)))
    p /= p.sum(axis=1, keepdims=True)
    return float(((p * z).sum(axis=1) - z[np.arange(len(z)), y]) @ weight)


@pytest.mark.parametrize("truth", [0.01, 0.7, 2.5, 100.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_it_is_the_minimum_of_scipy(truth: float, weighted: bool) -> None:
    z, y = drawn(truth)
    weight = np.random.default_rng(1).random(len(y)) if weighted else np.ones(len(y))
    ours = TemperatureScaling().fit(z, y, weight if weighted else None)
    bounds = (truth / 10, truth * 10)
    theirs = minimize_scalar(
        lambda t: nll(z, y, weight, t), bounds=bounds, method="bounded", options={"xatol": 1e-12}
    )
    assert ours.nll_ == pytest.approx(theirs.fun, rel=0, abs=1e-12)
    assert ours.nll_ <= theirs.fun + 1e-15
    # Values of the nll tell T to the root of their own precision; its slope tells it exactly.
    assert ours.temperature_ == pytest.approx(theirs.x, rel=1e-7)
    exact = brentq(lambda b: slope(z, y, weight, b), 1 / bounds[1], 1 / bounds[0], xtol=1e-16)
    assert ours.temperature_ == pytest.approx(1 / exact, rel=1e-12)
    assert ours.n_iter_ < 15


@pytest.mark.parametrize("unit", [1e-100, 1e-6, 1e6, 1e100])
def test_units_do_not_matter(unit: float) -> None:
    z, y = drawn()
    plain, odd = TemperatureScaling().fit(z, y), TemperatureScaling().fit(z * unit, y)
    assert odd.temperature_ / unit == pytest.approx(plain.temperature_, rel=1e-12)
    assert odd.nll_ == pytest.approx(plain.nll_, rel=1e-12)


@pytest.mark.parametrize("rows", [1e-3, 1.0, 30.0, 1e4])
def test_rows_of_very_unlike_size(rows: float) -> None:
    """Newton's steps leave the interval: some rows are saturated where others begin to count."""
    z, y = drawn(1.0)
    z[::3] *= rows
    ours = TemperatureScaling().fit(z, y)
    weight = np.ones(len(y))
    exact = brentq(lambda b: slope(z, y, weight, b), 1e-9, 1e9, xtol=1e-18, rtol=1e-15)
    assert ours.temperature_ == pytest.approx(1 / exact, rel=1e-10)


def test_a_step_that_goes_too_far() -> None:
    """One of 1,000 classes stands out, and is right in half of the rows: its p must be 1/2.

    At T = inf the logits hardly vary; Newton's step from there ends at T = 0.02, and the next one
    below 0.
    """
    z = np.zeros((10, 1000))
    z[:, 0] = 10
    y = np.arange(10) % 2
    ours = TemperatureScaling().fit(z, y)
    assert ours.temperature_ == pytest.approx(10 / np.log(999), rel=1e-12)
    assert ours.n_iter_ < 20


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int64])
def test_other_numbers_are_read_exactly(dtype: type) -> None:
    z, y = drawn()
    z = z.astype(dtype)
    ours = TemperatureScaling().fit(z, y)
    assert ours.temperature_ == TemperatureScaling().fit(z.astype(np.float64), y).temperature_


def test_chunks_are_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    z, y = drawn()
    whole = TemperatureScaling().fit(z, y)
    monkeypatch.setattr("neglog.learn._temperature_scaling.CHUNK", 33)
    parts = TemperatureScaling().fit(z, y)
    assert parts.temperature_ == pytest.approx(whole.temperature_, rel=1e-13)


def test_a_weight_is_a_row_given_so_often_and_0_is_not_read() -> None:
    z, y = drawn()
    weight = np.random.default_rng(1).integers(0, 4, size=len(y))
    repeated = TemperatureScaling().fit(np.repeat(z, weight, 0), np.repeat(y, weight))
    z[weight == 0] = np.nan
    weighted = TemperatureScaling().fit(z, y, weight)
    assert weighted.temperature_ == pytest.approx(repeated.temperature_, rel=1e-12)
    assert weighted.nll_ == pytest.approx(repeated.nll_, rel=1e-12)


def test_a_class_that_cannot_be() -> None:
    z, y = drawn()
    wide = np.c_[z, np.full(len(z), -np.inf)]
    ours = TemperatureScaling().fit(wide, y)
    assert ours.temperature_ == pytest.approx(
        TemperatureScaling().fit(z, y).temperature_, rel=1e-13
    )
    assert (ours.predict_proba(wide)[:, -1] == 0).all()


def test_what_it_gives() -> None:
    z, y = drawn()
    labels = np.array(["e", "d", "c", "b", "a"])
    ours = clone(TemperatureScaling(classes=labels)).fit(z, labels[y])
    assert ours.temperature_ == TemperatureScaling().fit(z, y).temperature_
    np.testing.assert_array_equal(ours.logits(z), z * (1 / ours.temperature_))
    np.testing.assert_allclose(ours.predict_proba(z).sum(axis=1), 1)
    p = ours.predict_proba(z)[np.arange(len(y)), y]
    assert -np.log(p).mean() == pytest.approx(ours.nll_, rel=1e-13)
    np.testing.assert_array_equal(ours.predict(z), labels[z.argmax(axis=1)])


# ---- no minimum


def test_all_rows_right() -> None:
    z = np.array([[3.0, 1.0, 1.0], [0.0, 0.5, -1.0], [2.0, 2.0, 0.0]])
    with pytest.warns(ConvergenceWarning, match="every row is right, so the nll falls") as told:
        ours = TemperatureScaling().fit(z, [0, 1, 1])
    assert told[0].filename == __file__
    assert 0 < ours.temperature_ < 0.1
    assert ours.nll_ == pytest.approx(np.log(2) / 3, rel=1e-15)  # the tie stays
    assert np.isfinite(ours.predict_proba(z)).all()


def test_logits_that_are_worse_than_none() -> None:
    z, y = drawn()
    with pytest.warns(ConvergenceWarning, match="no better than none"):
        ours = TemperatureScaling().fit(-z, y)
    assert ours.temperature_ == np.inf
    assert ours.nll_ == pytest.approx(np.log(5), rel=1e-14)
    mixed = np.array([[1.0, -np.inf, 2.0]])
    mixed = np.c_[mixed, mixed[:, :2]]
    np.testing.assert_allclose(ours.predict_proba(mixed), [[1 / 3, 0, 1 / 3, 1 / 3, 0]])
    with pytest.warns(ConvergenceWarning, match="no better than none"):
        TemperatureScaling().fit(np.ones((3, 2)), [0, 1, 0])


# ---- what is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"logits": np.zeros(4)}, r"shape \(N, V\).*got float64 of shape \(4,\)"),
        ({"logits": np.zeros((4, 1))}, "two classes or more"),
        ({"logits": np.zeros((0, 3))}, "a row or more"),
        ({"logits": np.array([["a", "b"]] * 4)}, "real numbers"),
        ({"y": [0, 1]}, r"y must have shape \(4,\)"),
        ({"y": [0, 1, 2, 3]}, r"y\[3\] is .*3.*, which is the label of no column; classes= names"),
        ({"y": ["a"] * 4}, r"y\[0\] is .*a.*, which is the label"),
        ({"y": [0, 1, 0, 0.5]}, r"y\[3\] is .*0.5"),
        ({"sample_weight": [1, 1, -1, 1]}, "row 2 has -1.0"),
        ({"sample_weight": [0] * 4}, "zero in every row"),
        ({"logits": np.diag([1.0, 2.0, np.nan, 1.0])[:, :3]}, r"logits\[2, 2\] is nan"),
        ({"logits": np.diag([1.0, np.inf, 2.0, 1.0])[:, :3]}, r"logits\[1, 1\] is inf"),
        ({"logits": np.diag([-np.inf, 1.0, 2.0, 1.0])[:, :3]}, r"logits\[0, 0\] is -inf.*and is n"),
    ],
)
def test_bad_input(change: dict[str, Any], said: str) -> None:
    given = {"logits": np.eye(4)[:, :3], "y": [0, 1, 2, 1], "sample_weight": None} | change
    with pytest.raises(ValueError, match=said):
        TemperatureScaling().fit(**given)


def test_bad_classes_and_other_columns() -> None:
    z, y = drawn()
    with pytest.raises(ValueError, match=r"classes must have shape \(5,\)"):
        TemperatureScaling(classes=["a"]).fit(z, y)
    with pytest.raises(ValueError, match="classes must differ"):
        TemperatureScaling(classes=[0, 1, 2, 3, 3]).fit(z, y)
    with pytest.raises(NotFittedError):
        TemperatureScaling().predict_proba(z)
    with pytest.raises(ValueError, match="must have the 5 columns of the fit, got 3"):
        TemperatureScaling().fit(z, y).predict_proba(z[:, :3])
