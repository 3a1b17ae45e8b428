"""The best temperature against SciPy's, on all rows; its interval; the parts of the nll."""

import math
from typing import Any

import numpy as np
import pytest
from report_helpers.rows import in_batches, model, rows_of, softmax
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from neglog.report.state.temperature import Temperature


def nll_at(z: np.ndarray, y: np.ndarray, temperature: float) -> float:
    scaled = z / temperature
    return float((logsumexp(scaled, axis=1) - scaled[np.arange(len(y)), y]).mean())


def optimum(z: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """The temperature with the least mean nll, and that nll."""
    found = minimize_scalar(
        lambda u: nll_at(z, y, math.exp(u)), bounds=(-2.8, 2.8), method="bounded"
    )
    return math.exp(found.x), float(found.fun)


# Over- and under-confident up to the ends of the range; few rows; many classes.
@pytest.mark.parametrize(
    ("n", "v", "temperature"),
    [
        (900, 10, 1.0),
        (900, 10, 1.4),
        (900, 10, 0.35),
        (900, 10, 9.0),
        (900, 2, 0.1),
        (9, 3, 1.4),
        (900, 100, 1.4),
        (200, 1500, 0.7),
    ],
)
def test_the_best_temperature_is_scipys(n: int, v: int, temperature: float) -> None:
    z, y = model(n, v, temperature=temperature, seed=n + v)
    best = in_batches(Temperature(), [n // 3], z, y).best()
    expected, least = optimum(z, y)
    assert best.temperature.value == pytest.approx(expected, rel=0.01)
    assert not best.beyond
    # What interpolation leaves, in nats: half a unit at T = 1.4, between two nodes.
    left = {2: 2e-6, 3: 2e-5, 10: 2e-5, 100: 3e-4, 1500: 2e-3}[v]
    assert best.gain == pytest.approx(nll_at(z, y, 1.0) - least, abs=left)
    assert best.nll == pytest.approx(least, abs=left)


def test_heavy_tails_and_rows_of_different_scales() -> None:
    draw = np.random.default_rng(0)
    for z in (
        draw.standard_t(3, size=(900, 10)),
        draw.normal(size=(900, 10)) * np.exp(draw.normal(size=(900, 1))),
    ):
        y = (np.cumsum(softmax(z), 1) < draw.random((900, 1))).sum(1).clip(0, 9)
        best = in_batches(Temperature(), [], 1.7 * z, y).best()
        assert best.temperature.value == pytest.approx(optimum(1.7 * z, y)[0], rel=0.01)


def test_an_optimum_outside_is_said_so() -> None:
    z, _ = model(50, 4)
    for target, temperature in ((z.argmax(1), 1 / 16), (z.argmin(1), 16.0)):
        best = in_batches(Temperature(), [], z, target).best()
        assert best.beyond
        assert best.temperature.value == temperature
        assert best.gain == pytest.approx(nll_at(z, target, 1) - nll_at(z, target, temperature))
        assert math.isnan(best.temperature.low)


@pytest.mark.parametrize("classes", [1, 4])
def test_where_every_temperature_is_as_good(classes: int) -> None:
    best = in_batches(Temperature(), [], np.zeros((7, classes)), np.zeros(7, np.int64)).best()
    assert (best.temperature.value, best.gain, best.beyond) == (1.0, 0.0, False)
    assert math.isnan(best.temperature.low)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    inside = 0
    for seed in range(120):
        z, y = model(150, 4, temperature=1.3, seed=seed)
        low, high = in_batches(Temperature(), [], z, y).best().temperature[1:]
        inside += low <= 1.3 <= high
    assert 0.90 <= inside / 120 <= 0.99


@pytest.mark.parametrize("weighted", [False, True])
def test_the_parts_of_the_nll_add_up(weighted: bool) -> None:
    z, y = model(400, 5, temperature=1.6, seed=1)
    w = np.random.default_rng(1).choice([0.5, 1.0, 4.0], 400) if weighted else None
    rows = rows_of(z, y, w)
    part = Temperature()
    part.add(rows)
    found: dict[str, Any] = part.findings(1.5)
    assert found["uncertainty"] == 1.5
    mean = float(np.average(rows.nll, weights=w))
    total = found["uncertainty"] - found["discrimination"] + found["miscalibration"]
    assert total == pytest.approx(mean, rel=1e-9)
    assert found["miscalibration"] == found["temperature"]["gain"] > 0.01
    difference, u = rows.nll - rows.entropy, np.ones(400) if w is None else w
    middle = np.average(difference, weights=w)
    half = 1.96 * np.sqrt((u**2 * (difference - middle) ** 2).sum()) / u.sum()
    assert found["nll_minus_entropy"].value == pytest.approx(middle)
    assert found["nll_minus_entropy"].high - middle == pytest.approx(half, rel=2e-3)


def test_weights_repeat_rows() -> None:
    z, y = model(200, 5, temperature=1.4, seed=2)
    w = np.random.default_rng(2).integers(1, 4, 200)
    weighted = in_batches(Temperature(), [60], z, y, w.astype(float)).best()
    repeated = in_batches(Temperature(), [], z.repeat(w, 0), y.repeat(w)).best()
    assert weighted.temperature.value == pytest.approx(repeated.temperature.value, rel=1e-8)
    assert weighted.nll == pytest.approx(repeated.nll, rel=1e-10)
    # Rows that are repeated say less than as many different ones.
    assert weighted.temperature.high > repeated.temperature.high
