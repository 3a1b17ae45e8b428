"""The engine's own interface: what the face relies on, and what holds when the face is wrong."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import ULPS
from cases import BAD_TARGETS
from checks import assert_identical, assert_ulps, dtype_of

from neglog import _rows


def batch(dtype: str = "float64", shape: tuple[int, int] = (9, 11)) -> tuple[Any, Any]:
    z = np.random.default_rng(4).standard_normal(shape) * 3
    return z.astype(np.float32).astype(dtype_of(dtype)), np.arange(shape[0]) % shape[1]


# 2: rows side by side in lanes; 11: fewer classes than a vector; 100; 9000: more than a segment
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 100, 9000])
def test_a_bad_target_is_nan_and_reads_nothing(dtype: str, width: int) -> None:
    """The face has refused it before; without the face it is nan in its row, and no other."""
    z, target = batch(dtype, (9, width))
    want = _rows.rows(z, target, lse=True, grad=(want_grad := np.empty_like(z)))
    for bad in BAD_TARGETS:
        value = width if bad == "V" else int(bad)
        kinds = (np.int64, np.int32) if -(2**31) <= value < 2**31 else (np.int64,)
        for kind in kinds:
            wrong = target.astype(kind)
            wrong[4] = value
            have = _rows.rows(z, wrong, lse=True, grad=(grad := np.empty_like(z)))
            others = np.arange(9) != 4
            assert np.isnan(have.nll[4])
            assert np.isnan(grad[4].astype(float)).all()
            assert_identical(have.nll[others], want.nll[others], "nll of the other rows")
            assert_identical(grad[others], want_grad[others], "gradient of the other rows")


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 100, 9000])
def test_a_row_without_coefficients_is_not_read(dtype: str, width: int) -> None:
    """Its logits may be nan and its target anything; results and gradient are exactly 0."""
    z, target = batch(dtype, (9, width))
    z[3], z[5], target[3], target[8] = np.nan, -np.inf, 2**40, -1
    coef = np.ones(9)
    coef[[3, 5, 8]] = 0
    grad = np.full(z.shape, np.nan).astype(z.dtype)
    r = _rows.rows(z, target, nll_coef=coef, grad=grad, lse=True, entropy=True)
    for value in (r.nll, r.lse, r.entropy):
        assert value is None or (value[coef == 0] == 0).all()
    assert (grad[coef == 0].astype(float) == 0).all()
    assert np.isfinite(grad.astype(float)).all()
    assert np.isfinite(r.nll).all()


# one row for all, as (V,) and (1, V); a row each
@pytest.mark.parametrize("shape", [(11,), (1, 11), (9, 11)])
@pytest.mark.parametrize("dtype", list(ULPS))
def test_target_probabilities_shared_and_own(shape: tuple[int, ...], dtype: str) -> None:
    z, _ = batch(dtype)
    t = np.random.default_rng(5).dirichlet(np.ones(11), shape[:-1])
    t = t.astype(np.float64 if dtype == "float64" else np.float32)
    r = _rows.rows(z, probs=t, grad=(grad := np.empty_like(z)), scale=0.25)
    exact = oracle.cross_entropy(z, np.broadcast_to(t, z.shape), reduction="none")
    compute = "float64" if dtype == "float64" else "float32"
    assert_ulps(r.dense, exact.loss, compute, ULPS[dtype].nll, "dense")
    assert_ulps(grad, exact.grad / 4, dtype, ULPS[dtype].grad, "gradient", size=exact.grad_size / 4)


def test_coefficients_and_scale_act_where_they_should() -> None:
    """L = a nll + b dense + c lse^2; the scale multiplies the gradient, never the results."""
    z, target = batch()
    t = np.random.default_rng(6).dirichlet(np.ones(11), 9)
    a, b, c = (np.random.default_rng(i).integers(0, 5, 9) / 2 for i in (7, 8, 9))
    grads = [np.empty_like(z) for _ in range(4)]
    one = np.ones(9)
    both = {"probs": t, "nll_coef": a, "dense_coef": b, "lse_coef": c}
    r = _rows.rows(z, target, **both, grad=grads[0], scale=0.5)
    nll = _rows.rows(z, target, grad=grads[1])
    dense = _rows.rows(z, probs=t, grad=grads[2])
    _rows.rows(z, target, nll_coef=0 * one, lse_coef=one, grad=grads[3])
    live = (a != 0) | (b != 0) | (c != 0)
    assert_identical(r.nll[live], nll.nll[live], "nll")
    assert_identical(r.dense[live], dense.dense[live], "dense")
    total = a[:, None] * grads[1] + b[:, None] * grads[2] + c[:, None] * grads[3]
    np.testing.assert_allclose(grads[0], 0.5 * total, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("kind", [np.int32, np.int64])
# 7: less than a vector; 1000: many; 100003: split over threads, the bad one in the last part
@pytest.mark.parametrize("n", [7, 1000, 100003])
def test_scan_targets(kind: type, n: int) -> None:
    target = np.zeros(n, kind)
    assert tuple(_rows.scan_targets(target, 5, -100)) == (-1, 0)
    target[[1, n - 2]] = -100
    assert tuple(_rows.scan_targets(target, 5, -100)) == (-1, 2)
    assert _rows.scan_targets(target, 5, 0)[0] == 1
    target[n - 1] = 5
    assert _rows.scan_targets(target, 5, -100)[0] == n - 1
    target[3] = -1
    assert _rows.scan_targets(target, 5, -100)[0] == 3
    assert tuple(_rows.scan_targets(np.zeros(0, kind), 5, -100)) == (-1, 0)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 9000])
def test_input_kind(dtype: str, width: int) -> None:
    z, _ = batch(dtype, (9, width))
    # probabilities as 16 bits hold them; a row that sums to 1 but for its rounding
    p = oracle.rows(z).p.astype(np.float64).astype(np.float32).astype(z.dtype)
    log_p = oracle.rows(z).log_p.astype(np.float64).astype(np.float32).astype(z.dtype)
    assert _rows.input_kind(z) == 0
    assert _rows.input_kind(np.abs(z)) == 0
    assert _rows.input_kind(p) == 1
    # at -9 bfloat16 is 1/32 apart: their exponentials may sum to 1.03, and nobody can tell
    assert _rows.input_kind(log_p) in ((0, 2) if dtype == "bfloat16" else (2,))
