"""The benchmark's own rules: nothing wrong is timed, no promise is passed over."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

import budgets
import numpy as np
import pytest

from bench import head, head_memory, head_ways, memory, promises, table, timing, torch_face
from bench.__main__ import main, plain
from bench.cases import DTYPES, MODES, SHAPES, TORCH_MODES, Case
from bench.head_problem import GENERATED, Head, check, distances, exact
from bench.peers import PEERS, Calls, UnavailableError, numpy

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


FACES = ("neglog.torch", "neglog")
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
def test_every_promise_of_the_head_is_looked_at(value: float, met: bool) -> None:
    verdicts = list(promises.head({"head": made_up_head(value)}))
    with_tolerance = len(FACES) * 3 * len(budgets.HEAD_TOLERANCES)
    of_memory = len(budgets.HEAD_MEMORY.faces) * (len(budgets.HEAD_MEMORY.shapes) + 1)
    promised = len(budgets.HEAD_PARTS) + len(budgets.HEAD_SPEED)
    assert len({(v.what, v.shape) for v in verdicts}) == len(verdicts)
    assert len(verdicts) == promised + with_tolerance + of_memory
    assert [verdict for verdict in verdicts if verdict.met != met] == []


def test_a_real_head_of_the_other_shape_hides_nothing() -> None:
    found = made_up_head(0.01)
    for row in found["rows"]:
        row["shape"] = list(budgets.HEAD_SHAPE)
    verdicts = list(promises.head({"head": found}))
    assert {verdict.what for verdict in verdicts} == {
        verdict.what for verdict in promises.head({"head": made_up_head(0.01)})
    }


def test_a_generated_head_says_nothing_of_a_tolerance() -> None:
    verdicts = promises.head({"head": made_up_head(0.01, GENERATED)})
    assert [verdict.what for verdict in verdicts if "tolerance" in verdict.what] == []


def small_head() -> Head:
    return Head.generated((40, 8, 30))


@pytest.mark.parametrize("face", FACES)
def test_the_head_is_measured_and_right(face: str) -> None:
    if face == "neglog.torch":
        pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem = small_head()
    ways, want = head_ways.FACES[face](problem)._replace(others={}), exact(problem)
    rows = [*head.exact_rows(ways, problem, want, 0), *head.loss_rows(ways, problem, want, 0)]
    assert [row["mode"] for row in rows] == [head.GRADIENTS, head.HALF, head.LOSS, head.STATS]
    for row in rows:
        assert next(iter(row["seconds"])) == face
        assert row["ratio"]["products"] > 0
    problem.target[0] = (problem.target[0] + 1) % 30
    with pytest.raises(AssertionError, match="loss is off"):
        list(head.exact_rows(ways, problem, exact(problem), 0))


@pytest.mark.parametrize("face", FACES)
def test_the_error_of_a_tolerance_is_measured(face: str) -> None:
    if face == "neglog.torch":
        pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem, errors = Head.generated((60, 64, 2000)), {}
    ways = head_ways.FACES[face](problem)
    rows = list(head.tolerance_rows(ways, problem, exact(problem), 0, errors))
    assert [row["mode"] for row in rows] == list(TOLERANT)
    assert errors[face].keys() == set(TOLERANT)
    for mode, found in errors[face].items():
        assert 0 < found["kept"] <= 1
        assert max(found["loss"], found["hidden"], found["classes"]) < (
            1e-5 if mode == head.NO_TOLERANCE else head.FAR
        )


@pytest.mark.parametrize("name", ["torch eager", "torch chunked"])
def test_the_other_ways_of_a_head_give_the_same(name: str) -> None:
    pytest.importorskip("torch", reason="torch is absent: no face for it")
    problem = small_head()
    others = head_ways.FACES["neglog.torch"](problem).others
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


def test_a_slow_way_is_run_twice() -> None:
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
    for words in table.READMES.values():
        times, errors, taken = table.head(found, words)
        lines = times.splitlines()
        assert len(lines) == 2 + len(found["rows"])
        size = "2048 x 768 x 50304"
        assert lines[2] == f"| {size} | neglog | 1000.0 ms | 0.50 | 2.0x | 2.0x | 2.0x |"
        assert len(errors.splitlines()) == 2 + len(FACES) * len(budgets.HEAD_TOLERANCES)
        assert taken.splitlines()[-1] == "| 16384 x 64 x 131072 | 32 MiB | 32 MiB | — |"
    assert "a real head, `grad_tolerance=1e-5` | neglog" in table.head(found, table.ENGLISH)[0]
    assert "행의 절반을 무시" in table.head(found, table.KOREAN)[0]
    run = table.kept_run() | {"head": made_up_head(2.0, GENERATED)}
    assert "a generated head" in table.markdown(run, table.ENGLISH)
