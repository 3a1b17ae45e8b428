"""The columns of a row: exact numbers against mpmath, the others against what they stand for."""

import math
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from explain_helpers import NUMPY, random_rows, row
from hypothesis import given
from hypothesis import strategies as st

import neglog
from neglog.trace.softmax.floats import TYPES

INF, NAN = math.inf, math.nan
TINY = mpmath.mpf("1e-340")


# ---- rounding


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_rounding_is_that_of_the_type(name: str) -> None:
    dtype, kind = NUMPY[name], TYPES[name]
    step = 1 << 16 if name == "float32" else 1  # every half; each 65536th of float32
    bits = np.arange(0, (step << 15) - step, step, dtype=np.uint32 if step > 1 else np.uint16)
    below, above = bits.view(dtype), (bits + 1).astype(bits.dtype).view(dtype)
    finite = np.isfinite(above.astype(np.float32))
    low, high = (x[finite].astype(np.float64) for x in (below, above))
    middle = (low + high) / 2
    even = np.where(bits[finite] % 2 == 0, low, high)
    for sign in (1.0, -1.0):
        np.testing.assert_array_equal(kind.round(sign * low), sign * low)
        np.testing.assert_array_equal(kind.round(sign * middle), sign * even)
        np.testing.assert_array_equal(kind.round(sign * np.nextafter(middle, INF)), sign * high)
        np.testing.assert_array_equal(kind.round(sign * np.nextafter(middle, 0)), sign * low)
    largest, limit = (
        float(ml_dtypes.finfo(dtype).max),
        2.0**kind.highest * (1 - 0.5 ** (kind.bits + 1)),
    )
    far = np.array([INF, -INF, NAN, limit, np.nextafter(limit, 0)])
    np.testing.assert_array_equal(kind.round(far), [INF, -INF, NAN, INF, largest])


# ---- the exact column


@pytest.mark.parametrize("case", random_rows(1, 40), ids=str)
def test_the_exact_column_has_fifty_digits(case: tuple[list[float], int, float]) -> None:
    logits, target, temperature = case
    found = row(logits, target, temperature=temperature, dtype="float64")
    with mpmath.workdps(400):  # so many that nothing below cancels
        z = [mpmath.mpf(x) / mpmath.mpf(temperature) for x in logits]
        top = max(z)
        e = [mpmath.exp(x - top) for x in z]
        total = mpmath.fsum(e)
        p = [x / total for x in e]
        nll = [-mpmath.log(x) for x in p]
        y = [mpmath.mpf(j == target) for j in range(len(z))]
        one_against_all = [-mpmath.log(1 - x) for j, x in enumerate(p) if j != target]
        expected = {
            "maximum": [top],
            "shifted": [x - top for x in z],
            "exp": e,
            "rest": [total - 1],
            "sum": [total],
            "prob": p,
            "log_prob": [-x for x in nll],
            "nll": [nll[target]],
            "one_hot": y,
            "grad": [(a - b) / mpmath.mpf(temperature) for a, b in zip(p, y, strict=True)],
            "jacobian": [
                p[i] * ((i == j) - p[j]) / mpmath.mpf(temperature)
                for i in range(len(z))
                for j in range(len(z))
            ],
        }
        losses = {
            "nll": nll[target],
            "method_1": min(nll),
            "method_2": nll[target] + mpmath.fsum(one_against_all),
            "binary": nll[target],
        }
        for name, numbers in expected.items():
            for ours, theirs in zip(found.steps[name].exact, numbers, strict=True):
                assert close(ours, theirs), name
        for name, number in losses.items():
            assert close(found.losses[name].exact[0], number), name
        for ours, x in zip(found.steps["exp"].unshifted, z, strict=True):
            assert close(ours, mpmath.exp(x))


def close(ours: Any, theirs: Any) -> bool:
    """The same to 49 digits; 400 digits of work tell nothing below 1e-340."""
    return bool(abs(mpmath.mpf(str(ours)) - theirs) <= abs(theirs) * mpmath.mpf("1e-49") + TINY)


# ---- the columns are what they say


@pytest.mark.parametrize("case", random_rows(2, 30), ids=str)
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_the_naive_and_the_shifted_column_are_the_usual_code(
    name: str, case: tuple[list[float], int, float]
) -> None:
    dtype = NUMPY[name]
    logits, y, temperature = case
    found = row(logits, y, temperature=temperature, dtype=name)
    with np.errstate(all="ignore"):
        z = np.array(logits, dtype) / dtype(temperature)
        p = np.exp(z) / np.add.accumulate(np.exp(z))[-1]
        one_hot = np.eye(len(z), dtype=dtype)[y]
        naive = {
            "prob": p,
            "log_prob": np.log(p),
            "nll": -np.log(p[y]),
            "grad": (p - one_hot) / dtype(temperature),
        }
        below = z - z.max()
        total = np.add.accumulate(np.exp(below))[-1]
        q = np.exp(below) / total
        shifted = {
            "prob": q,
            "log_prob": below - np.log(total),
            "nll": np.log(total) + z.max() - z[y],
            "grad": (q - one_hot) / dtype(temperature),
        }
    for column, numbers in (("naive", naive), ("shifted", shifted)):
        for step, expected in numbers.items():
            ours = np.reshape(getattr(found.steps[step], column).values, np.shape(expected))
            # NumPy's exponential and ours differ in the last bit, which p - 1 magnifies.
            ulp, size = np.finfo(dtype).eps, max(1.0, float(np.max(np.abs(z))))
            np.testing.assert_allclose(ours, expected, rtol=8 * ulp, atol=8 * ulp * size)


@pytest.mark.parametrize("case", random_rows(3, 30), ids=str)
@pytest.mark.parametrize("name", list(TYPES))
def test_the_third_column_is_this_library(name: str, case: tuple[list[float], int, float]) -> None:
    logits, y, temperature = case
    found = row(logits, y, temperature=temperature, dtype=name)
    z = np.array(found.steps["logits"].neglog.values).astype(NUMPY[name])
    loss, grad = neglog.cross_entropy_and_grad(z[None], [y], temperature=temperature)
    half = found.steps["nll"].neglog.values[0]
    assert half == float(np.asarray(loss).astype(NUMPY[name]))
    np.testing.assert_array_equal(
        np.float64(found.steps["grad"].neglog.values), grad[0].astype(np.float64)
    )
    if temperature == 1.0:
        ulp = float(ml_dtypes.finfo(NUMPY[name]).eps)
        pairs = {
            "prob": neglog.softmax(z),
            "log_prob": neglog.log_softmax(z),
            "jacobian": neglog.softmax_jacobian(z),
        }
        for step, expected in pairs.items():
            ours = np.reshape(found.steps[step].neglog.values, expected.shape)
            np.testing.assert_allclose(ours, expected.astype(np.float64), rtol=2 * ulp, atol=1e-40)


@given(
    st.lists(st.floats(-200, 200, width=32), min_size=2, max_size=8),
    st.sampled_from(list(TYPES)),
)
def test_the_third_column_is_never_flagged_but_for_what_the_type_cannot_hold(
    logits: list[float], name: str
) -> None:
    found = row(logits, len(logits) - 1, dtype=name)
    for step in [*found.steps.values(), *found.losses.values()]:
        for flag, exact in zip(step.neglog.flag, step.exact, strict=True):
            # As many probabilities may have been flushed to 0 before they were added.
            small = abs(exact) < len(logits) * 2.0 ** TYPES[name].lowest
            large = abs(exact) >= 2.0 ** (TYPES[name].highest - 1)
            assert not flag or (flag == "overflow" and large) or (flag != "overflow" and small)
