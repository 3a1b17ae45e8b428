"""The benchmark's own rules: nothing wrong is timed, and no promise or goal is passed over."""

import json
import math
import re
from typing import Any

import budgets
import numpy as np
import pytest
from made_up_runs import every_ratio, made_up_head

from bench import (
    memory,
    promises,
    timing,
    torch_face,
    training,
)
from bench.__main__ import main, plain
from bench.cases import Case
from bench.head.problem import GENERATED
from bench.peers import Calls, numpy

COPY = "forward + gradient: fraction of memcpy speed"


def test_every_promise_is_judged() -> None:
    verdicts = promises.promises(every_ratio(100.0))
    # one verdict per promise: the one for many classes counts instead of the one for all
    assert len({(v.what, v.shape) for v in verdicts}) == len(verdicts)
    wanted = {v.shape: v.wanted for v in verdicts if v.what == COPY}
    assert wanted == dict.fromkeys(budgets.SHAPES, ">= 0.7") | {budgets.SMALL_V: ">= 0.3"}
    said = {verdict.what for verdict in verdicts}
    assert "neglog.torch: peak memory above the logits, in arrays" in said
    for dtype in budgets.ULPS:
        names = {
            f"neglog, {dtype} nll: worst error",
            f"neglog.torch, {dtype} gradient: worst error",
        }
        assert names <= said


def test_every_goal_is_judged() -> None:
    run = every_ratio(100.0)
    assert {v.shape for v in promises.goals(run)} == set(budgets.SHAPES) - {budgets.SMALL_V}
    with_head = promises.goals(run | {"head": made_up_head(1.0)})
    assert len(with_head) == len(budgets.SHAPES) - 1 + len(budgets.HEAD_GOALS)


@pytest.mark.parametrize("value", [100.0, 0.01])
def test_verdicts_follow_the_numbers(value: float) -> None:
    fast, run = value > 1, every_ratio(value)
    for verdict in promises.promises(run) + promises.goals(run):
        assert verdict.met == (fast if verdict.wanted[:2] == ">=" else not fast), verdict


def test_a_goal_is_at_least_what_is_promised() -> None:
    promised = {(p.face, p.what, p.dtype): p.at_most for p in budgets.HEAD_PROMISES}
    for goal in budgets.HEAD_GOALS:
        assert goal.at_most <= promised.get((goal.face, goal.what, goal.dtype), math.inf)
    for goal in budgets.COPY_GOALS:
        assert goal.at_least >= max(promise.at_least for promise in budgets.COPY_PROMISES)


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


def test_a_training_step_is_checked_and_measured() -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    pytest.importorskip("transformers", reason="transformers is absent: no Llama to train")
    for dtype in ("float32", "bfloat16"):
        model = training.Model(training.LLAMA, dtype, (2, 9), 16, 1, 2, 50)
        trained = training.Trained(model)
        errors = training.checked(trained, dtype)
        assert errors.keys() == set(training.ROUTES)
        if dtype == "float32":
            assert max(errors.values()) < 4
    before = trained.loss(training.TORCH).item()
    for _ in range(3):
        for route in training.ROUTES:
            trained.step(route)
    assert trained.loss(training.HEAD).item() < before


def test_a_wrong_training_loss_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    pytest.importorskip("transformers", reason="transformers is absent: no Llama to train")
    trained = training.Trained(training.Model(training.LLAMA, "float32", (2, 9), 16, 1, 2, 50))
    right = trained.loss_without_logits
    monkeypatch.setattr(trained, "loss_without_logits", lambda: right() * 1.01)
    with pytest.raises(AssertionError, match="linear_cross_entropy: loss is off"):
        training.checked(trained, "float32")


def test_a_kept_run_has_no_nan_literals() -> None:
    text = json.dumps(plain({"a": [math.inf, math.nan, 1 / 3], "b": (1, "x")}), allow_nan=False)
    assert json.loads(text) == {"a": ["inf", "nan", 0.3333], "b": [1, "x"]}


@pytest.mark.parametrize(("value", "met"), [(100.0, True), (0.01, False)])
def test_every_promise_and_goal_of_the_head_is_judged(value: float, met: bool) -> None:
    run = every_ratio(100.0) | {"head": made_up_head(value)}
    of_head = [v for v in promises.promises(run) if "head" in v.what or "tolerance" in v.what]
    of_errors = len(budgets.FACES) * 2 * len(budgets.HEAD_TOLERANCES)
    of_memory = len(budgets.FACES) * len(budgets.HEAD_MEMORY.shapes)
    assert len({(v.what, v.shape) for v in of_head}) == len(of_head)
    assert len(of_head) == len(budgets.HEAD_PROMISES) + of_errors + of_memory
    goals = [v for v in promises.goals(run) if "head" in v.what]
    assert len(goals) == len(budgets.HEAD_GOALS)
    assert [verdict for verdict in of_head + goals if verdict.met != met] == []


def test_a_smaller_head_is_judged_where_bfloat16_is_slow() -> None:
    found = made_up_head(0.01)
    for row in found["rows"]:
        if row["dtype"] == "bfloat16":
            row["shape"] = list(budgets.SLOW_HEAD_SHAPE)
    run = every_ratio(100.0) | {"head": found}
    broken = {
        v.shape for v in promises.missed(promises.promises(run)) if "bfloat16, loss" in v.what
    }
    assert broken == {budgets.SLOW_HEAD_SHAPE}


def test_a_generated_head_says_nothing_of_a_tolerance() -> None:
    run = every_ratio(100.0) | {"head": made_up_head(0.01, GENERATED)}
    judged = promises.promises(run) + promises.goals(run)
    assert [verdict.what for verdict in judged if "tolerance" in verdict.what] == []


def test_a_broken_promise_ends_the_benchmark_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    run = every_ratio(0.01) | {"machine": {}, "versions": {}}
    run["memory"]["shape"] = budgets.TORCH_MEMORY.shape
    monkeypatch.setattr("sys.argv", ["bench"])
    monkeypatch.setattr("bench.machine.take_cores", lambda: None)
    monkeypatch.setattr("bench.run.everything", lambda _: run)
    with pytest.raises(SystemExit, match=re.escape(f"promise broken: {COPY}")):
        main()
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"goal not met: {COPY}")
