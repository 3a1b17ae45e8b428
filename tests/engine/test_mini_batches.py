"""The gradient of a mini-batch in one pass: its values, and what is outside its arrays."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra cli")

from checks import assert_runs_on
from engine_helpers import steps_sweep

import neglog
from neglog import _kernels
from neglog._engine.steps import batch_gradient


def test_values_here() -> None:
    steps_sweep.sweep()


@pytest.mark.parametrize("instruction_set", neglog.cpu_info().supported)
def test_values_on(instruction_set: str) -> None:
    assert_runs_on(instruction_set, steps_sweep.__file__)


def test_logits_far_apart() -> None:
    """Probabilities of 0 and 1, where exp would leave the range of float32."""
    table, places, weights = steps_sweep.batch(40, dense=3, ones=1, others=4, classes=11)
    steps_sweep.check(table, places, 1000 * weights)


def test_a_batch_without_weight_has_a_gradient_of_0() -> None:
    table, places, weights = steps_sweep.batch(9, dense=3, ones=1, others=4, classes=5)
    table["weight"] = 0
    found = np.full_like(weights, np.nan)
    assert batch_gradient(table, places, weights, found) == 0
    assert not found.any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("ones", -1), ("ones", 4), ("target", -1), ("target", 5), ("places", -1), ("places", 18)],
)
@pytest.mark.parametrize("row", [0, 8])
def test_what_is_beyond_the_end_is_refused(name: str, value: int, row: int) -> None:
    table, places, weights = steps_sweep.batch(9, dense=3, ones=2, others=4, classes=5)
    if name == "places":
        places[row] = value
    else:
        table[name][places[row]] = value
    found = np.full_like(weights, 7)
    with pytest.raises(IndexError, match="beyond the end"):
        batch_gradient(table, places, weights, found)
    assert (found == 7).all()


TABLE, PLACES, W = np.zeros((4, 24), np.uint8), np.arange(3), np.ones((3, 2), np.float32)


@pytest.mark.parametrize(
    "arguments",
    [
        (TABLE, 3, 1, PLACES, W, W.copy()),
        (TABLE, 0, 3, PLACES, W, W.copy()),
        (TABLE, 4, -1, PLACES, W, W.copy()),
        (TABLE, 2, 2**62 + 1, PLACES, W, W.copy()),
        (TABLE[:0], 2, 1, PLACES, W, W.copy()),
        (np.zeros((4, 48), np.uint8)[:, :24], 2, 1, PLACES, W, W.copy()),
        (TABLE, 2, 1, PLACES.astype(np.int32), W, W.copy()),
        (TABLE, 2, 1, PLACES, W[:, :0], W[:, :0].copy()),
        (TABLE, 2, 1, PLACES, W[:1], W[:1].copy()),
        (TABLE, 2, 1, PLACES, W, W[:, :1].copy()),
        (TABLE, 2, 1, PLACES, W.astype(np.float64), W.copy()),
    ],
)
def test_memory_is_guarded(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match=r"table|places|weights|gradient"):
        _kernels.batch_gradient(*arguments)
