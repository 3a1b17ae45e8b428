"""Rows whose logits come a panel of classes at a time have the numbers of one pass over all."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neglog
from neglog import _kernels
from neglog._engine import Panels, RowResult, run_rows

ALL: Any = {"lse": True, "entropy": True, "argmax": True}
DTYPES = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)


def swept(logits: Any, target: Any, cuts: list[int], **options: Any) -> RowResult:
    n, num_classes = logits.shape
    sweep = Panels(n, num_classes, target, **options, **ALL)
    for first, stop in zip([0, *cuts], [*cuts, num_classes], strict=True):
        sweep.add(logits[:, first:stop], first)
    return sweep.result


def assert_same(have: RowResult, want: RowResult, dtype: Any) -> None:
    """To the rounding of exponentials, which are relative to another maximum in each panel."""
    rtol = 1e-13 if dtype == np.float64 else 4e-7
    np.testing.assert_array_equal(have.argmax, want.argmax)
    for one, other in zip(have[:4], want[:4], strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-15)


@st.composite
def problems(draw: Any) -> tuple[Any, Any, list[int], dict[str, Any]]:
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, v = draw(st.integers(1, 40)), draw(st.integers(1, 90))
    dtype = draw(st.sampled_from(DTYPES))
    logits = (draw(st.sampled_from([1.0, 30.0, 300.0])) * random.normal(size=(n, v))).astype(dtype)
    if draw(st.booleans()):  # rows with something special in them
        special = random.choice([np.inf, -np.inf, np.nan, 0.0], size=(n, v))
        logits = np.where(random.random((n, v)) < 0.1, special.astype(dtype), logits)
    cuts = sorted(draw(st.sets(st.integers(1, v - 1), max_size=5))) if v > 1 else []
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        options["temperature"] = random.uniform(0.5, 2, n)
    if draw(st.booleans()):
        options["probs"] = random.dirichlet(np.ones(v)).astype(
            np.float64 if dtype == np.float64 else np.float32
        )
    return logits, random.integers(0, v, n), cuts, options


@given(problems())
def test_panels_change_nothing(problem: Any) -> None:
    logits, target, cuts, options = problem
    want = run_rows(logits, target, **options, **ALL)
    assert_same(swept(logits, target, cuts, **options), want, logits.dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_panels_of_several_parts(dtype: Any) -> None:
    """A part of a row, which the kernels sum at a time, has 8192 classes (4096 in float64)."""
    random = np.random.default_rng(1)
    logits = (5 * random.normal(size=(70, 30000))).astype(dtype)
    target = random.integers(0, 30000, 70)
    logits[3, 20000:] = -np.inf
    logits[4] = -np.inf
    logits[5, [100, 25000]] = np.nan
    logits[6, [7, 9]] = np.inf, np.nan
    logits[7, [7, 9]] = np.inf
    want = run_rows(logits, target, **ALL)
    assert want.argmax is not None
    assert want.argmax[5:8].tolist() == [100, 9, 7]
    for cuts in ([], [8192, 16384, 24576], [1, 20001], [9000, 9001, 29999]):
        assert_same(swept(logits, target, cuts), want, dtype)


def test_the_first_nan_is_the_largest_wherever_it_stands() -> None:
    logits = np.array([[0, np.nan, 5, np.nan], [1, 2, np.nan, 9], [np.nan, 0, 0, np.inf]])
    found = swept(logits, np.zeros(3, np.int64), [1, 2, 3]).argmax
    np.testing.assert_array_equal(found, run_rows(logits, np.zeros(3, np.int64), **ALL).argmax)
    assert found is not None
    np.testing.assert_array_equal(found[:2], [1, 2])


def test_threads_change_no_bit() -> None:
    random = np.random.default_rng(2)
    logits, target = random.normal(size=(500, 400)).astype(np.float32), random.integers(0, 400, 500)
    before = neglog.cpu_info().threads
    try:
        found = []
        for threads in (1, 2, 3):
            neglog.set_num_threads(threads)
            found.append(swept(logits, target, [100, 250]))
    finally:
        neglog.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_panels_that_do_not_fit_are_refused() -> None:
    logits, place = np.zeros((2, 3)), np.empty((2, 8))
    rest: Any = (np.empty(2), None, None, 1.0, None, None, None, None, None)
    for first, classes, known in ((-1, 3, place), (1, 3, place), (0, 2, place), (0, 3, place[:1])):
        with pytest.raises(ValueError, match=r"logits|known"):
            _kernels.sweep(0, logits, first, classes, known, *rest)
    with pytest.raises(TypeError):
        _kernels.sweep(0, logits, 0, 3, None, *rest)
