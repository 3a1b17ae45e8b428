"""The benchmark's own rules: nothing wrong is timed, no promise is passed over."""

import json
import math
import re
from pathlib import Path
from typing import Any

import budgets
import numpy as np
import pytest

from bench import (
    documents,
    head,
    head_memory,
    head_routes,
    lookup,
    memory,
    promises,
    table,
    timing,
    torch_face,
    training,
)
from bench.__main__ import main, plain
from bench.cases import DTYPES, MODES, SHAPES, TORCH_MODES, Case
from bench.head_problem import GENERATED, Head, check, distances, exact
from bench.peers import PEERS, Calls, UnavailableError, numpy


def every_ratio(value: float) -> lookup.Run:
    """A made-up run in which neglog is `value` times as fast as a copy, and as wrong."""
    rows = [
        {
            "dtype": dtype,
            "shape": list(shape),
            "mode": mode,
            "seconds": {"neglog.torch" if mode in TORCH_MODES else "neglog": 1.0},
            "ratio": dict.fromkeys(PEERS, value),
        }
        for dtype in DTYPES
        for shape in SHAPES
        for mode in (*MODES, *TORCH_MODES)
    ]
    error = {"nll": value, "gradient": value}
    ulp = {dtype: dict.fromkeys(budgets.FACES, error) for dtype in budgets.ULPS}
    return {"rows": rows, "ulp": ulp, "memory": {"arrays": {"neglog.torch": value}}}


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


def test_the_tables_of_the_torch_face() -> None:
    shape = (2048, 32768)
    step = {"neglog.torch": [1e-3], "torch eager": [2e-3], "bare node": [5e-4]}
    rows = [
        timing.row(dtype, shape, "forward + backward", step)
        for dtype in ("float32", "float64", "bfloat16")
    ]
    part = {"neglog.torch": [2e-3], "torch.compile": [6e-3], "no loss": [9e-3]}
    rows.append(timing.row("float32", shape, torch_face.COMPILED_MODE, part))
    peak = {"shape": shape, "arrays": {"neglog.torch": 1.01, "torch eager": 3.02}}
    run = {"rows": rows, "memory": peak}
    assert table.torch_times(run, documents.ENGLISH).splitlines()[2:] == [
        "| 2048 x 32768 | 1.0 ms | 2.0x | — |",
        "| 2048 x 32768, bfloat16 | 1.0 ms | 2.0x | — |",
    ]
    for words in documents.README.values():
        assert table.compiled(run, words).splitlines()[2:] == ["| 2048 x 32768 | 2.0 | 6.0 | 9.0 |"]
        last = table.memory(run, words).splitlines()[-1]
        assert last == "| 2048 x 32768 | 1.01 x 256 MiB | 3.02 x 256 MiB |"


@pytest.mark.parametrize("name", ["summary", *table.TABLES])
def test_a_run_without_torch_has_every_table(name: str) -> None:
    run = lookup.kept_run()
    run["rows"] = [row for row in run["rows"] if "neglog.torch" not in row["seconds"]]
    for part in ("memory", "training"):
        run.pop(part, None)
    text = f"<!--table {name}-->\n<!--/table-->"
    assert len(documents.updated(text, run, documents.ENGLISH).splitlines()) > 2


def made_up_training() -> list[dict[str, Any]]:
    seconds = dict(zip(training.ROUTES, (0.5, 1.0, 0.25), strict=True))
    return [
        {
            "dtype": model.dtype,
            "shape": [*model.batch, model.classes],
            "mode": model.name,
            "seconds": seconds,
            "ratio": {},
            "ulp": dict.fromkeys(training.ROUTES, 0.4),
            "bytes": {training.TORCH: 2**29, training.PATCHED: 2**28, training.HEAD: 2**27},
        }
        for model in training.MODELS
    ]


def test_training_stands_in_the_readme_and_in_its_own_table() -> None:
    run = lookup.kept_run() | {"training": made_up_training()}
    text = "<!--table summary-->\n<!--/table-->"
    lines = documents.updated(text, run, documents.ENGLISH).splitlines()
    assert len([line for line in lines if line.startswith("| ")]) == 2 + 7
    assert (
        "| training step, Llama, bfloat16 | 1.00 s | 500.0 ms | 250.0 ms | 512 MiB / 128 MiB"
        " | 0.40 / 0.40 |" in lines
    )
    table_of_it = table.training(run, documents.KOREAN).splitlines()
    assert len(table_of_it) == 2 + len(training.MODELS) * len(training.ROUTES)
    assert table_of_it[4].endswith(
        "| `linear_cross_entropy` | 250.0 ms | 0.25 | 128 MiB | 0.40 ulp |"
    )
    figure = "faster: <!--figure llama-head-times-->?<!--/-->"
    assert "-->4.00<!--" in documents.updated(figure, run, documents.ENGLISH)


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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it takes 31.7 ms", ["31.7 ms"]),
        ("8.0x as fast, 3 times as large", ["8.0x", "3 times"]),
        (
            "64 MiB, 25 GB/s, 0.5 ulp, 0.14 %, 2 s",
            ["64 MiB", "25 GB/s", "0.5 ulp", "0.14 %", "2 s"],
        ),
        ("0.73배, 2초", ["0.73배", "2초"]),
        ("2048 x 32768 logits, 32 rows, float32, 10 classes, 2 states", []),
        ("`make bench` takes <!--figure loss-times-->8.0<!--/--> times `64 MiB`", []),
        ("<!--table head-->\n| 2.0x | 3 ms |\n<!--/table-->", []),
    ],
)
def test_a_measured_figure_without_a_marker_is_found(text: str, found: list[str]) -> None:
    assert documents.unmarked(text) == found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("is <!--figure speed-->1<!--/-->", "there is no figure 'speed'"),
        ("<!--table speed-->\n<!--/table-->", "there is no table 'speed'"),
        ("is\n<!--figure loss-times-->1<!--/-->", "must not begin with a figure's marker"),
    ],
)
def test_a_marker_that_says_nothing_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        documents.updated(text, lookup.kept_run(), documents.ENGLISH)


def test_what_the_run_lacks_is_a_dash() -> None:
    run = lookup.kept_run() | {"training": []}
    text = documents.updated("is <!--figure tiny-times-->1<!--/-->", run, documents.ENGLISH)
    assert text == "is <!--figure tiny-times-->—<!--/-->"


def test_a_kept_run_has_no_nan_literals() -> None:
    text = json.dumps(plain({"a": [math.inf, math.nan, 1 / 3], "b": (1, "x")}), allow_nan=False)
    assert json.loads(text) == {"a": ["inf", "nan", 0.3333], "b": [1, "x"]}


FACES = budgets.FACES
EXACT = (head.GRADIENTS, head.LOSS, head.STATS, head.HALF)
TOLERANT = (head.NO_TOLERANCE, *(limit.what for limit in budgets.HEAD_TOLERANCES))
HEAD_CASES = [
    *(("float32", budgets.HEAD_SHAPE, mode) for mode in EXACT),
    *(("bfloat16", budgets.HEAD_SHAPE, mode) for mode in EXACT),
    *(("float32", budgets.PEAKED_SHAPE, mode) for mode in TOLERANT),
]


def made_up_head(value: float, source: str = "classes.npz, states.npz") -> dict[str, Any]:
    """A run of the head in which neglog is `value` times as fast, as small and as right."""
    names = ("products", "all rows", "torch eager", "torch.compile", "torch chunked")
    rows = [
        {
            "dtype": dtype,
            "shape": list(shape),
            "mode": mode,
            "seconds": {face: 1.0},
            "ratio": dict.fromkeys(names, value),
        }
        for dtype, shape, mode in HEAD_CASES
        for face in FACES
    ]
    error = {"loss": 0.0, "hidden": 1e-3 / value, "classes": 1e-3 / value, "kept": 0.02}
    modes = {limit.what: error for limit in budgets.HEAD_TOLERANCES}
    mine = dict.fromkeys(FACES, 2**26 / value)
    taken = [
        {"shape": list(budgets.HEAD_MEMORY.shapes[0]), "bytes": {**mine, "torch eager": 2**26}}
    ]
    taken += [{"shape": list(shape), "bytes": mine} for shape in budgets.HEAD_MEMORY.shapes[1:]]
    errors = dict.fromkeys(FACES, modes)
    return {"source": source, "rows": rows, "errors": errors, "memory": taken}


@pytest.mark.parametrize(("value", "met"), [(100.0, True), (0.01, False)])
def test_every_promise_and_goal_of_the_head_is_judged(value: float, met: bool) -> None:
    run = every_ratio(100.0) | {"head": made_up_head(value)}
    of_head = [v for v in promises.promises(run) if "head" in v.what or "tolerance" in v.what]
    of_errors = len(FACES) * 2 * len(budgets.HEAD_TOLERANCES)
    of_memory = len(FACES) * (len(budgets.HEAD_MEMORY.shapes) + 1)
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


def small_head() -> Head:
    return Head.generated((40, 8, 30))


@pytest.mark.parametrize("face", FACES)
def test_the_head_is_measured_and_right(face: str) -> None:
    if face == "neglog.torch":
        pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem = small_head()
    routes, want = head_routes.FACES[face](problem)._replace(others={}), exact(problem)
    rows = [*head.exact_rows(routes, problem, want, 0), *head.loss_rows(routes, problem, want, 0)]
    assert [row["mode"] for row in rows] == [head.GRADIENTS, head.HALF, head.LOSS, head.STATS]
    for row in rows:
        assert next(iter(row["seconds"])) == face
        assert row["ratio"]["products"] > 0
    problem.target[0] = (problem.target[0] + 1) % 30
    with pytest.raises(AssertionError, match="loss is off"):
        list(head.exact_rows(routes, problem, exact(problem), 0))


@pytest.mark.parametrize("face", FACES)
def test_the_error_of_a_tolerance_is_measured(face: str) -> None:
    if face == "neglog.torch":
        pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem, errors = Head.generated((60, 64, 2000)), {}
    routes = head_routes.FACES[face](problem)
    rows = list(head.tolerance_rows(routes, problem, exact(problem), 0, errors))
    assert [row["mode"] for row in rows] == list(TOLERANT)
    assert errors[face].keys() == set(TOLERANT)
    for mode, found in errors[face].items():
        assert 0 < found["kept"] <= 1
        assert max(found["loss"], found["hidden"], found["classes"]) < (
            1e-5 if mode == head.NO_TOLERANCE else head.FAR
        )


@pytest.mark.parametrize("name", ["torch eager", "torch chunked"])
def test_the_other_routes_of_a_head_give_the_same(name: str) -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem = small_head()
    others = head_routes.FACES["neglog.torch"](problem).others
    if name not in others:
        pytest.skip("this torch has no head of its own")
    for _ in range(2):  # gradients do not add up
        check(name, others[name](), exact(problem), timing.LIMITS["float32"])


def test_a_wrong_gradient_of_the_head_is_not_timed() -> None:
    problem = small_head()
    want = exact(problem)
    right = want.nll.mean(), want.hidden, want.classes
    assert distances(right, want) == {"loss": 0, "hidden": 0, "classes": 0}
    for wrong, what in (
        ((right[0] * 1.01, None, None), "loss is off by 1.0e-02"),
        ((right[0], right[1] * np.nan, None), "gradient of hidden is off by nan"),
        ((right[0], None, right[2] * 1.5), "gradient of classes is off by 5.0e-01"),
    ):
        with pytest.raises(AssertionError, match=what):
            check("wrong", wrong, want, 1e-3)


def test_a_slow_route_is_run_twice() -> None:
    calls = {"products": lambda: None, "torch chunked": lambda: (0.0, None, None)}
    looked: list[str] = []
    samples = head.interleaved(calls, lambda name, _: looked.append(name), 0)
    assert np.isnan(samples["torch chunked"]).tolist() == [False, False, True, True]
    assert not np.isnan(samples["products"]).any()
    assert looked == ["torch chunked"]


def files(folder: Path, classes: Any, states: Any) -> tuple[Path, Path]:
    paths = folder / "classes.npz", folder / "states.npz"
    np.savez(paths[0], **classes)
    np.savez(paths[1], **states)
    return paths


TABLE = {"classes": np.ones((5, 3), np.float16)}
STATES = {"hidden": np.ones((4, 3), np.float16), "target": np.arange(4, dtype=np.int32)}


def test_a_head_comes_from_files(tmp_path: Path) -> None:
    problem = Head.read(*files(tmp_path, TABLE, STATES))
    assert (problem.shape, problem.dtype, problem.target.dtype) == ((4, 3, 5), "float32", np.int64)
    assert problem.source == "classes.npz, states.npz"


@pytest.mark.parametrize(
    ("classes", "states", "message"),
    [
        ({"table": TABLE["classes"]}, STATES, r"classes\.npz must be an \.npz file with classes"),
        (TABLE, {"hidden": STATES["hidden"]}, "with hidden and target"),
        ({"classes": np.array([[{}]])}, STATES, "Object arrays cannot be loaded"),
        (
            {"classes": np.ones(5)},
            STATES,
            r"classes must have 2 axes and be not empty, got .*\(5,\)",
        ),
        ({"classes": np.ones((0, 3))}, STATES, "classes must have 2 axes and be not empty"),
        ({"classes": np.ones((5, 3), int)}, STATES, "classes must be floats, got int64"),
        ({"classes": np.full((5, 3), np.nan)}, STATES, "classes must be finite"),
        ({"classes": np.ones((5, 2))}, STATES, r"hidden \(4, 3\) and classes \(5, 2\) differ"),
        (TABLE, STATES | {"target": np.zeros(4)}, "target must be integers, got float64"),
        (TABLE, STATES | {"target": np.zeros(3, int)}, "3 targets do not fit 4 hidden states"),
        (TABLE, STATES | {"target": np.full(4, 5)}, "target must lie in 0 to 4"),
    ],
)
def test_files_without_a_head_are_named(
    classes: Any, states: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        Head.read(*files(tmp_path, classes, states))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"\x80\x04N.", b"text"])
def test_a_file_that_is_no_npz_is_named(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "classes.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"classes\.npz must be an \.npz file with classes"):
        Head.read(path, path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--head-classes", "a.npz"], "--head-classes and --head-states belong together"),
        (["--head-classes", "absent.npz", "--head-states", "b.npz"], "No such file"),
    ],
)
def test_a_head_that_cannot_be_read_ends_the_benchmark_at_once(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("sys.argv", ["bench", "--face", "head", *arguments])
    monkeypatch.setattr("bench.machine.take_cores", lambda: None)
    with pytest.raises(SystemExit, match="2"):
        main()
    assert message in capsys.readouterr().err


def test_memory_that_is_not_there_is_not_asked_for() -> None:
    if not head_memory.may_forget_peak():
        pytest.skip("peak memory is not measured here")
    with pytest.raises(UnavailableError, match="is not measured: it needs 11176 GiB, and"):
        head_memory.above("torch eager", (10**6, 8, 10**6))


def test_the_tables_of_the_head() -> None:
    found = made_up_head(2.0)
    found["rows"] = [row for row in found["rows"] if row["seconds"].keys() == {"neglog"}]
    run = {"head": found}
    for words in documents.README.values():
        lines = table.head(run, words).splitlines()
        assert len(lines) == 2 + len(found["rows"])
        size = "2048 x 768 x 50304"
        assert lines[2] == f"| {size} | neglog | 1.00 s | 0.50 | 2.0x | 2.0x | 2.0x |"
        errors = table.head_errors(run, words).splitlines()
        assert len(errors) == 2 + len(FACES) * len(budgets.HEAD_TOLERANCES)
        taken = table.head_memory(run, words).splitlines()[-1]
        assert taken == "| 16384 x 64 x 131072 | 32 MiB | 32 MiB | — |"
    assert "a real head, `grad_tolerance=1e-5` | neglog" in table.head(run, documents.ENGLISH)
    assert "행의 절반은 무시" in table.head(run, documents.KOREAN)
    generated = {"head": made_up_head(2.0, GENERATED)}
    assert "a generated head" in table.head(generated, documents.ENGLISH)


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
