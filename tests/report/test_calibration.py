"""Calibration: bins against direct sums, the error's bias and interval, the classes."""

from typing import Any

import numpy as np
import pytest
from report_helpers.rows import drawn, in_batches, model, rows_of, softmax
from scipy.stats import binomtest

from neglog.report.state.calibration import FINE, Calibration, equal_mass, fine_bin, share


def found_of(z: np.ndarray, y: np.ndarray, w: np.ndarray | None = None) -> dict[str, Any]:
    part = in_batches(Calibration(z.shape[1]), [len(y) // 3], z, y, w)
    found: dict[str, Any] = part.findings(np.bincount(y, w, z.shape[1]).astype(float))
    return found


def plain_error(z: np.ndarray, y: np.ndarray) -> float:
    """The usual one: 15 bins of equal mass, nothing taken off."""
    p = softmax(z)
    order = np.argsort(p.max(1))
    hit, top = (p.argmax(1) == y)[order], p.max(1)[order]
    parts = zip(np.array_split(hit, 15), np.array_split(top, 15), strict=True)
    return float(sum(abs(h.mean() - t.mean()) * len(h) for h, t in parts) / len(y))


def test_a_calibrated_model_has_an_error_of_about_0() -> None:
    ours, plain, inside = [], [], 0
    for seed in range(60):
        z, y = model(400, 6, scale=1.5, seed=seed)
        error = found_of(z, y)["top_label"]["error"]
        ours.append(error.value)
        plain.append(plain_error(z, y))
        inside += error.low <= 0.01
    assert np.mean(plain) > 0.06  # hard: the bias is large
    assert np.mean(ours) < 0.15 * np.mean(plain)
    assert inside >= 55


def test_an_error_beyond_noise_stays() -> None:
    """Of a model whose accuracy is 0.8 of its confidence: the error is 0.2 of the confidence."""
    draw = np.random.default_rng(0)
    ours, expected, inside = [], [], 0
    for _ in range(40):
        p = draw.uniform(0.6, 0.99, 600)
        z = np.log(np.stack([p, 1 - p], axis=1))
        y = (draw.random(600) > 0.8 * p).astype(np.int64)
        error = found_of(z, y)["top_label"]["error"]
        ours.append(error.value)
        expected.append(0.2 * p.mean())
        inside += error.low <= expected[-1] <= error.high
    assert np.mean(ours) == pytest.approx(np.mean(expected), rel=0.06)
    assert inside >= 36


@pytest.mark.parametrize("weighted", [False, True])
def test_bins_hold_what_direct_sums_say(weighted: bool) -> None:
    z, y = model(3000, 10, scale=1.5, temperature=1.5)
    w = np.random.default_rng(3).choice([0.5, 1.0, 2.0], 3000) if weighted else None
    found = found_of(z, y, w)["top_label"]
    u = np.ones(3000) if w is None else w
    top, hit = softmax(z).max(1), softmax(z).argmax(1) == y
    edges = [0, *np.cumsum([line["rows"] for line in found["bins"]])]
    order = np.argsort(top)
    assert len(found["bins"]) == 15
    assert edges[-1] == 3000
    for line, a, b in zip(found["bins"], edges, edges[1:], strict=False):
        those = order[a:b]
        assert line["weight"] == pytest.approx(u[those].sum())
        assert line["weight"] == pytest.approx(u.sum() / 15, rel=0.2)
        assert line["confidence"] == pytest.approx(np.average(top[those], weights=u[those]))
        accuracy = line["accuracy"]
        assert accuracy.value == pytest.approx(np.average(hit[those], weights=u[those]))
        assert accuracy.low < accuracy.value < accuracy.high
    gaps = sum(
        line["weight"] * abs(line["accuracy"][0] - line["confidence"]) for line in found["bins"]
    )
    assert found["error"].value <= gaps / u.sum()
    assert found["error"].value == pytest.approx(gaps / u.sum(), rel=0.2)


def test_the_band_is_wilsons() -> None:
    for hits, n in ((0, 7), (7, 7), (3, 40)):
        expected = binomtest(hits, n).proportion_ci(method="wilson")
        assert share(hits / n, n)[1:] == pytest.approx([expected.low, expected.high])


def test_fine_bins_ascend_and_hold_every_probability() -> None:
    p = np.sort(np.concatenate([[0.0, 1e-300, 0.5, 1.0], np.random.default_rng(0).random(999)]))
    bins = fine_bin(p)
    assert (np.diff(bins) >= 0).all()
    assert bins[0] == 0
    assert bins[-1] == 2 * FINE - 1
    wide = [np.ptp(p[bins == b]) for b in np.unique(bins)]
    assert max(wide) <= 1 / 64


def test_bins_of_equal_mass_follow_the_hits_of_their_neighbours() -> None:
    w = np.array([0.0, 3.0, 0.0, 0.0, 5.0, 1.0])
    group = equal_mass(w)
    assert (np.diff(group) >= 0).all()
    assert group[0] == group[1] == group[2]
    assert group[3] == group[4] < group[5]
    assert (equal_mass(np.zeros(4)) == 0).all()


def test_a_class_that_is_wrong_stands_out() -> None:
    draw = np.random.default_rng(1)
    z = draw.normal(size=(4000, 6)) * 1.5
    y = drawn(softmax(z), draw)
    away = (y == 2) & (draw.random(4000) < 0.5)
    y[away] = (2 + draw.integers(1, 6, away.sum())) % 6
    found = found_of(z, y)["class_wise"]
    errors = [line["error"] for line in found["classes"]]
    assert max(range(6), key=errors.__getitem__) == 2
    assert errors[2] > 0.05
    assert found["error"] == pytest.approx(np.mean(errors))
    for j, line in enumerate(found["classes"]):
        assert line["class"] == j
        assert line["mean_p"] == pytest.approx(softmax(z)[:, j].mean())
        assert line["frequency"] == pytest.approx((y == j).mean())


@pytest.mark.parametrize("weighted", [False, True])
def test_classes_of_a_calibrated_model_have_errors_of_about_0(weighted: bool) -> None:
    ours = []
    for seed in range(25):
        z, y = model(400, 3, scale=1.0, seed=seed)
        w = np.random.default_rng(seed).choice([0.5, 2.0], 400) if weighted else None
        ours.append(found_of(z, y, w)["class_wise"]["error"])
    assert np.mean(ours) < 0.012  # 0.07 where nothing is taken off


def test_probabilities_on_the_edges_of_bins() -> None:
    """Probabilities of n/8, all of them edges: no class looks wrong by what rounding does."""
    draw = np.random.default_rng(4)
    p = draw.permuted(np.tile([3 / 8, 3 / 8, 2 / 8, 0], (4000, 1)), axis=1)
    z = np.full(p.shape, -np.inf, np.float32)
    np.log(p, out=z, where=p > 0, casting="same_kind")
    found = found_of(z, drawn(p, draw))
    assert found["class_wise"]["error"] < 0.01
    assert found["top_label"]["error"].value < 0.02


def test_many_classes_have_frequencies_alone() -> None:
    z, y = model(60, 1200, seed=5)
    found = found_of(z.astype(np.float32), y)["class_wise"]
    assert found["error"] is None
    assert len(found["classes"]) == 1000
    gaps = [abs(line["mean_p"] - line["frequency"]) for line in found["classes"]]
    assert gaps == sorted(gaps, reverse=True)
    assert all(line["error"] is None for line in found["classes"])


def test_certain_and_wrong() -> None:
    z = np.array([[1000.0, 0.0]] * 3 + [[0.0, 1000.0]])
    found = found_of(z, np.array([0, 1, 0, 1]))
    assert found["top_label"]["error"].value == pytest.approx(0.25)
    assert found["class_wise"]["error"] == pytest.approx(0.25)


def test_one_row_and_one_class() -> None:
    part = Calibration(1)
    part.add(rows_of(np.zeros((1, 1)), np.zeros(1, np.int64)))
    found = part.findings(np.ones(1))
    assert found["top_label"]["error"] == (0, 0, 0)
    assert found["class_wise"]["error"] == 0
