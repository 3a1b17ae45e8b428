"""The command line as a stranger meets it: in a process of its own, in a pipe and in a terminal."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("sklearn", reason="needs the extra cli")
pytest.importorskip("matplotlib", reason="needs the extra cli")

from rich.console import Console

from neglog.cli import main
from neglog.cli._files import free_name, replacing
from neglog.cli._terminal import console, draw

NEGLOG = "import sys; from neglog.cli import main; sys.exit(main())"
PNG = b"\x89PNG\r\n\x1a\n"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # all but the end of a line


def environment(**extra: str) -> dict[str, str]:
    """Ours, without what would colour or uncolour, and without a language."""
    ours = ("LC_", "NO_COLOR", "FORCE_COLOR", "COLUMNS", "LANG", "PYTHONIOENCODING", "TERM")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"LANG": "C.UTF-8", "TERM": "xterm-256color", "PYTHONWARNINGS": "error"} | extra


def neglog(*arguments: str, cwd: Path, code: str = NEGLOG, **extra: str) -> Any:
    """Run the command in a pipe."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=environment(**extra),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run of the demo in a pipe, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("demo")
    run = neglog("demo", cwd=folder)
    run.folder = folder
    return run


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: neglog"),
        (["dmeo"], "invalid choice: 'dmeo'"),
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


# ---- the demo in a pipe


def test_the_demo_is_plain_text_of_80_columns(demo: Any) -> None:
    assert (demo.returncode, demo.stderr) == (0, "")
    assert not CONTROL.search(demo.stdout)
    assert max(map(len, demo.stdout.splitlines())) <= 80


def test_the_demo_learns(demo: Any) -> None:
    assert "log 10 = 2.3026" in demo.stdout
    steps = [
        [float(word.rstrip("%")) for word in line.split()]
        for line in demo.stdout.splitlines()
        if re.fullmatch(r" +\d+( +\d+\.\d{4}){3} +[\d.]+%", line)
    ]
    first, last = steps[0], steps[-1]
    assert first[:4] == [0, 2.3026, 0, 2.3026]
    assert last[1] < 0.05
    assert last[3] < 0.12
    assert last[4] > 96


def test_the_demo_tells_of_every_digit_and_of_five_in_words(demo: Any) -> None:
    assert len(re.findall(r"^ {4}\d +\d+ +\d\.\d{4} +[\d.]+%", demo.stdout, re.M)) == 10
    told = re.findall(r"an? (\d), taken for an? (\d); p = (0\.\d+); nll (\d\.\d)", demo.stdout)
    assert len(told) == 5
    for digit, guess, p, nll in told:
        assert digit != guess
        assert -np.log(float(p)) == pytest.approx(float(nll), abs=0.1)


def test_the_demo_checks_its_two_statements(demo: Any) -> None:
    rows = {
        name: re.search(rf"^{name} +(.*)$", demo.stdout, re.M)
        for name in ("p - y", "gradient", "measured")
    }
    values = {name: row.group(1).split() for name, row in rows.items() if row}
    assert len(values["p - y"]) == 10
    assert values["p - y"] == values["gradient"] == values["measured"]
    temperatures = re.findall(r"at +T = (\d\.\d\d)", demo.stdout)
    assert len(temperatures) == 2
    assert temperatures[0] == temperatures[1]
    least, minus_log = re.findall(r"   (\d+\.\d{6})$", demo.stdout, re.M)
    assert least == minus_log


def test_the_demo_says_where_its_picture_is(demo: Any) -> None:
    picture = demo.folder / "neglog-demo.png"
    assert "written to neglog-demo.png" in demo.stdout
    assert picture.read_bytes().startswith(PNG)
    assert [path.name for path in demo.folder.iterdir()] == [picture.name]


def test_a_picture_is_never_lost(demo: Any) -> None:
    (demo.folder / "mine.png").write_text("mine")
    refused = neglog("demo", "--output", "mine.png", cwd=demo.folder)
    assert refused.returncode == 2
    assert refused.stderr == (
        "neglog: mine.png exists: give --force to replace it, or another --output\n"
    )
    assert refused.stdout == "", "asked before the work, not after it"
    assert (demo.folder / "mine.png").read_text() == "mine"


def test_force_replaces_and_ascii_is_enough(tmp_path: Path) -> None:
    (tmp_path / "mine.png").write_text("mine")
    run = neglog(
        "demo", "--output", "mine.png", "--force", cwd=tmp_path, PYTHONIOENCODING="ascii", LANG="C"
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.isascii()
    assert (tmp_path / "mine.png").read_bytes().startswith(PNG)


def test_a_reader_that_leaves_is_no_accident(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-c", NEGLOG, "demo"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait(60) == 0


# ---- the demo in a terminal


def in_terminal(folder: Path, *, until: bytes = b"", **extra: str) -> tuple[int, bytes]:
    """Run the demo in a terminal of 80 columns; interrupt it when it has shown `until`."""
    import pty
    import signal
    import struct
    from fcntl import ioctl
    from termios import TIOCSWINSZ

    ours, theirs = pty.openpty()
    ioctl(theirs, TIOCSWINSZ, struct.pack("HHHH", 50, 80, 0, 0))
    with subprocess.Popen(
        [sys.executable, "-c", NEGLOG, "demo"],
        cwd=folder,
        env=environment(**extra),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as run:
        os.close(theirs)
        shown = b""
        while chunk := _read(ours):
            shown += chunk
            if until and until in shown:
                run.send_signal(signal.SIGINT)
                until = b""
    os.close(ours)
    return run.returncode, shown


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # what Linux gives when the other side has closed
        return b""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_gets_colour_and_a_live_line(tmp_path: Path) -> None:
    code, shown = in_terminal(tmp_path)
    assert code == 0
    assert b"\x1b[48;5;255m  " in shown, "a pixel in grey"
    assert b"\x1b[2K" in shown, "the live line is wiped"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_a_terminal_that_wants_plain_text_gets_it(tmp_path: Path) -> None:
    code, shown = in_terminal(tmp_path, NO_COLOR="1")
    assert code == 0
    assert not CONTROL.search(shown.decode().replace("\r\n", "\n"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such terminals")
def test_ctrl_c_is_130_and_leaves_nothing(tmp_path: Path) -> None:
    code, shown = in_terminal(tmp_path, until=b"Learning")
    assert code == 130
    assert b"neglog: interrupted" in shown
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


# ---- the pieces


@pytest.mark.parametrize("missing", ["rich", "sklearn", "scipy", "matplotlib"])
def test_a_missing_extra_is_told_with_the_way_to_it(missing: str, tmp_path: Path) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None\n{NEGLOG}"
    run = neglog("demo", cwd=tmp_path, code=code)
    assert run.returncode == 2
    assert run.stderr == f"neglog: this command needs {missing}: pip install 'neglog[cli]'\n"


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

    def run(_: Path) -> None:
        raise error

    assert catch(run, monkeypatch) == 2
    assert capsys.readouterr().err == f"neglog: {error}\n"


def test_a_defect_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    def run(_: Path) -> None:
        raise ModuleNotFoundError("No module named 'neglog.cli._lost'", name="neglog.cli._lost")

    with pytest.raises(ModuleNotFoundError):
        catch(run, monkeypatch)
