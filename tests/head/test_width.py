"""Hidden states without a column: the logits are the bias, or 0."""

from typing import Any

import numpy as np
import pytest

import neglog

N, V = 3, 4
TARGET = np.arange(N)


@pytest.mark.parametrize("biased", [False, True])
@pytest.mark.parametrize("n", [N, 0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_no_column(dtype: Any, n: int, biased: bool) -> None:
    hidden, classes, target = np.zeros((n, 0), dtype), np.zeros((V, 0), dtype), TARGET[:n]
    bias = np.linspace(-1, 2, V).astype(dtype) if biased else None
    logits = np.zeros((n, V), dtype) + (0 if bias is None else bias)
    loss, slope = neglog.cross_entropy_and_grad(logits.astype(np.float64), target)
    stats = neglog.row_stats(logits, target)
    for limits in ({}, {"memory": 8 * V}):
        alone = neglog.linear_cross_entropy(hidden, classes, target, bias=bias, **limits)
        np.testing.assert_allclose(alone, loss, rtol=1e-6)
        found = neglog.linear_row_stats(hidden, classes, target, bias=bias, **limits)
        for have, want in zip(found, stats, strict=True):
            np.testing.assert_array_equal(have, want)
    for options in ({}, {"memory": 8 * V}, {"grad_tolerance": 1e-3}):
        value, grads = neglog.linear_cross_entropy_and_grad(
            hidden, classes, target, bias=bias, **options
        )
        np.testing.assert_allclose(value, loss, rtol=1e-6)
        assert grads[0].shape == (n, 0)
        assert grads[1].shape == (V, 0)
        if bias is not None:
            np.testing.assert_allclose(grads[2], slope.sum(0), rtol=2e-3, atol=1e-6)


def test_no_chosen_class() -> None:
    hidden, classes = np.ones((N, 2)), np.ones((V, 2))
    chosen = np.zeros((N, 0), np.int64)
    _, log_probs = neglog.linear_row_stats(hidden, classes, TARGET, chosen=chosen)
    assert log_probs.shape == (N, 0)
