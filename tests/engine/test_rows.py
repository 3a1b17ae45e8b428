"""The interface of the engine: what the faces rely on, and safety when a face is wrong."""

from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
from budgets import ULPS
from cases import BAD_TARGETS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import slack

from neglog import _engine


def batch(dtype: str = "float64", shape: tuple[int, int] = (9, 11)) -> tuple[Any, Any]:
    z = np.random.default_rng(4).standard_normal(shape) * 3
    return z.astype(np.float32).astype(dtype_of(dtype)), np.arange(shape[0]) % shape[1]


# 2, 11, 100: short rows; 9000: more than one part
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 11, 100, 9000])
def test_a_bad_target_is_nan_and_reads_nothing(dtype: str, width: int) -> None:
    """The face has refused it before; without the face it is nan in its row, and no other."""
    z, target = batch(dtype, (9, width))
    want = _engine.run_rows(z, target, lse=True, grad=(want_grad := np.empty_like(z)))
    for bad in BAD_TARGETS:
        value = width if bad == "V" else int(bad)
        kinds = (np.int64, np.int32) if -(2**31) <= value < 2**31 else (np.int64,)
        for kind in kinds:
            wrong = target.astype(kind)
            wrong[4] = value
            have = _engine.run_rows(z, wrong, lse=True, grad=(grad := np.empty_like(z)))
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
    r = _engine.run_rows(z, target, nll_coef=coef, grad=grad, lse=True, entropy=True)
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
    r = _engine.run_rows(z, probs=t, grad=(grad := np.empty_like(z)), scale=0.25)
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


# 2, 11, 100: short rows; 300: a long row of one part; 9000: of several. Without an option, with
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
        _engine.run_rows(z, target, probs=t, **(none | coef), **options, scale=0.5, grad=grad)
        more = slack(dtype, options, z)
        assert_ulps(grad, want / 2, dtype, ULPS[dtype].grad + more, "+".join(coef), size=size / 2)
        assert (grad[-1].astype(float) == 0).all()
        if "dense_coef" not in coef:
            assert grad[2, -1] == 0  # at -inf, and not the target
            alone = np.empty_like(z)  # the exponentials, with no sum of the probabilities
            _engine.run_rows(z, target, **(none | coef), **options, scale=0.5, grad=alone)
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
    _engine.run_rows(z, entropy_coef=np.ones(9), grad=grad, scale=1e-20)
    _engine.run_rows(plain, entropy_coef=np.ones(4), grad=few, scale=1e-20)
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
    r = _engine.run_rows(z, target, probs=t, **coef, **every, grad=np.empty_like(z), scale=0.5)
    plain = _engine.run_rows(z, target, probs=t, **every)
    live = np.any(list(coef.values()), axis=0)
    for name, have, want in zip(r._fields, r, plain, strict=True):
        assert_identical(have[live], want[live], name)
        assert (have[~live] == 0).all()
    grads = [np.empty_like(z) for _ in range(2)]
    _engine.run_rows(z, target, grad=grads[0])
    _engine.run_rows(z, target, lse_coef=0 * t[:, 0], entropy_coef=0 * t[:, 0], grad=grads[1])
    assert_identical(grads[1], grads[0], "coefficients of 0")


def blocks_of(rows: Any, columns: int) -> Any:
    """(N, V) as (N / columns, V, columns), copied."""
    return rows.reshape(-1, columns, rows.shape[1]).swapaxes(1, 2).copy()


def rows_of(blocks: Any) -> Any:
    return blocks.swapaxes(1, 2).reshape(-1, blocks.shape[1])


# A place for (B, V, M) in an array of zeros.
PLACES = {
    "plain": lambda b, v, m, dtype: np.zeros((b, v, m), dtype),
    "blocks apart": lambda b, v, m, dtype: np.zeros((2 * b, v, m), dtype)[::2],
    "classes apart": lambda b, v, m, dtype: np.zeros((b, v + 3, m + 5), dtype)[:, 1:-2, 2:-3],
    "backwards": lambda b, v, m, dtype: np.zeros((b, v, m), dtype)[::-1, ::-1],
    "classes first": lambda b, v, m, dtype: np.zeros((v, b, m), dtype).swapaxes(0, 1),
}


@pytest.mark.parametrize("dtype", list(ULPS))
# 2, 256: the fewest classes and the most; 1, 3: less than a vector side by side; 17, 300: an odd
# one left over, more than a strip of rows
@pytest.mark.parametrize(("width", "columns"), [(2, 300), (11, 1), (21, 17), (100, 3), (256, 17)])
def test_class_major_rows_have_the_bits_of_rows(dtype: str, width: int, columns: int) -> None:
    """Every option and result; what lies around the gradient stays as it is."""
    n = 4 * columns
    z, target = batch(dtype, (n, width))
    z[1, -1], z[-1, 0], z[n // 2], z[n - 2, 0] = np.nan, -np.inf, 3e4, np.inf
    t = np.random.default_rng(5).dirichlet(np.ones(width), n)
    t = t.astype(np.float64 if dtype == "float64" else np.float32)
    warm, every = np.linspace(0.5, 3, n), {"lse": True, "entropy": True, "argmax": True}
    for number, place in enumerate(PLACES):
        for probs, more in (
            (None, {}), (t, {}), (t[:1], {}), (None, {"temperature": warm}),
            (t, {"softcap": 9.0, "temperature": 2.0}),
        ):  # fmt: skip
            options: dict[str, Any] = {**coefficients(n, number), **more, **every, "scale": 0.5}
            want_grad = np.empty_like(z)
            want = _engine.run_rows(z, target, probs=probs, **options, grad=want_grad)
            logits, grad = (PLACES[place](4, width, columns, z.dtype) for _ in range(2))
            logits[...] = blocks_of(z, columns)
            if probs is not None and len(probs) == n:
                probs = blocks_of(probs, columns)
            have = _engine.run_rows(logits, target, probs=probs, **options, grad=grad)
            for name, seen, value in zip(have._fields, have, want, strict=True):
                assert (seen is None) == (value is None)
                if seen is not None:
                    assert_identical(seen, value, f"{name}, {place}, {list(more)}")
            assert_identical(rows_of(grad), want_grad, f"gradient, {place}, {list(more)}")
            grad[...] = 0
            assert grad.base is None or not grad.base.astype(float).any(), f"beside {place}"
            assert_identical(rows_of(logits), z, "the logits")


def test_arrays_that_repeat_their_blocks() -> None:
    """A stride of 0 from block to block is none from row to row."""
    z, _ = batch(shape=(60, 11))
    t = np.random.default_rng(5).dirichlet(np.ones(11), 20)
    want = _engine.run_rows(z, probs=np.tile(t, (3, 1)), grad=(want_grad := np.empty_like(z)))
    turned, shared = blocks_of(z, 20), np.broadcast_to(blocks_of(t, 20), (3, 11, 20))
    have = _engine.run_rows(turned, probs=shared, grad=turned)
    assert_identical(have.dense, want.dense, "dense")
    assert_identical(rows_of(turned), want_grad, "gradient")
    assert_identical(
        _engine.run_rows(shared, lse=True).lse[20:40], _engine.run_rows(t, lse=True).lse, "lse"
    )


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [11, 300, 9000])
def test_argmax_is_the_first_nan(dtype: str, width: int) -> None:
    z, _ = batch(dtype, (20, width))
    z[3, [4, 7]], z[5, -1], z[6, 0], z[8] = np.nan, np.nan, np.inf, -np.inf
    want = z.astype(float).argmax(axis=1)
    np.testing.assert_array_equal(_engine.run_rows(z, argmax=True).argmax, want)
    if width == 11:
        np.testing.assert_array_equal(_engine.run_rows(blocks_of(z, 20), argmax=True).argmax, want)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("log", [False, True])
def test_class_major_softmax(dtype: str, log: bool) -> None:
    for width, columns in ((1, 40), (21, 300), (40, 17)):
        z, _ = batch(dtype, (2 * columns, width))
        z[3, 0], z[5] = np.nan, -np.inf
        want, have = np.empty_like(z), blocks_of(z, columns)
        _engine.softmax(z, want, log=log)
        _engine.softmax(have, have, log=log)
        assert_identical(rows_of(have), want, f"V = {width}")
        assert _engine.input_kind(blocks_of(want, columns)) == _engine.input_kind(want)


# beyond 4 MiB the gradient is written past the caches; the second has no line to itself
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize(("blocks", "columns"), [(2, 65536), (3, 33331)])
def test_large_class_major_rows(
    dtype: str, blocks: int, columns: int, threads: Callable[[int], None]
) -> None:
    z, target = batch(dtype, (blocks * columns, 21))
    want = _engine.run_rows(z, target, grad=(want_grad := np.empty_like(z)))
    turned = blocks_of(z, columns)
    for n in (1, 2, 3):
        threads(n)
        have = _engine.run_rows(turned, target, grad=(grad := np.empty_like(turned)))
        assert_identical(have.nll, want.nll, f"nll by {n} threads")
        assert_identical(rows_of(grad), want_grad, f"gradient by {n} threads")


def test_class_major_rows_of_another_kind_are_refused() -> None:
    z, target = np.zeros((2, 5, 20)), np.zeros(40, int)
    assert _engine.reads_class_major(256, 16)
    assert not _engine.reads_class_major(257, 16)
    assert not _engine.reads_class_major(10, 15)
    for logits, options in (
        (np.zeros((2, 257, 20)), {}),  # too many classes
        (np.zeros((2, 5, 40))[:, :, ::2], {}),  # not side by side
        (z[None], {}),
        (z, {"grad": np.zeros((40, 5))}),  # other layouts than the logits'
        (z, {"grad": np.zeros((2, 20, 5))}),
        (z, {"probs": np.zeros((40, 5))}),
        (z, {"probs": np.zeros((1, 5, 20))}),
        (np.zeros((40, 5)), {"grad": z}),
        (np.zeros((40, 5)), {"probs": z}),
    ):
        with pytest.raises(ValueError, match=r"logits|out|probs"):
            _engine.run_rows(logits, target, **options)
