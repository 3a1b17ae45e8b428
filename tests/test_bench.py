"""The benchmark's own rules: nothing wrong is timed, no promise is passed over."""

import json
import math
from collections import defaultdict

import budgets
import numpy as np
import pytest

from bench import memory, promises, table, timing, torch_face
from bench.__main__ import plain
from bench.cases import DTYPES, MODES, SHAPES, TORCH_MODES, Case
from bench.peers import PEERS, Calls, numpy

LIMITS = (*budgets.SPEED, *budgets.TORCH_SPEED)


def every_ratio(value: float) -> promises.Run:
    """A made-up run in which neglog is `value` times as fast as anything, and as wrong."""
    modes = (*MODES, *TORCH_MODES, torch_face.COMPILED_MODE)
    rows = [
        {"dtype": dtype, "shape": list(shape), "mode": mode, "ratio": dict.fromkeys(PEERS, value)}
        for dtype in DTYPES
        for shape in SHAPES
        for mode in modes
    ]
    error = {"nll": value, "gradient": value}
    ulp = {dtype: dict.fromkeys(("neglog", "neglog.torch"), error) for dtype in budgets.ULPS}
    return {"rows": rows, "ulp": ulp, "memory": {"arrays": {"neglog.torch": value}}}


def test_every_promise_is_looked_at() -> None:
    verdicts = promises.verdicts(every_ratio(100.0))
    shapes = defaultdict(set)
    for limit in LIMITS:
        shapes[promises.title(limit)] |= {limit.shape} if limit.shape else set(budgets.SHAPES)
    for what, wanted in shapes.items():
        assert {verdict.shape for verdict in verdicts if verdict.what == what} == wanted, what
    # one verdict a promise: the promise for one shape stands instead of the one for all
    assert len({(v.what, v.shape) for v in verdicts}) == len(verdicts)
    said = {verdict.what for verdict in verdicts}
    assert "peak memory above the logits" in said
    for dtype in budgets.ULPS:
        assert {f"neglog, {dtype} nll", f"neglog.torch, {dtype} gradient"} <= said


@pytest.mark.parametrize("value", [100.0, 0.01])
def test_verdicts_follow_the_numbers(value: float) -> None:
    fast = value > 1
    for verdict in promises.verdicts(every_ratio(value)):
        assert verdict.met == (fast if verdict.wanted[:2] == ">=" else not fast), verdict


def test_a_promise_for_one_dtype_is_held_against_that_dtype() -> None:
    run = every_ratio(100.0)
    for row in run["rows"]:
        row["ratio"] = dict.fromkeys(PEERS, 0.01) if row["dtype"] == "bfloat16" else row["ratio"]
    missed = [verdict for verdict in promises.speed(run) if not verdict.met]
    assert {verdict.what for verdict in missed} == {
        "bfloat16, forward + backward against torch eager"
    }
    assert {verdict.shape for verdict in missed} == set(budgets.SHAPES[1:])


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


def test_the_part_of_a_loss_is_taken_inside_rounds() -> None:
    samples = {"neglog.torch": [3.0, 5.0], "torch.compile": [9.0, 14.0], "no loss": [1.0, 2.0]}
    found = torch_face.loss_part(samples)
    assert found["seconds"] == {"neglog.torch": 2.5, "torch.compile": 10.0, "no loss": 1.5}
    assert found["ratio"] == {"torch.compile": 4.0}


@pytest.mark.parametrize("name", ["neglog.torch", "torch eager"])
@pytest.mark.parametrize("shape", [(64, 10), (3, 5, 4, 2)])
def test_a_step_of_training_gives_the_gradient(name: str, shape: tuple[int, ...]) -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    case = Case.random(shape, "float32")
    calls = torch_face.STEPS[name](case)
    timing.check(name, case, calls, timing.truth(case))
    calls.gradient()  # the gradient of a second step is not added to that of the first
    timing.check(name, case, calls, timing.truth(case))
    case.target[0] = (case.target[0] + 1) % shape[1]
    with pytest.raises(AssertionError, match="is off"):
        timing.check(name, case, calls, timing.truth(Case.random(shape, "float32")))


@pytest.mark.skipif(not memory.STATUS.exists(), reason="peak memory is read from /proc")
def test_the_gradient_is_the_only_large_array() -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    limit = budgets.TORCH_MEMORY
    assert 0.9 < memory.above_logits("neglog.torch", limit.shape) <= limit.at_most


def test_the_tables_of_the_torch_face() -> None:
    shape = (2048, 32768)
    step = {"neglog.torch": [1e-3], "torch eager": [2e-3], "bare node": [5e-4]}
    rows = [
        timing.row(dtype, shape, "forward + backward", step)
        for dtype in ("float32", "float64", "bfloat16")
    ]
    part = {"neglog.torch": [2e-3], "torch.compile": [6e-3]}
    rows.append(timing.row("float32", shape, torch_face.COMPILED_MODE, part))
    found = table.torch_rows({"rows": rows})
    assert table.torch_times(found, table.ENGLISH).splitlines()[2:] == [
        "| 2048 x 32768 | 1.0 ms | 2.0x | — |",
        "| 2048 x 32768, bfloat16 | 1.0 ms | 2.0x | — |",
        "| 2048 x 32768, in a compiled step | 2.0 ms | — | 3.0x |",
    ]
    peak = {"shape": shape, "arrays": {"neglog.torch": 1.01, "torch eager": 3.02}}
    for words in table.READMES.values():
        last = table.memory(peak, words).splitlines()[-1]
        assert last == "| 2048 x 32768 | 1.01 x 256 MiB | 3.02 x 256 MiB |"


def test_a_run_without_torch_has_no_table_of_it() -> None:
    run = table.kept_run()
    run["rows"] = [row for row in run["rows"] if "neglog.torch" not in row["seconds"]]
    run.pop("memory", None)
    assert "PyTorch" not in table.markdown(run, table.ENGLISH)


def test_a_kept_run_has_no_nan_literals() -> None:
    text = json.dumps(plain({"a": [math.inf, math.nan, 1 / 3], "b": (1, "x")}), allow_nan=False)
    assert json.loads(text) == {"a": ["inf", "nan", 0.3333], "b": [1, "x"]}
