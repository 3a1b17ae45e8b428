"""The algebra of options and rows is the same for all libraries, and a tracer can pass through it.

Other tests check its numbers. Here every combination of options is run with arrays whose values
cannot be read, and through jax.jit where JAX is installed.
"""

import itertools
from typing import Any

import numpy as np
import pytest
from tracing import Traced, TracedOps, plain

from neglog import _problem
from neglog._numpy import _array_ops

N, V = 6, 4
RANDOM = np.random.default_rng(0)
Z = RANDOM.normal(size=(N, V)) * 3
TARGET = np.array([0, 3, 2, -100, 1, 1])
PROBS = RANDOM.dirichlet(np.ones(V), N)
WEIGHT, ROW_WEIGHT = np.array([0.0, 0.5, 1.0, 2.0]), np.array([1.0, 2.0, 0.0, 1.0, 0.5, 0.0])
TEMPERATURE = RANDOM.uniform(0.5, 2, N)
LSE = np.log(np.exp(Z).sum(1))
NLL = np.where(TARGET >= 0, LSE - Z[np.arange(N), TARGET.clip(0)], 0.0)
NLL[0] = np.inf  # its class has the weight 0

COMBINATIONS = list(
    itertools.product(
        ("classes", "probabilities"),
        (None, WEIGHT, np.zeros(V)),
        (None, ROW_WEIGHT, np.zeros(N)),
        (0.0, 0.1, 1.0),  # label_smoothing
        (0.0, 0.01),  # z_loss
        (None, TEMPERATURE),
        ("mean", "sum", "none"),
    )
)


def algebra(
    ops: Any, kind: str, smoothing: float, z_loss: float, reduction: str, arrays: dict[str, Any]
) -> list[Any]:
    """All results of the module for a combination of options."""
    options = _problem.check_options(-100, smoothing, z_loss, None, reduction)
    problem = _problem.Problem()
    problem.reduction, problem.temperature = reduction, arrays["temperature"]
    weight, own, classes = arrays["weight"], arrays["row_weight"], kind == "classes"
    if classes:
        probs = _problem.set_classes(
            problem, ops, options, arrays["target"], V, weight, own, ignoring=True
        )
    else:
        _problem.set_probabilities(problem, ops, options, (N,), weight, own)
        probs = _problem.softened(problem, ops, arrays["probs"], 1)
    dense = None if probs is None else arrays["dense"]
    parts = arrays["nll"] if classes else None, dense, arrays["lse"]
    losses = _problem.row_losses(problem, ops, *parts)
    value = _problem.reduced(problem, ops, losses)
    coefs = _problem.coefficients(
        problem, ops, value, (N,), nll=classes, dense=dense is not None, lse=lambda: arrays["lse"]
    )
    mass = None if dense is None else arrays["mass"]
    scale = _problem.row_scale(problem, ops, (N,), nll=classes, mass=mass)
    used = _problem.is_used([problem.nll_coef, problem.dense_coef][not classes :])
    return [probs, losses, value, *coefs, scale, used, problem.total]


def arrays_of(weight: Any, own: Any, temperature: Any) -> dict[str, Any]:
    return {
        "target": TARGET, "probs": PROBS, "weight": weight, "row_weight": own,
        "temperature": temperature, "nll": NLL, "dense": LSE + 1, "lse": LSE, "mass": PROBS.sum(1),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["classes", "probabilities"])
def test_a_tracer_passes_with_all_options(kind: str) -> None:
    count = 0
    for chosen, weight, own, smoothing, z_loss, warmth, reduction in COMBINATIONS:
        if chosen != kind:
            continue
        arrays, options = arrays_of(weight, own, warmth), (kind, smoothing, z_loss, reduction)
        hidden = {name: None if x is None else Traced(x) for name, x in arrays.items()}
        want, have = algebra(_array_ops, *options, arrays), algebra(TracedOps(), *options, hidden)
        for a, b in zip(want, have, strict=True):
            assert (a is None) == (b is None), options
            if a is not None:
                assert isinstance(b, Traced), options
                np.testing.assert_array_equal(a, plain(b), str(options), strict=False)
        count += 1
    assert count == len(COMBINATIONS) / 2


def test_jit_passes_with_all_options() -> None:
    jax = pytest.importorskip("jax")
    jnp = jax.numpy

    class JaxOps:
        row_dtype = jnp.float64
        full, where, isfinite, sum = jnp.full, jnp.where, jnp.isfinite, jnp.sum
        take, clip, broadcast_to, astype = jnp.take, jnp.clip, jnp.broadcast_to, jnp.astype

    with jax.enable_x64(True):
        for kind, weight, own, smoothing, z_loss, warmth, reduction in COMBINATIONS[5::89]:
            arrays, options = arrays_of(weight, own, warmth), (kind, smoothing, z_loss, reduction)
            jitted = jax.jit(lambda given, o=options: algebra(JaxOps, *o, given))
            for a, b in zip(algebra(_array_ops, *options, arrays), jitted(arrays), strict=True):
                assert (a is None) == (b is None), options
                if a is not None:
                    np.testing.assert_allclose(np.asarray(b), a, rtol=1e-14, err_msg=str(options))


@pytest.mark.parametrize("use", [bool, float, int, len, list, np.asarray])
def test_a_traced_array_refuses_to_be_read(use: Any) -> None:
    with pytest.raises(TypeError):
        use(Traced(np.ones(3)) == 1)


def test_a_coefficient_of_zero_silences_what_is_not_finite_alone() -> None:
    have = _problem.weighted(
        _array_ops, np.array([0.0, 0, 0, 2, 0]), np.array([np.inf, np.nan, 3, np.inf, -np.inf])
    )
    np.testing.assert_array_equal(have, [0, 0, 0, np.inf, 0])
