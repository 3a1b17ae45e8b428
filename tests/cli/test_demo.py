"""`neglog demo`, in a process of its own: in a pipe and in a terminal."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("sklearn", reason="needs the extra learn")
pytest.importorskip("matplotlib", reason="needs the extra plot")

from command_helpers import NEGLOG, PNG, environment, neglog

from neglog.report import evaluate_file

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")  # all but the end of a line


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """One run of the demo in a pipe, and the folder in which it ran."""
    folder = tmp_path_factory.mktemp("demo")
    run = neglog("demo", cwd=folder)
    run.folder = folder
    return run


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
    """And the predictions can be had for a report."""
    pytest.importorskip("pyarrow", reason="needs the extra report")
    (tmp_path / "mine.png").write_text("mine")
    options = ("--output", "mine.png", "--force", "--predictions", "mine.parquet")
    run = neglog("demo", *options, cwd=tmp_path, PYTHONIOENCODING="ascii", LANG="C")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.isascii()
    assert (tmp_path / "mine.png").read_bytes().startswith(PNG)
    assert "written to mine.parquet\nwhere they are wrong, and why: neglog report" in run.stdout
    losses = re.findall(r"^ +\d+( +\d+\.\d{4}){3} +[\d.]+%", run.stdout, re.M)
    found = evaluate_file(tmp_path / "mine.parquet").to_dict()
    assert found["rows"]["used"] == 450
    assert f"{found['loss']['nll']['value']:.4f}" == losses[-1].strip()


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
