"""Ties and order: equal logits have equal results, and no smaller logit a larger one.

In softmax, log_softmax and the gradient beside the target, whatever way a row goes through the
kernels. Every comparison is of bits: no tolerance can hold it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import order_sweep
import pytest
from budgets import ULPS
from checks import assert_identical, assert_runs_on, dtype_of
from hypothesis import given, settings
from hypothesis import strategies as st

import neglog

DTYPES = tuple(ULPS)


def test_twins_of_the_maximum() -> None:
    p = neglog.softmax(np.array([4, 4, 1], np.float32))
    assert p[0] == p[1] > p[2]
    assert neglog.softmax(np.array([3.0])) == 1


@st.composite
def rows(draw: Any, dtype: str) -> Any:
    """(N, V): few different numbers, so that most have twins; their neighbours; far from 0."""
    width = draw(st.integers(2, 24))
    few = draw(st.lists(st.floats(-60, 60, width=32), min_size=1, max_size=4))
    offset = draw(st.sampled_from([0.0, 0.0, 5.5, -300.0, 3e4, -70000.0]))
    pick = draw(st.lists(st.integers(0, len(few) - 1), min_size=width, max_size=width))
    steps = draw(st.lists(st.sampled_from([0, 0, 1, -1, 2]), min_size=width, max_size=width))
    z = (np.array(few)[pick] + offset).astype(np.float32)
    for i, step in enumerate(steps):
        for _ in range(abs(step)):
            z[i] = np.nextafter(z[i], np.float32(np.inf * step))
    return np.stack([z, z[::-1]]).clip(-65504, 65504).astype(dtype_of(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")
def test_planted_twins_and_neighbours(face: Any, dtype: str) -> None:
    @settings(max_examples=40)
    @given(rows(dtype_of(dtype).name), st.integers(0, 23))
    def hold(z: Any, pick: int) -> None:
        target = np.full(len(z), pick % z.shape[1])
        for name in ("softmax", "log_softmax"):
            seen = face.numpy(getattr(face, name)(face.array(z)))
            order_sweep.check(z, seen, name)
        for options in ({}, {"label_smoothing": 0.1}, {"temperature": 0.7}, {"z_loss": 1e-3}):
            _, grad = face.cross_entropy_and_grad(z, target, reduction="none", **options)
            order_sweep.check(z, face.numpy(grad), f"gradient, {options}", target)

    hold()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoids_of_neighbours(dtype: str) -> None:
    @given(st.one_of(st.floats(0, 100), st.floats(-8, 2).map(lambda x: 10**x)))
    def hold(center: float) -> None:
        order_sweep.check_sigmoids(order_sweep.neighbours(center, dtype_of(dtype)))

    hold()


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_way_through_the_kernels(dtype: str) -> None:
    """Side by side, one after another, in parts with maxima of their own, kept and computed again,
    class-major, in panels, under softcap and temperature."""
    order_sweep.sweep((dtype_of(dtype).name,))


@pytest.mark.parametrize("instruction_set", neglog.cpu_info().supported)
def test_every_way_on(instruction_set: str) -> None:
    """All of this again, long rows and neighbours too, in a process of its own."""
    assert_runs_on(instruction_set, order_sweep.__file__)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_parts_of_a_row_that_threads_share(dtype: str, threads: Callable[[int], None]) -> None:
    for z, target in order_sweep.long_rows(dtype):
        threads(1)
        order_sweep.check_row_functions(z, target, "one thread")
        alone = [order_sweep.gradient(z, target, scale=scale) for scale in (1, 2.0**100)]
        threads(2)
        for scale, grad in zip((1, 2.0**100), alone, strict=True):
            seen = order_sweep.gradient(z, target, scale=scale)
            assert_identical(seen, grad, f"V = {z.shape[1]}, scale {scale}")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_composition_of_torch(dtype: str) -> None:
    """What runs on other devices: the same ties, also under a z-loss and an entropy."""
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from neglog.torch._engines import composed

    z, target = order_sweep.planted(np.random.default_rng(1), 40, 10, dtype)
    t, y = torch.from_numpy(z), torch.from_numpy(target)
    for log in (False, True):
        order_sweep.check(z, composed.softmax(t, 1, log=log).numpy(), f"softmax, log={log}")
    one, q = torch.ones(len(z)), torch.full((10,), 0.01)
    for coefs in ((one, None, 0.5 * one, None), (one, one, None, None)):
        grad = composed.row_gradients(t, 1, y, q, None, None, None, coefs).numpy()
        order_sweep.check(z, grad, "gradient", target)
    entropy = composed.row_gradients(t, 1, y, None, None, None, None, (one, None, one, 0.3 * one))
    order_sweep.check_twins(z, entropy.numpy(), "gradient of an entropy", target)
