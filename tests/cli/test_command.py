"""The command line as a stranger meets it: what can be typed, what is refused, its parts."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("sklearn", reason="needs the extra learn")
pytest.importorskip("matplotlib", reason="needs the extra plot")

from command_helpers import NEGLOG, neglog
from rich.console import Console

import neglog as package
from neglog._show.terminal import console, draw
from neglog._show.written import replacing
from neglog.cli import main
from neglog.cli._files import free_name

EXPECTED = "expected demo, explain, report, check, fit, predict or exercises,"

# ---- what can be typed


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    assert re.search(r"^ +demo +learn handwritten digits", capsys.readouterr().out, re.M)


def test_help_waits_for_nothing_heavy(tmp_path: Path) -> None:
    code = NEGLOG.replace("sys.exit(main())", "sys.argv.append('--help')") + (
        "\ntry: main()\nexcept SystemExit: pass\n"
        "heavy = {'rich', 'scipy', 'sklearn', 'matplotlib', 'pyarrow', 'typer', 'cyclopts'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))"
    )
    assert "loaded: []" in neglog(cwd=tmp_path, code=code).stdout


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"neglog {package.__version__}\n"


def test_the_package_runs_as_a_module(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "neglog", "--version"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout == f"neglog {package.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["explian", "--logits", "1,2"],
            f"{EXPECTED}\n  got 'explian'\n"
            "  did you mean: neglog explain --logits 5,4,2 --target 0",
        ),
        (
            ["publish", "x"],
            f"{EXPECTED}\n  got 'publish'\n"
            "  for example: neglog demo\n  for example: neglog explain --logits 5,4,2 --target 0"
            "\n  for example: neglog report predictions.csv"
            "\n  for example: neglog check mymodel.losses:cross_entropy"
            "\n  for example: neglog fit data.csv --target species"
            "\n  for example: neglog predict model.npz data.csv -o predictions.parquet"
            "\n  for example: neglog exercises --notebook exercises.ipynb",
        ),
        (
            ["here"],
            f"{EXPECTED}\n  got the file here\n"
            "  to report on all of its rows: neglog report here\n"
            "  to explain its first row: neglog explain --row 0 here",
        ),
        (
            ["rows.npz"],  # which is not there, but looks like a file
            f"{EXPECTED}\n  got the file rows.npz\n"
            "  to report on all of its rows: neglog report rows.npz\n"
            "  to explain its first row: neglog explain --row 0 rows.npz",
        ),
        (
            ["5,4.5,2"],
            f"{EXPECTED}\n  got the numbers 5,4.5,2\n"
            "  to explain them as logits: neglog explain --logits 5,4.5,2 --target 0",
        ),
        (
            ["explain", "likelyhood", "--data", "1"],
            "expected options or likelihood,\n  got 'likelyhood'\n"
            "  did you mean: neglog explain likelihood --data 1,2,3 --normal orange=1.5,1",
        ),
        (
            ["explain", "no/rows"],
            "expected options or likelihood,\n  got the file no/rows\n"
            "  to explain its first row: neglog explain --row 0 no/rows",
        ),
    ],
    ids=str,
)
def test_what_is_not_a_command_is_told_with_an_example(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").touch()
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"neglog: {message}\n")
    assert max(map(len, printed.err.splitlines())) <= 80


@pytest.mark.parametrize(
    ("missing", "option", "message"),
    [
        ("rich", (), "the text needs rich: pip install 'neglog[cli]'"),
        (
            "matplotlib",
            ("--png", "a.png"),
            "the figure needs matplotlib: pip install 'neglog[plot]'",
        ),
    ],
)
def test_a_missing_extra_of_explain_is_named(
    missing: str, option: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n{NEGLOG}"
    run = neglog("explain", "--logits", "1,2", "--target", "0", *option, cwd=tmp_path, code=code)
    assert (run.returncode, run.stdout, run.stderr) == (2, "", f"neglog: {message}\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: neglog"),
        (
            ["dmeo"],
            f"{EXPECTED}\n  got 'dmeo'\n  did you mean: neglog demo",
        ),
        (["demo", "--colour"], "unrecognized arguments: --colour"),
        (["demo", "--output", "no/such/place.png"], "there is no folder no/such for place.png"),
        (["demo", "--output", "."], ". is a folder"),
    ],
)
def test_wrong_usage_is_one_message_and_2(arguments: list[str], said: str, tmp_path: Path) -> None:
    run = neglog(*arguments, cwd=tmp_path)
    assert run.returncode == 2
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


# ---- the pieces


@pytest.mark.parametrize("missing", ["rich", "sklearn", "scipy", "matplotlib"])
def test_a_missing_extra_is_told_with_the_way_to_it(missing: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n{NEGLOG}"
    run = neglog("demo", cwd=tmp_path, code=code)
    assert run.returncode == 2
    assert run.stderr == f"neglog: the demo needs {missing}: pip install 'neglog[cli]'\n"


@pytest.mark.parametrize(
    ("name", "value", "lively"),
    [
        ("TERM", "xterm-256color", True),
        ("TERM", "dumb", False),
        ("NO_COLOR", "1", False),
        ("NO_COLOR", "", True),  # set but empty is as good as unset: no-color.org
    ],
)
def test_who_gets_colour(
    name: str, value: str, lively: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(name, value)
    assert console().is_terminal == lively
    assert (console().color_system is not None) == lively


def test_the_next_free_name(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    assert free_name(path) == path
    path.touch()
    assert free_name(path) == tmp_path / "a-2.png"
    (tmp_path / "a-2.png").symlink_to("nowhere")
    assert free_name(path) == tmp_path / "a-3.png"


def test_half_a_file_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("before")

    def write(fail: bool) -> None:
        with replacing(path) as draft:
            draft.write_text("after")
            if fail:
                raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="disk is full"):
        write(fail=True)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]
    write(fail=False)
    assert path.read_text() == "after"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("encoding", "rows"), [("utf-8", ["  ▒▒", "██  "]), ("ascii", ["  ::", "@@  "])]
)
def test_a_drawing_has_two_columns_a_pixel(
    encoding: str, rows: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Console(color_system=None)
    monkeypatch.setattr(Console, "encoding", property(lambda _: encoding))
    image = np.array([[0.0, 0.5], [1.0, 0.0]])
    assert draw(image, screen).plain.splitlines() == rows


def catch(command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> int:
    """main's answer to what a command does."""
    monkeypatch.setattr("neglog.cli.demo.run", command)
    return main(["demo"])


@pytest.mark.parametrize("error", [ValueError("row 3: no number"), PermissionError("locked")])
def test_bad_input_is_one_line_and_2(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*_: Any) -> None:
        raise error

    assert catch(run, monkeypatch) == 2
    assert capsys.readouterr().err == f"neglog: {error}\n"


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def run(*_: Any) -> None:
        raise ModuleNotFoundError("No module named 'neglog.cli._lost'", name="neglog.cli._lost")

    with pytest.raises(ModuleNotFoundError):
        catch(run, monkeypatch)
