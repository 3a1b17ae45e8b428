"""Rows far from 0 with a temperature as large: the rounding error of z / T would show in p."""

from typing import Any

import budgets
import numpy as np
import oracle
import pytest
from checks import assert_ulps


# 10, 300: side by side in lanes, a row of its own; 1e7 and 1e16: one digit before all are lost,
# 1e30 and 1e200: where only z / T has an exponential
@pytest.mark.parametrize("width", [10, 300])
@pytest.mark.parametrize(
    ("dtype", "size"), [("float32", 1e7), ("float32", 1e30), ("float64", 1e16), ("float64", 1e200)]
)
def test_far_rows_keep_their_digits(face: Any, dtype: str, size: float, width: int) -> None:
    rng = np.random.default_rng(0)
    z = (rng.standard_normal((20, width)) * size).astype(dtype)
    target = rng.integers(0, width, 20)
    options = {"temperature": size / 10, "reduction": "none"}
    exact = oracle.cross_entropy(z, target, **options)
    loss, grad = face.cross_entropy_and_grad(face.array(z), target, **options)
    assert_ulps(face.numpy(loss), exact.loss, dtype, budgets.ULPS[dtype].nll, "loss")
    assert_ulps(face.numpy(grad), exact.grad, dtype, budgets.ULPS[dtype].grad, "gradient")
