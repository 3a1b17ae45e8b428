"""A report's figures against scikit-learn, torchmetrics, model-diagnostics and SciPy.

Each on rows where the other is exact; then the rows where they differ, and why.
"""

import math
from typing import Any

import numpy as np
import pytest
import torch
from model_diagnostics.scoring import LogLoss, decompose
from report_helpers.rows import model, softmax
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp
from sklearn.metrics import accuracy_score, log_loss, top_k_accuracy_score
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_calibration_error,
)

from neglog import evaluate

N, V = 3000, 7


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of an over-confident model, targets, row weights."""
    z, y = model(N, V, temperature=1.6)
    return z, y, np.random.default_rng(1).choice([0.5, 1.0, 3.0], N)


def found_of(z: np.ndarray, y: np.ndarray, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = evaluate(z, y, kind="logits", **options).to_dict()
    return found


def two_sided(p: float, rate: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two classes, of which one has p; it is the target in a share `rate` of the rows."""
    first = np.arange(n) % 2 == 0
    p_of = np.where(first[:, None], [p, 1 - p], [1 - p, p])
    right = np.arange(n) // 2 % 20 < round(20 * rate)
    return np.log(p_of), np.where(first == right, 0, 1)


def test_nll(rows: tuple[np.ndarray, ...]) -> None:
    z, y, w = rows
    p = softmax(z)
    got = found_of(z, y)["loss"]["nll"]["value"]
    assert got == pytest.approx(log_loss(y, p, labels=range(V)), rel=1e-13)
    expected = torch.nn.functional.cross_entropy(torch.tensor(z), torch.tensor(y)).item()
    assert got == pytest.approx(expected, rel=1e-13)
    got = found_of(z, y, row_weight=w)["loss"]["nll"]["value"]
    assert got == pytest.approx(log_loss(y, p, sample_weight=w, labels=range(V)), rel=1e-13)


def test_nll_beyond_scikit_learns_clip() -> None:
    """scikit-learn cuts probabilities at 2.2e-16, 36.04 nats; logits go on."""
    z, y = np.array([[0.0, 100.0]]), np.array([0])
    assert log_loss(y, softmax(z), labels=[0, 1]) == pytest.approx(36.0437, rel=1e-4)
    assert found_of(z, y)["loss"]["nll"]["value"] == 100


def test_accuracy_and_top_k(rows: tuple[np.ndarray, ...]) -> None:
    z, y, w = rows
    found, weighted = (found_of(z, y, row_weight=x)["accuracy"] for x in (None, w))
    assert found["top1"]["value"] == pytest.approx(accuracy_score(y, z.argmax(1)), rel=1e-14)
    expected = accuracy_score(y, z.argmax(1), sample_weight=w)
    assert weighted["top1"]["value"] == pytest.approx(expected, rel=1e-14)
    for k in (1, 3, 5):
        got = found[f"top{k}"]["value"]
        assert got == pytest.approx(top_k_accuracy_score(y, z, k=k), rel=1e-14)
        theirs = multiclass_accuracy(
            torch.tensor(z), torch.tensor(y), num_classes=V, top_k=k, average="micro"
        )
        assert got == pytest.approx(theirs.item(), abs=1e-7)  # float32
        expected = top_k_accuracy_score(y, z, k=k, sample_weight=w)
        assert weighted[f"top{k}"]["value"] == pytest.approx(expected, rel=1e-14)


def test_top_k_of_ties() -> None:
    """Of equal logits, scikit-learn takes the last classes for the likeliest; here the first."""
    z, y = np.array([[1.0, 1.0, 1.0, 1.0]]), np.array([3])
    assert top_k_accuracy_score(y, z, k=3, labels=range(4)) == 1
    assert found_of(z, y)["accuracy"]["top3"]["value"] == 0
    assert found_of(z, np.array([0]))["accuracy"]["top3"]["value"] == 1


def test_calibration_error() -> None:
    """Few confidences, each in a bin of its own for both, and gaps far beyond noise."""
    parts = [two_sided(p, rate, 2400) for p, rate in ((0.63, 0.55), (0.83, 0.7), (0.97, 0.9))]
    z, y = (np.concatenate(x) for x in zip(*parts, strict=True))
    expected = (0.08 + 0.13 + 0.07) / 3
    theirs = multiclass_calibration_error(
        torch.tensor(softmax(z)), torch.tensor(y), num_classes=2, n_bins=15, norm="l1"
    )
    got = found_of(z, y)["calibration"]["top_label"]["error"]["value"]
    assert theirs.item() == pytest.approx(expected, abs=5e-5)  # it adds in float32
    assert got == pytest.approx(expected, rel=1e-10)


def test_calibration_error_of_a_calibrated_model() -> None:
    """torchmetrics' grows as rows get fewer, because noise counts; here noise is taken off."""
    theirs, ours = [], []
    for seed in range(10):
        z, y = model(300, 4, scale=1.5, seed=seed)
        p, target = torch.tensor(softmax(z)), torch.tensor(y)
        error = multiclass_calibration_error(p, target, num_classes=4, n_bins=15, norm="l1")
        theirs.append(error.item())
        ours.append(found_of(z, y)["calibration"]["top_label"]["error"]["value"])
    assert np.mean(theirs) > 0.05
    assert np.mean(ours) < 0.015


def test_temperature(rows: tuple[np.ndarray, ...]) -> None:
    z, y, w = rows

    def nll(u: float) -> float:
        scaled = z * math.exp(-u)
        own = scaled[np.arange(N), y]
        return float(np.average(logsumexp(scaled, axis=1) - own, weights=w))

    best = minimize_scalar(nll, bounds=(-2, 2), method="bounded", options={"xatol": 1e-9})
    why = found_of(z, y, row_weight=w)["why"]
    assert why["temperature"]["value"] == pytest.approx(math.exp(best.x), rel=1e-4)
    assert why["temperature"]["gain"] == pytest.approx(nll(0) - best.fun, abs=2e-5)


def parts_of(z: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """model-diagnostics' decomposition, which recalibrates by isotonic regression."""
    table = decompose(y_obs=y, y_pred=softmax(z)[:, 1], scoring_function=LogLoss())
    return {name: float(table[name][0]) for name in table.columns}


def test_decomposition() -> None:
    """Two probabilities, whose frequencies a temperature meets as isotonic regression does."""
    z, y = two_sided(0.9, 0.8, 4000)
    theirs, found = parts_of(z, y), found_of(z, y)
    why = found["why"]
    assert found["loss"]["nll"]["value"] == pytest.approx(theirs["score"], rel=1e-12)
    assert why["uncertainty"] == pytest.approx(theirs["uncertainty"], rel=1e-12)
    assert why["miscalibration"] == pytest.approx(theirs["miscalibration"], abs=2e-6)
    assert why["discrimination"] == pytest.approx(theirs["discrimination"], abs=2e-6)
    assert why["temperature"]["value"] == pytest.approx(math.log(9) / math.log(4), rel=1e-4)


def test_decomposition_where_no_temperature_helps() -> None:
    """A shift to one class: isotonic regression mends it, a temperature hardly; here the
    difference counts as a lack of discrimination."""
    z, y = two_sided(0.8, 0.8, 4000)
    z = z + np.array([0.0, 1.5])
    theirs, why = parts_of(z, y), found_of(z, y)["why"]
    assert why["uncertainty"] == pytest.approx(theirs["uncertainty"], rel=1e-12)
    assert theirs["miscalibration"] > 0.1
    assert why["miscalibration"] < 0.6 * theirs["miscalibration"]
