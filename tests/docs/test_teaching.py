"""The numbers in the answers of the teacher's sheets, computed again."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import norm

DOCS = Path(__file__).resolve().parents[2] / "docs"
POINTS = np.array([4.2, 4.9, 5.3, 5.6, 6.4])


def loss(z: Sequence[float], target: int) -> float:
    return -float(log_softmax(z)[target])


def steps_until_third_leads(rate: float) -> int:
    z, count = np.array([9.0, 0.0, -1.0]), 0
    while z.argmax() != 2:
        z -= rate * (softmax(z) - np.eye(3)[2])
        count += 1
    return count


def tie() -> list[str]:
    z = np.array([4.0, 4.0, 1.0])
    after = z - (softmax(z) - np.eye(3)[1])
    return [f"{x:.2f}" for x in [*after, loss(z, 1), loss(after, 1)]]


def sums(mean: float) -> str:
    return f"{norm(mean, 1).logpdf(POINTS).sum():.2f}"[1:]


FIGURES: dict[int, list[str]] = {
    1: [f"{math.e:.3f}", f"{softmax([10, 8, 4])[0]:.2f}"]
    + [f"{softmax([5, 4, z])[j]:.2f}" for z in (2, 5) for j in (0, 1)],
    2: [f"{math.log(n):.2f}" for n in (10, 1000, 2)]
    + [f"{math.exp(-0.35):.2f}", f"{logsumexp([4, 2]):.2f}"]
    + [f"{loss([4, 2, z], 2):.2f}" for z in (0, -1)],
    3: [f"{loss([9, 0, -1], 0):.5f}", f"{loss([10, 0, -1], 0):.5f}"]
    + [f"{loss([z, 0, -1], 2):.2f}" for z in (9, 10)]
    + [f"{-math.log(1e-12):.2f}"],
    4: [*tie(), f"{0.01 * 0.99:.4f}"],
    5: [f"{1 - softmax([9, 0, -1])[0]:.5f}", f"{loss([9, 0, -1], 2):.2f}"],
    6: [
        f"{0.5**3:.3f}",
        f"{4 / 27:.3f}",
        f"{1 / 12:.3f}",
        f"{400 * math.log(10):.2f}",
        f"{POINTS.mean():.2f}",
        sums(5),
        sums(POINTS.mean()),
        sums(2),
    ],
    7: [
        f"{-math.log(0.7):.2f}",
        f"{-math.log(0.09) / 2:.2f}",
        f"{-math.log(0.09) / 2 - math.log(2):.2f}",
        f"{0.9 * math.log(1.8) + 0.1 * math.log(0.2):.2f}",
        f"{loss([5, 4, 2], 0):.2f}",
    ],
    8: [f"{-math.log(p):.2f}" for p in (0.65, 0.1, 0.05)]
    + [f"{loss([1, 0, 0, 0], 0):.2f}", f"{loss([0.2, 0.1, 0.65, 0.05], 2):.2f}"],
    9: [str(steps_until_third_leads(rate)) for rate in (1, 3, 0.1)]
    + [str(60000 // 100), f"{0.1 / 2 * sum(w * w for w in (1, 2, 3, 4)):.1f}"],
    10: [f"{math.log(np.finfo(t).max):.1f}" for t in (np.float32, np.float64)]
    + [f"{loss([17, 0, 0], 0):.2e}", f"{np.finfo(np.float32).eps:.2e}"]
    + [f"{logsumexp([1000, 999]):.3f}"],
}


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("chapter", FIGURES)
def test_a_sheet_says_what_is_computed(chapter: int, language: str) -> None:
    text = (DOCS / language / "teaching.md").read_text("utf-8")
    sheet = text.split(f"(teach{chapter})=")[1].split(f"(teach{chapter + 1})=")[0]
    assert [figure for figure in FIGURES[chapter] if figure not in sheet] == []
