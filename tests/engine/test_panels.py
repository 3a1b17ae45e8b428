"""Panels of classes give the results and the gradient of one pass over all classes."""

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import oracle
import pytest
from budgets import ULPS
from checks import assert_ulps
from hypothesis import given
from hypothesis import strategies as st

from neglog import _kernels
from neglog._engine import Panels, RowResults, run_rows

ALL: Any = {"lse": True, "entropy": True, "argmax": True}
COEFFICIENTS = ("nll_coef", "dense_coef", "lse_coef", "square_coef", "entropy_coef")
DTYPES = (np.float64, np.float32, np.float16, ml_dtypes.bfloat16)


def run_panels(
    logits: Any, target: Any, cuts: list[int], *, order: int = 1, **options: Any
) -> tuple[RowResults, Any]:
    """The results and the gradient, with panels taken in their order (1) or backwards (-1)."""
    n, num_classes = logits.shape
    panels = Panels(n, num_classes, target, **options, **ALL)
    pieces = list(zip([0, *cuts], [*cuts, num_classes], strict=True))[::order]
    for first, stop in pieces:
        panels.reduce(logits[:, first:stop], first)
    grad = logits.copy()
    for first, stop in pieces:
        panels.write_gradient(grad[:, first:stop], first)
    return panels.finish(), grad


def run_whole(logits: Any, target: Any, **options: Any) -> tuple[RowResults, Any]:
    grad = np.empty_like(logits)
    return run_rows(logits, target, grad=grad, **options, **ALL), grad


def assert_same(have: RowResults, want: RowResults, dtype: Any) -> None:
    """To the rounding of exponentials, which are relative to another maximum in each panel."""
    rtol = 1e-13 if dtype == np.float64 else 4e-7
    np.testing.assert_array_equal(have.argmax, want.argmax)
    for one, other in zip(have[:4], want[:4], strict=True):
        assert (one is None) == (other is None)
        if one is not None and other is not None:
            np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-15)


def assert_gradients(grads: list[Any], whole: Any, logits: Any, target: Any, options: Any) -> None:
    """nan and 0 where the gradient of whole rows is; the promised ulp where it is finite."""
    name, finite = logits.dtype.name, np.isfinite(whole.astype(float))
    ignored = np.all([options.get(c, np.ones(len(whole))) == 0 for c in COEFFICIENTS], axis=0)
    fine = finite.all(axis=1) & (target >= 0)
    temperature = options.get("temperature", np.ones(len(whole)))[fine]
    with np.errstate(all="ignore"):  # a square of an infinite lse
        r = oracle.rows(logits[fine], temperature)
        hot = np.arange(logits.shape[1]) == target[fine, None]
        coef = {c: options.get(c, np.zeros(len(whole)))[fine] for c in COEFFICIENTS}
        probs = options.get("probs", np.zeros(logits.shape[1]))
        want, size = oracle.row_gradient(r, coef, hot, probs[None])
    known = np.isfinite(size.astype(float)).all(axis=1)
    want, size = want[known] * options["scale"], size[known] * options["scale"]
    # A probability below the smallest normal number is 0, whatever it is multiplied by.
    tiny = oracle.smallest_normal(name)
    gone = (r.p[known] < tiny) & (np.abs(want) < 2.0**12 * tiny)
    for grad in grads:
        assert (np.isnan(grad.astype(float)) == np.isnan(whole.astype(float))).all()
        assert (grad[ignored].astype(float) == 0).all()
        have = grad[fine][known]
        assert (np.abs(have[gone].astype(float)) < 2.0**12 * tiny).all()
        have = np.where(gone, np.zeros_like(have), have)
        assert_ulps(have, np.where(gone, 0, want), name, ULPS[name].grad, "in panels", size=size)


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
    options: dict[str, Any] = {"scale": 0.7}
    if draw(st.booleans()):
        options["temperature"] = random.uniform(0.5, 2, n)
    if draw(st.booleans()):
        options["probs"] = random.dirichlet(np.ones(v)).astype(
            np.float64 if dtype == np.float64 else np.float32
        )
    kept = random.random(n) < 0.7  # the other rows are ignored
    for name in draw(st.sets(st.sampled_from(COEFFICIENTS))) | {"nll_coef"}:
        if name != "dense_coef" or "probs" in options:
            options[name] = np.where(kept, random.integers(-3, 4, n) / 2, 0)
    if "probs" in options:
        options.setdefault("dense_coef", np.zeros(n))
    return logits, random.integers(0, v, n), cuts, options


@given(problems(), st.sampled_from([1, -1]))
def test_panels_change_nothing(problem: Any, order: int) -> None:
    logits, target, cuts, options = problem
    want, whole = run_whole(logits, target, **options)
    have, grad = run_panels(logits, target, cuts, order=order, **options)
    assert_same(have, want, logits.dtype)
    assert_gradients([grad], whole, logits, target, options)


@given(problems())
def test_states_of_other_panels_can_be_merged(problem: Any) -> None:
    """As by two processes, of which each has some of the classes; empty states weigh nothing."""
    logits, target, cuts, options = problem
    n, num_classes = logits.shape
    first, second, empty = (Panels(n, num_classes, target, **options, **ALL) for _ in range(3))
    for k, (start, stop) in enumerate(zip([0, *cuts], [*cuts, num_classes], strict=True)):
        (first, second)[k % 2].reduce(logits[:, start:stop], start)
    for other in (empty, second):
        first.merge(other.states)
    want, whole = run_whole(logits, target, **options)
    assert_same(first.finish(), want, logits.dtype)
    first.write_gradient(grad := logits.copy(), 0)
    assert_gradients([grad], whole, logits, target, options)


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
    options: dict[str, Any] = {"scale": 0.5, "nll_coef": np.ones(70), "entropy_coef": np.ones(70)}
    want, whole = run_whole(logits, target, **options)
    assert want.argmax is not None
    assert want.argmax[5:8].tolist() == [100, 9, 7]
    grads = []
    for cuts in ([], [8192, 16384, 24576], [1, 20001], [9000, 9001, 29999]):
        have, grad = run_panels(logits, target, cuts, **options)
        assert_same(have, want, dtype)
        grads.append(grad)
    assert_gradients(grads, whole, logits, target, options)


def test_the_first_nan_is_the_largest_wherever_it_stands() -> None:
    logits = np.array([[0, np.nan, 5, np.nan], [1, 2, np.nan, 9], [np.nan, 0, 0, np.inf]])
    target = np.zeros(3, np.int64)
    for order in (1, -1):
        found = run_panels(logits, target, [1, 2, 3], order=order)[0].argmax
        np.testing.assert_array_equal(found, run_rows(logits, target, **ALL).argmax)
        assert found is not None
        np.testing.assert_array_equal(found[:2], [1, 2])


def test_the_maximum_and_the_target_stand_in_any_panel() -> None:
    """Both are written apart from the other entries, and next to nothing is left beside them."""
    logits = np.full((16, 12), -40.0)
    target, places = np.repeat([0, 5, 7, 11], 4), np.tile([0, 5, 7, 11], 4)
    logits[np.arange(16), places] = 60
    options: dict[str, Any] = {"nll_coef": np.ones(16), "scale": 1.0}
    for dtype in DTYPES:
        z = logits.astype(dtype)
        whole = run_whole(z, target, **options)[1]
        grads = [
            run_panels(z, target, cuts, order=order, **options)[1]
            for cuts in ([], [5], [6], [1, 5, 6, 8, 11])
            for order in (1, -1)
        ]
        assert_gradients(grads, whole, z, target, options)


def test_a_target_that_is_not_a_class_makes_its_row_nan() -> None:
    logits, target = np.zeros((3, 6), np.float32), np.array([1, -100, 6])
    have, grad = run_panels(logits, target, [2, 4], nll_coef=np.array([1.0, 0, 1]))
    assert have.nll is not None
    np.testing.assert_array_equal(np.isnan(have.nll), [False, False, True])
    np.testing.assert_array_equal(np.isnan(grad).all(axis=1), [False, False, True])
    assert (grad[1] == 0).all()


def test_threads_change_no_bit(threads: Callable[[int], None]) -> None:
    random = np.random.default_rng(2)
    logits, target = random.normal(size=(500, 400)).astype(np.float32), random.integers(0, 400, 500)
    found = []
    for n in (1, 2, 3):
        threads(n)
        result, grad = run_panels(logits, target, [100, 250])
        found.append((*result, grad))
    for other in found[1:]:
        for a, b in zip(other, found[0], strict=True):
            np.testing.assert_array_equal(a, b)


def test_panels_that_do_not_fit_are_refused() -> None:
    logits, states = np.zeros((2, 3)), np.empty((2, _kernels.state_numbers))
    problem: Any = (None, None, 1.0, *[None] * 5)
    nothing: Any = (None,) * 5
    narrow = states[:, :8]
    for first, classes, place in (
        (-1, 3, states), (1, 3, states), (0, 2, states), (0, 3, states[:1]), (0, 3, narrow),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=r"logits|states"):
            _kernels.reduce_panel(0, place, logits, first, classes, problem, nothing)
        with pytest.raises(ValueError, match=r"logits|states"):
            _kernels.write_panel(0, place, logits, first, classes, problem, 1.0)
    with pytest.raises(ValueError, match="out"):
        _kernels.write_panel(0, states, logits, 0, 3, problem, 1.0, logits[:, :2].copy())
    for num_classes, softcap, place in (
        (256, None, states),
        (257, 5.0, states),
        (257, None, narrow),
    ):
        with pytest.raises(ValueError, match="states"):
            run_rows(np.zeros((2, num_classes)), softcap=softcap, lse=True, states=place)
    with pytest.raises(TypeError):
        _kernels.reduce_panel(0, None, logits, 0, 3, problem, nothing)
    with pytest.raises(ValueError, match="others"):
        _kernels.merge_states(states, states[:1], 1.0)
    with pytest.raises(ValueError, match="eight"):
        _kernels.finish_states(0, states, 3, problem[1:], nothing)
    with pytest.raises(ValueError, match="five"):
        _kernels.finish_states(0, states, 3, problem, nothing[1:])
