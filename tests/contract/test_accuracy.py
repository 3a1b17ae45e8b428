"""Every result against its exact value, in ulps: hard rows, all widths, any floats."""

from typing import Any

import cases
import numpy as np
import oracle
import oracle_mp
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_ulps, dtype_of
from hypothesis import given, settings
from hypothesis import strategies as st

DTYPES = tuple(ULPS)

# Where the engine changes its way: one class; rows side by side in the lanes of a vector and the
# odd classes left over (2 to 129); one cache line to a page (255 to 1025); a segment of 8192
# classes and the first and second cache (4097 to 50257); rows larger than a cache.
WIDTHS = (
    1, 2, 3, 4, 7, 8, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 127, 128, 129, 255, 256, 257,
    1000, 1023, 1024, 1025, 4097, 8191, 8192, 8193, 16384, 16385, 50257, 131072, 151936, 1000003,
)  # fmt: skip


def check_everything(face: Any, logits: Any, target: Any, known: oracle.Rows, what: str) -> None:
    """nll, lse, entropy, gradient, softmax and log_softmax of (N, V) logits against the oracle."""
    name = np.dtype(logits.dtype).name
    limit, result = ULPS[name], RESULT_DTYPE[name]
    z = face.array(logits)
    exact = oracle.cross_entropy(logits, target, reduction="none", known=known)
    loss, grad = map(face.numpy, face.cross_entropy_and_grad(z, target, reduction="none"))
    assert (loss.dtype, grad.dtype) == (result, logits.dtype)
    assert_ulps(loss, exact.loss, result, limit.nll, f"{what}: nll beside the gradient")
    assert_ulps(grad, exact.grad, name, limit.grad, f"{what}: gradient")
    loss = face.numpy(face.cross_entropy(z, target, reduction="none"))
    assert_ulps(loss, exact.loss, result, limit.nll, f"{what}: nll")
    stats = face.row_stats(z, target)
    assert_ulps(face.numpy(stats.nll), exact.loss, result, limit.nll, f"{what}: nll of row_stats")
    size = np.maximum(np.abs(known.lse), 1)
    assert_ulps(face.numpy(stats.lse), known.lse, result, limit.nll, f"{what}: lse", size=size)
    lse, promised = face.numpy(face.logsumexp(z)), face.promise("logsumexp", name)
    assert_ulps(lse, known.lse, *promised, f"{what}: logsumexp", size=size)
    entropy = oracle.entropy(known)
    size = np.maximum(entropy, 1)  # lse - sum p z cancels: ulps of its terms once shifted
    assert_ulps(
        face.numpy(stats.entropy), entropy, result, limit.nll, f"{what}: entropy", size=size
    )
    assert np.array_equal(face.numpy(stats.argmax), oracle.wide(logits).argmax(axis=1)), what
    assert_ulps(face.numpy(face.softmax(z)), known.p, name, limit.grad, f"{what}: softmax")
    each = limit.nll if name == result else limit.grad  # rounded to 16 bits: half an ulp of those
    assert_ulps(face.numpy(face.log_softmax(z)), known.log_p, name, each, f"{what}: log_softmax")


@pytest.mark.parametrize("index", range(len(cases.HARD_NAMES)), ids=cases.HARD_NAMES)
def test_hard_rows_are_hard(index: int) -> None:
    """The textbook code in float32 exceeds the promised error on each of them."""
    row = cases.hard_rows(np.dtype(np.float32))[index]
    limit, worst = ULPS["float32"], []
    for target in row.targets:
        with np.errstate(all="ignore"):
            loss, grad = cases.plain_float32(row.logits, target)
        exact = oracle.cross_entropy(row.logits[None], [target], reduction="none")
        seen = np.abs(exact.grad[0]) >= oracle.smallest_normal(np.float32)
        worst += [
            oracle.ulp_error(loss, exact.loss[0], np.float32) / limit.nll,
            oracle.ulp_error(grad, exact.grad[0], np.float32)[seen].max() / limit.grad,
        ]
    assert max(worst) > 1.5, f"{row.name}: {row.reason}; {worst}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index", range(len(cases.HARD_NAMES)), ids=cases.HARD_NAMES)
def test_hard_rows(face: Any, dtype: str, index: int) -> None:
    row = cases.hard_rows(dtype_of(dtype))[index]
    logits = row.logits[None]
    known = oracle.rows(logits)
    for target in row.targets:
        check_everything(face, logits, np.array([target]), known, f"{row.name}, {row.reason}")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # V = 1: a log-probability, perhaps
def test_every_width(face: Any, dtype: str, width: int) -> None:
    """Three rows (one for V above 100000): plain, confident with the top class last, wide."""
    rng = np.random.default_rng(width)
    logits = rng.standard_normal((3, width)) * np.array([[2.0], [1.0], [20.0]])
    logits[1, -1] = 22
    logits = (logits[1:2] if width > 100000 else logits).astype(np.float32).astype(dtype_of(dtype))
    target = np.array([0, width - 1, width // 2])[: len(logits)]
    check_everything(face, logits, target, oracle.rows(logits), f"V = {width}")


# 10: rows in the lanes; 300: one row at a time. Up to 2^17 gaps of float32 logits keep 6 bits.
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [10, 300])
def test_every_offset(face: Any, dtype: str, width: int) -> None:
    """Powers of two and their neighbours, both signs: wherever the engine changes its method."""
    most = 17 if dtype == "float32" else 45
    offsets = [2.0**k * f for k in range(-2, most) for f in (1, 1.4142, -1, -1.4142)]
    z = np.random.default_rng(width).standard_normal((len(offsets), width)) * 6
    logits = (z + np.array(offsets)[:, None]).astype(dtype)
    target = np.where(np.arange(len(logits)) % 2, logits.argmax(axis=1), 0)
    check_everything(face, logits, target, oracle.rows(logits), "offsets")


def any_floats(width: int) -> st.SearchStrategy[list[float]]:
    """Rows of 1 to 12 numbers: of ordinary size, or any bit pattern (subnormals, the largest)."""
    near = st.floats(-100, 100, width=width)
    wild = st.floats(allow_nan=False, allow_infinity=False, width=width)
    shared = st.floats(-1e4, 1e4, width=width)
    return st.one_of(
        st.lists(near, min_size=1, max_size=12),
        st.lists(st.one_of(near, wild), min_size=1, max_size=12),
        # all near one number: only the last bits of the logits differ
        st.tuples(shared, st.lists(st.integers(-40, 40), min_size=1, max_size=12)).map(
            lambda pair: [pair[0] + step * abs(pair[0]) * 2.0**-22 for step in pair[1]]
        ),
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # [0.0] is a distribution, perhaps
def test_any_floats_at_all(face: Any, dtype: str) -> None:
    """The same against the other oracle, with 60 digits, on rows that hypothesis generates."""

    @settings(max_examples=150)
    @given(any_floats(32 if dtype == "float32" else 64), st.integers(0, 11))
    def hold(values: list[float], pick: int) -> None:
        logits = np.array([values], dtype)
        target = np.array([pick % len(values)])
        check_everything(face, logits, target, oracle_mp.rows_mp(logits), f"{values}, {target}")

    hold()
