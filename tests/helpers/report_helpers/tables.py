"""Made-up predictions for reports, and their figures from the formulas in long double."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from neglog import Report

Table = dict[str, Any]

F32 = 5e-7  # the kernels' nll of float32 logits, twice what is promised of a row


def made_up(n: int, v: int, seed: int = 0, scale: float = 2.0) -> Table:
    """Logits, targets drawn from their softmax, and columns; some rows are broken or repeated."""
    rng = np.random.default_rng(seed)
    z = (rng.normal(size=(n, v)) * scale).astype(np.float32)
    y = (z + rng.gumbel(size=z.shape)).argmax(1).astype(float)
    if n >= 10:
        z[1] = np.nan
        z[2, int(y[2])] = -np.inf
        y[3] = np.nan
        y[4] = -100
        z[5:8], y[5:8] = z[8], y[8]  # ties
    return {
        "predictions": z,
        "target": y,
        "ids": np.array([f"id{j:05d}" for j in rng.permutation(n)], object),
        "by": {"lang": rng.choice(["ko", "en", "de"], n), "bin": rng.integers(0, 4, n)},
        "num_bytes": rng.integers(1, 9, n).astype(float),
        "row_weight": rng.choice([0.0, 0.5, 1.0, 3.0], n),
        "text": np.array([f"text {j}" for j in range(n)], object),
    }


def part(table: Table, rows: slice) -> Table:
    return {
        name: {key: x[rows] for key, x in value.items()} if name == "by" else value[rows]
        for name, value in table.items()
    }


def parted(table: Table, cuts: Sequence[int]) -> Iterator[Table]:
    edges = [0, *cuts, len(table["target"])]
    for a, b in pairwise(edges):
        yield part(table, slice(a, b))


def assert_same(one: Any, other: Any, place: str = "") -> None:
    """Equal, numbers to 1e-12 relative."""
    if isinstance(one, dict):
        assert one.keys() == other.keys(), place
        for key in one:
            assert_same(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), place
        for k, (x, y) in enumerate(zip(one, other, strict=True)):
            assert_same(x, y, f"{place}[{k}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-15), place
    else:
        assert one == other, place


def merged(one: Report, other: Report) -> Report:
    one.merge(other)
    return one


def reference(table: Table) -> dict[str, NDArray[Any]]:
    """The rows that count, in long double, from the formulas."""
    z, y = table["predictions"].astype(np.longdouble), table["target"]
    weight = table.get("row_weight", np.ones(len(y)))
    with np.errstate(invalid="ignore"):
        lse = np.log(np.exp(z - z.max(1, keepdims=True)).sum(1)) + z.max(1)
    own = z[np.arange(len(z)), np.where(np.isfinite(y) & (y >= 0), y, 0).astype(int)]
    used = np.isfinite(lse - own) & (y >= 0) & (weight > 0)
    z, y, lse, weight = z[used], y[used].astype(int), lse[used], weight[used]
    log_p = z - lse[:, None]
    return {
        "used": used,
        "w": weight,
        "y": y,
        "nll": -log_p[np.arange(len(y)), y],
        "entropy": -(np.exp(log_p) * log_p).sum(1),
        "min_entropy": -log_p.max(1),
        "one_vs_rest": -log_p[np.arange(len(y)), y]
        - np.where(np.arange(z.shape[1]) == y[:, None], 0, np.log1p(-np.exp(log_p))).sum(1),
        "rank": (np.argsort(-z, axis=1, kind="stable") == y[:, None]).argmax(1),
        "predicted": z.argmax(1),
    }


def mean(x: NDArray[Any], w: NDArray[Any]) -> tuple[float, float]:
    """The weighted mean, and half its 95 % interval."""
    m = (w * x).sum() / w.sum()
    variance = (w**2 * (x - m) ** 2).sum() / w.sum() ** 2 * len(x) / (len(x) - 1)
    return float(m), 1.959963984540054 * float(np.sqrt(variance))


def mean_of(x: NDArray[Any], w: NDArray[Any]) -> float:
    return float((w * x).sum() / w.sum())
