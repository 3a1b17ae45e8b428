"""Mini-batches of every number of classes against long doubles; run as a program too.

The tests call `sweep` in their own process for the instruction set in use, and start this file
with NEGLOG_CPU set for each of the others. It prints the instruction set that it ran on.
"""

from typing import Any

import numpy as np

import neglog
from neglog._engine.steps import batch_gradient
from neglog.learn._stochastic.descent import empty_table

CLASSES = (*range(2, 35), 100)  # each remainder of the vectors, and of two of them
ROWS = (1, 7, 8, 9, 64, 501)  # a group of rows, one less, one more


def batch(rows: int, dense: int, ones: int, others: int, classes: int) -> tuple[Any, Any, Any]:
    """A table of twice as many rows, the places of some, and weights."""
    rng = np.random.default_rng(1000 * classes + rows)
    table = empty_table(2 * rows, dense, ones)
    table["dense"][:, 1:] = 2 * rng.standard_normal((2 * rows, dense))
    table["ones"] = rng.integers(0, max(others, 1), (2 * rows, ones))
    table["target"] = rng.integers(0, classes, 2 * rows)
    table["weight"] = rng.exponential(size=2 * rows) * (rng.random(2 * rows) < 0.9)
    places = rng.permutation(2 * rows)[:rows]
    return table, places, rng.standard_normal((1 + dense + others, classes)).astype(np.float32)


def expected(table: Any, places: Any, weights: Any) -> tuple[Any, float]:
    """The gradient in long doubles, and the sum of the rows' weights."""
    rows, wide = table[places], table["dense"].shape[1]
    x = np.zeros((len(rows), len(weights)), np.longdouble)
    x[:, :wide] = rows["dense"]
    for ones in rows["ones"].T:
        np.add.at(x, (np.arange(len(rows)), wide + ones), 1)
    z = x @ weights.astype(np.longdouble)
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(rows)), rows["target"]] -= 1
    weight = rows["weight"].astype(np.longdouble)
    total = weight.sum()
    return x.T @ (p * weight[:, None]) / (total or 1), float(total)


def check(table: Any, places: Any, weights: Any) -> None:
    found = np.full_like(weights, np.nan)
    exact, total = expected(table, places, weights)
    assert np.isclose(batch_gradient(table, places, weights, found), total, rtol=1e-14)
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-5)


def sweep() -> None:
    for classes in CLASSES:
        for rows in ROWS:
            check(*batch(rows, dense=5, ones=2, others=6, classes=classes))
    for dense, ones, others in ((0, 1, 3), (9, 0, 0), (1, 3, 40)):
        check(*batch(30, dense, ones, others, classes=10))


if __name__ == "__main__":
    sweep()
    print(neglog.cpu_info().instruction_set)
