"""The engine's own interface: what the face relies on, and what holds when the face is wrong."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import ULPS
from cases import BAD_TARGETS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import slack

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


COEFFICIENTS = ("nll_coef", "dense_coef", "lse_coef", "square_coef", "entropy_coef")


def coefficients(n: int, seed: int = 7) -> dict[str, Any]:
    """Some of each sign, some 0; the last row's all are."""
    values = np.random.default_rng(seed).integers(-3, 4, (len(COEFFICIENTS), n)) / 2
    values[:, -1] = 0
    return dict(zip(COEFFICIENTS, values, strict=True))


# 2, 11, 100: in lanes; 300: a row on its own; 9000: in parts. Then without an option, with all
# logits so far from 0 that the maximum is subtracted first, and with each option of the logits.
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 100, 300, 9000])
@pytest.mark.parametrize(
    ("offset", "options"),
    [(0, {}), (3e4, {}), (1e5, {}), (0, {"temperature": 0.7}), (0, {"softcap": 4.0}),
     (0, {"temperature": np.linspace(0.5, 3, 9), "softcap": 9.0})],
)  # fmt: skip
def test_the_gradient_of_a_row_loss(
    dtype: str, width: int, offset: float, options: dict[str, Any]
) -> None:
    """L = a nll + b dense + c lse + s lse^2 + k entropy, all at once and each alone."""
    if offset == 1e5 and dtype == "float16":
        pytest.skip("above the largest float16")
    z, target = batch(dtype, (9, width))
    z[0, width // 2] = 20  # sure of it: next to no entropy
    z = (z.astype(np.float32) + np.float32(offset)).astype(z.dtype)
    z[1, 0], z[2, width - 1], target[1] = -np.inf, -np.inf, 0
    t = np.random.default_rng(5).dirichlet(np.ones(width), 9)
    t = t.astype(np.float64 if dtype == "float64" else np.float32)
    r = oracle.rows(z, options.get("temperature", 1.0), options.get("softcap"))
    hot = np.arange(width) == target[:, None]
    everything = coefficients(9)
    for coef in (everything, *({key: value} for key, value in everything.items())):
        none = {"nll_coef": np.zeros(9), "dense_coef": np.zeros(9)}
        want, size = oracle.row_gradient(r, coef, hot, t)
        grad = np.empty_like(z)
        _rows.rows(z, target, probs=t, **(none | coef), **options, scale=0.5, grad=grad)
        more = slack(dtype, options, z)
        assert_ulps(grad, want / 2, dtype, ULPS[dtype].grad + more, "+".join(coef), size=size / 2)
        assert (grad[-1].astype(float) == 0).all()
        if "dense_coef" not in coef:
            assert grad[2, -1] == 0  # at -inf, and not the target
            alone = np.empty_like(z)  # the exponentials, with no sum of the probabilities
            _rows.rows(z, target, **(none | coef), **options, scale=0.5, grad=alone)
            assert_ulps(alone, want / 2, dtype, ULPS[dtype].grad + more, "no probs", size=size / 2)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [4, 300, 9000])
def test_the_gradient_of_an_entropy_at_the_edges(dtype: str, width: int) -> None:
    """nan and two +inf are nan in their row, one +inf is certain, and -inf weighs nothing."""
    z, _ = batch(dtype, (9, width))
    z[1, 1], z[2, 2], z[3], z[4, [0, 3]], z[5, 1:3] = np.nan, np.inf, -np.inf, np.inf, -np.inf
    z[6, 1:], z[7, 3:] = -np.inf, -700  # where the scale leaves nothing of a float64
    plain = z[[0, 5, 7, 8]].copy()
    grad, few = np.empty_like(z), np.empty_like(plain)
    _rows.rows(z, entropy_coef=np.ones(9), grad=grad, scale=1e-20)
    _rows.rows(plain, entropy_coef=np.ones(4), grad=few, scale=1e-20)
    assert np.isnan(grad[[1, 3, 4]].astype(float)).all()
    assert (grad[[2, 6]].astype(float) == 0).all()
    assert (grad[5, 1:3].astype(float) == 0).all()
    assert_identical(grad[[0, 5, 7, 8]], few, "the other rows")
    assert np.isfinite(few.astype(float)).all()


def test_results_do_not_know_the_coefficients_and_the_scale() -> None:
    """They multiply the gradient; a row without them is skipped, and one of 0 changes no bit."""
    z, target = batch()
    t, coef = np.random.default_rng(6).dirichlet(np.ones(11), 9), coefficients(9)
    every = {"lse": True, "entropy": True, "argmax": True}
    r = _rows.rows(z, target, probs=t, **coef, **every, grad=np.empty_like(z), scale=0.5)
    plain = _rows.rows(z, target, probs=t, **every)
    live = np.any(list(coef.values()), axis=0)
    for name, have, want in zip(r._fields, r, plain, strict=True):
        assert_identical(have[live], want[live], name)
        assert (have[~live] == 0).all()
    grads = [np.empty_like(z) for _ in range(2)]
    _rows.rows(z, target, grad=grads[0])
    _rows.rows(z, target, lse_coef=0 * t[:, 0], entropy_coef=0 * t[:, 0], grad=grads[1])
    assert_identical(grads[1], grads[0], "coefficients of 0")


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
