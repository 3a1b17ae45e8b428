"""What is looked at before a pass: targets that are not classes, logits that are not logits."""

import numpy as np
import oracle
import pytest
from budgets import ULPS
from checks import dtype_of

from neglog import _engine


@pytest.mark.parametrize("kind", [np.int32, np.int64])
# 7: less than a vector; 1000: many; 100003: split over threads, the bad one in the last part
@pytest.mark.parametrize("n", [7, 1000, 100003])
def test_scan_targets(kind: type, n: int) -> None:
    target = np.zeros(n, kind)
    assert tuple(_engine.scan_targets(target, 5, -100)) == (-1, 0)
    target[[1, n - 2]] = -100
    assert tuple(_engine.scan_targets(target, 5, -100)) == (-1, 2)
    assert _engine.scan_targets(target, 5, 0)[0] == 1
    target[n - 1] = 5
    assert _engine.scan_targets(target, 5, -100)[0] == n - 1
    target[3] = -1
    assert _engine.scan_targets(target, 5, -100)[0] == 3
    assert tuple(_engine.scan_targets(np.zeros(0, kind), 5, -100)) == (-1, 0)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 9000])
def test_input_kind(dtype: str, width: int) -> None:
    z = (np.random.default_rng(4).standard_normal((9, width)) * 3).astype(np.float32)
    z = z.astype(dtype_of(dtype))
    # probabilities as 16 bits hold them; a row that sums to 1 but for its rounding
    p = oracle.rows(z).p.astype(np.float64).astype(np.float32).astype(z.dtype)
    log_p = oracle.rows(z).log_p.astype(np.float64).astype(np.float32).astype(z.dtype)
    assert _engine.input_kind(z) == 0
    assert _engine.input_kind(np.abs(z)) == 0
    assert _engine.input_kind(p) == 1
    # at -9 bfloat16 is 1/32 apart: their exponentials may sum to 1.03, and nobody can tell
    assert _engine.input_kind(log_p) in ((0, 2) if dtype == "bfloat16" else (2,))
