"""The benchmark's own rules: nothing wrong is timed, no promise is passed over."""

import json
import math

import budgets
import numpy as np
import pytest

from bench import promises, timing
from bench.__main__ import plain
from bench.cases import MODES, SHAPES, Case
from bench.peers import PEERS, Calls, numpy


def every_ratio(value: float) -> promises.Run:
    """A made-up run in which neglog is `value` times as fast as anything."""
    rows = [
        {
            "dtype": "float32",
            "shape": list(shape),
            "mode": mode,
            "ratio": dict.fromkeys(PEERS, value),
        }
        for shape in SHAPES
        for mode in MODES
    ]
    ulp = {dtype: {"neglog": {"nll": value, "gradient": value}} for dtype in budgets.ULPS}
    return {"rows": rows, "ulp": ulp}


def test_every_promise_is_looked_at() -> None:
    verdicts = promises.verdicts(every_ratio(100.0))
    said = {verdict.what for verdict in verdicts}
    assert {f"{limit.what} against {limit.peer}" for limit in budgets.SPEED} <= said
    for limit in budgets.SPEED:
        shapes = {v.shape for v in verdicts if v.what == f"{limit.what} against {limit.peer}"}
        assert shapes == {budgets.SMALL_CALL} if limit.what == "call" else set(budgets.SHAPES)
    # one verdict a promise: the promise for one shape stands instead of the one for all
    assert len({(v.what, v.shape) for v in verdicts}) == len(verdicts)


@pytest.mark.parametrize("value", [100.0, 0.01])
def test_verdicts_follow_the_numbers(value: float) -> None:
    fast = value > 1
    for verdict in promises.verdicts(every_ratio(value)):
        assert verdict.met == (fast if "ulp" not in verdict.wanted else not fast), verdict


def test_a_wrong_answer_is_not_timed() -> None:
    case = Case.random((64, 10), "float32")
    right = numpy(case)
    timing.check("NumPy", case, right, timing.truth(case))

    def forgets_the_target() -> tuple[float, np.ndarray]:
        loss, grad = right.gradient()
        grad[case.rows, case.target] += 1 / len(case.target)
        return loss, grad

    wrong = Calls(right.forward, forgets_the_target)
    with pytest.raises(AssertionError, match="gradient is off"):
        timing.check("wrong", case, wrong, timing.truth(case))
    nothing = Calls(lambda: np.float32(np.nan), right.gradient)
    with pytest.raises(AssertionError, match="forward is off"):
        timing.check("nothing", case, nothing, timing.truth(case))


def test_ratios_are_taken_inside_rounds() -> None:
    # The machine was twice as slow in the second round, and the peer sat the third one out.
    assert timing.ratio([3.0, 6.0, math.nan], [1.0, 2.0, 1.0]) == 3


def test_a_kept_run_has_no_nan_literals() -> None:
    text = json.dumps(plain({"a": [math.inf, math.nan, 1 / 3], "b": (1, "x")}), allow_nan=False)
    assert json.loads(text) == {"a": ["inf", "nan", 0.3333], "b": [1, "x"]}
