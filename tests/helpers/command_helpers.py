"""What the tests of the command share: how it is run, and what it may print.

A test file imports what it needs, fixtures included:

    from command_helpers import folder_fixture, refused_fixture, said_fixture  # noqa: F401
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neglog.cli import main

NEGLOG = "import sys; from neglog.cli import main; sys.exit(main())"
PNG = b"\x89PNG\r\n\x1a\n"
ROW = ("explain", "--logits", "5,4,2", "--target", "0")
POINTS = ("explain", "likelihood", "--data", "1,2,3", "--normal", "orange=1.5,1")
PETS = ("--names", "cat,dog,horse")


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


@pytest.fixture(name="said")
def said_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, which must succeed, and return what it printed."""

    def run(*arguments: str) -> str:
        code = main(arguments)
        printed = capsys.readouterr()
        assert (code, printed.err) == (0, "")
        return printed.out

    return run


@pytest.fixture(name="refused")
def refused_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, which must fail with one message, and return that."""

    def run(*arguments: str) -> str:
        try:
            code: Any = main(arguments)
        except SystemExit as stop:  # argparse
            code = stop.code
        printed = capsys.readouterr()
        assert (code, printed.out) == (2, "")
        assert "Traceback" not in printed.err
        return printed.err.splitlines()[-1]

    return run


@pytest.fixture(name="folder")
def folder_fixture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and the place where we are."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(said: Any, *arguments: str) -> Any:
    """What --json gives."""
    return json.loads(said(*arguments, "--json"))


@pytest.fixture(name="asks")
def asks_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command, which must refuse, and return its whole message."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.replace("\n", "").isprintable()
        return printed.err

    return run


@pytest.fixture(name="nll")
def nll_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run the command on a row of a file, which must succeed, and return the loss."""

    def run(*arguments: str) -> float:
        assert main(["explain", "--row", *arguments, "--json"]) == 0
        row = json.loads(capsys.readouterr().out)["rows"][0]
        return float(row["steps"]["nll"]["neglog"])

    return run


def table(folder: Path, header: str, *rows: str, name: str = "p.csv") -> str:
    (folder / name).write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return name
