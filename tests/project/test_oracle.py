"""The oracle itself: two independent ways agree, and torch agrees on ordinary rows."""

import itertools

import numpy as np
import oracle
import oracle_mp
import pytest
from checks import dtype_of
from oracle import LD

# One row for each cancellation that the 80-bit way avoids.
ROWS = {
    "ordinary": [0.3, -1.2, 2.5, 0.0],
    "tie at the top": [2.0, 2.0, -1.0],
    "sure": [30.0, 0.0, 0.0],
    "common offset": [30000.25, 29990.125, 29960.0],
    "offset below every gap": [1e15 + 0.5, 1e15, 1e15 - 3.25],
    "tiny gaps": [1e-18, 0.0, -1e-17],
    "never": [0.0, -1e30, -800.0],
    "minus infinity": [1.0, -np.inf, 0.5],
    "two classes": [5.0, -40.0],
    "one class": [7.0],
    "largest floats": [1.7e308, -1.7e308],
}


@pytest.mark.parametrize("name", ROWS)
# 1: a few roundings of 2^-64; 0.7: z / T is rounded once more, which costs |z / T| 2^-64 in p;
# the caps 30 and 2: tanh is rounded, and the row is bent a little or flat
@pytest.mark.parametrize(
    ("temperature", "softcap", "agree"),
    [(1.0, None, 1e-17), (0.7, None, 1e-16), (3.0, 30.0, 1e-15), (1.0, 2.0, 1e-15)],
)
def test_both_ways_agree(
    name: str, temperature: float, softcap: float | None, agree: float
) -> None:
    logits = np.array([ROWS[name]])
    fast = oracle.rows(logits, temperature, softcap)
    slow = oracle_mp.rows_mp(logits, temperature, softcap)
    for field, x, y in zip(fast._fields, fast, slow, strict=True):
        with np.errstate(invalid="ignore"):
            off = np.where(x == y, LD(0), np.abs(x - y))
        np.testing.assert_array_less(off, np.abs(y) * agree + LD("1e-4800"), field)


def test_a_known_value() -> None:
    """log(1 + 2 e^-17), worked out by its series: 2 e^-17 - 2 e^-34 + ..."""
    x = LD(2) * np.exp(LD(-17))
    exact = oracle.cross_entropy([[17.0, 0.0, 0.0]], [0]).loss
    assert abs(exact - (x - x**2 / 2 + x**3 / 3)) < 1e-25
    assert f"{exact:.7e}" == "8.2798751e-08"


def test_ulp_error_counts_floats() -> None:
    for dtype in (np.float32, np.float64):
        x = dtype(1.25)
        assert oracle.ulp_error(np.nextafter(x, dtype(2)), x, dtype) == 1
        assert oracle.ulp_error(x, LD(x) + np.spacing(x) / LD(4), dtype) == 0.25
        assert oracle.ulp_error(dtype(np.inf), LD(x), dtype) == np.inf
        assert oracle.ulp_error(dtype(np.nan), LD(x), dtype) == np.inf
        assert oracle.ulp_error(dtype(np.inf), LD("1e4000"), dtype) == 0
        assert (
            oracle.ulp_error(dtype(0), LD(np.finfo(dtype).tiny), dtype)
            == 2 ** np.finfo(dtype).nmant
        )


@pytest.mark.parametrize("dtype", oracle.FORMATS)
@pytest.mark.parametrize("limit", [0.51, 3.0])
def test_what_is_clearly_within_is_within(dtype: str, limit: float) -> None:
    """Beside every power of two, at both ends of the type, and where the error is the limit."""
    number = dtype_of(dtype)
    bits, lowest = oracle.FORMATS[dtype]
    powers = np.ldexp(LD(1), np.arange(lowest - bits - 3, 3 - lowest))
    exact = np.concatenate([powers, powers * (1 - LD(2) ** -60), powers * LD(1.7), [0, np.inf]])
    off = LD(2) ** (-np.arange(50) / 4) * limit  # in ulps
    rng = np.random.default_rng(0)
    want = rng.choice(exact, 3000) * rng.choice([-1, 1], 3000)
    with np.errstate(all="ignore"):
        have = (want + rng.choice(off, 3000) * oracle.ulp(want, dtype)).astype(number)
        want = want + (oracle.wide(have) - want) * rng.choice([0, 0.5, 1, 2, np.nan], 3000)
    for size in (None, np.abs(want), rng.choice([1e-30, 1, 1e30, np.inf], 3000)):
        clear = oracle.clearly_within(limit, have, want, dtype, size)
        assert (oracle.ulp_error(have, want, dtype, size)[clear] <= limit).all()
        assert 100 < clear.sum() < 3000


@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_torch_agrees_on_ordinary_rows(dense: bool) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    rng = np.random.default_rng(7)
    z = rng.normal(size=(6, 5)) * 3
    t = rng.dirichlet(np.ones(5), 6) if dense else np.array([0, 4, 2, 2, 1, 3])
    w = rng.uniform(0.5, 2, 5)
    options = itertools.product(
        (None, w), (0.0, 0.25), ("none", "sum", "mean"), (-100,) if dense else (-100, 2)
    )
    for weight, a, reduction, ignore in options:
        x = torch.tensor(z, requires_grad=True)
        theirs = torch.nn.functional.cross_entropy(
            x,
            torch.tensor(t),
            None if weight is None else torch.tensor(weight),
            ignore_index=ignore,
            reduction=reduction,
            label_smoothing=a,
        )
        theirs.sum().backward()
        ours = oracle.cross_entropy(
            z, t, weight=weight, ignore_index=ignore, label_smoothing=a, reduction=reduction
        )
        np.testing.assert_allclose(ours.loss.astype(float), theirs.detach().numpy(), rtol=1e-13)
        np.testing.assert_allclose(ours.grad.astype(float), x.grad.numpy(), rtol=1e-11, atol=1e-14)


def test_torch_agrees_on_z_loss_temperature_and_softcap() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    rng = np.random.default_rng(8)
    z, t = rng.normal(size=(4, 6)) * 3, np.array([0, 5, 2, 1])
    warm, own = rng.uniform(0.5, 2, 4), rng.uniform(0.5, 2, 4)
    x = torch.tensor(z, requires_grad=True)
    bent = 5 * torch.tanh(x / torch.tensor(warm)[:, None] / 5)
    each = torch.nn.functional.cross_entropy(bent, torch.tensor(t), reduction="none")
    each = each + 0.1 * torch.logsumexp(bent, 1) ** 2
    loss = (each * torch.tensor(own)).sum() / own.sum()
    loss.backward()
    ours = oracle.cross_entropy(z, t, row_weight=own, z_loss=0.1, temperature=warm, softcap=5.0)
    np.testing.assert_allclose(float(ours.loss), loss.item(), rtol=1e-13)
    np.testing.assert_allclose(ours.grad.astype(float), x.grad.numpy(), rtol=1e-11, atol=1e-14)


def test_binary_and_one_vs_rest_from_their_definitions() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: nothing to compare with")
    rng = np.random.default_rng(9)
    z, t, w = rng.normal(size=(4, 3)), rng.uniform(size=(4, 3)), rng.uniform(0.5, 3, 3)
    x = torch.tensor(z, requires_grad=True)
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        x, torch.tensor(t), pos_weight=torch.tensor(w), reduction="none"
    )
    each.sum().backward()
    ours = oracle.binary(z, t, w)
    np.testing.assert_allclose(ours.loss.astype(float), each.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(ours.grad.astype(float), x.grad.numpy(), rtol=1e-11, atol=1e-14)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    plain = [-np.log(p[i, 1]) - np.log(1 - p[i, [0, 2]]).sum() for i in range(4)]
    seen = oracle.one_vs_rest(oracle.rows(z), np.ones(4, int)).astype(float)
    np.testing.assert_allclose(seen, plain, rtol=1e-12)
