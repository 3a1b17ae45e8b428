"""The benchmark of the linear head: nothing wrong is timed, files without a head are named."""

from pathlib import Path
from typing import Any

import budgets
import numpy as np
import pytest
from made_up_runs import TOLERANT

from bench import (
    head,
    timing,
)
from bench.__main__ import main
from bench.head import memory as head_memory
from bench.head import routes as head_routes
from bench.head.problem import Head, check, distances, exact
from bench.peers import UnavailableError


def small_head() -> Head:
    return Head.generated((40, 8, 30))


@pytest.mark.parametrize("face", budgets.FACES)
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


@pytest.mark.parametrize("face", budgets.FACES)
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
