"""`neglog explain --lang ko`: in a pipe, in a terminal, and where Korean cannot be written."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rich", reason="needs the extra cli")

from command_helpers import (
    NEGLOG,
    POINTS,
    ROW,
    environment,
    folder_fixture,  # noqa: F401
    neglog,
    refused_fixture,  # noqa: F401
    said_fixture,  # noqa: F401
    table,
)
from rich.cells import cell_len

from neglog.trace import Normal, explain, explain_likelihood

NAMES = ("--names", "고양이,개,말")


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


def test_rows_and_points_are_explained_in_korean(said: Any) -> None:
    row = explain([5, 4, 2], 0, class_names=["고양이", "개", "말"])
    assert lines(said(*ROW, *NAMES, "--lang", "ko")) == row.to_text(lang="ko").splitlines()
    points = explain_likelihood([1, 2, 3], {"orange": Normal(1.5, 1)})
    for options in ((*POINTS, "--lang", "ko"), ("explain", "--lang", "ko", *POINTS[1:])):
        assert lines(said(*options)) == points.to_text(lang="ko").splitlines()


def test_english_is_the_default_whatever_the_environment_says(
    said: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "ko_KR.UTF-8")
    assert said(*ROW) == said(*ROW, "--lang", "en")
    assert "The target, class 0, has the largest logit: right." in said(*ROW)


def test_notes_and_files_are_named_in_korean(said: Any, folder: Path) -> None:
    written = said(*ROW, "--lang", "ko", "--html", "행.html")
    assert written == "파일을 썼습니다: 행.html\n"
    page = (folder / "행.html").read_text(encoding="utf-8")
    start = re.search(r'<script[^>]*id="trace"[^>]*>(.*?)</script>', page, re.S)
    assert start
    assert json.loads(start[1])["lang"] == "ko"
    typed = said("explain", "--logits", "0.5,0.5", "--target", "0", "--lang", "ko")
    assert typed.startswith("0과 1 사이의 값이고 모두 더하면 1인 행입니다.")
    file = table(folder, "id,a,b,label", "x,0.5,0.5,a")
    read = said("explain", "--row", "0", file, "--id", "id", "--lang", "ko")
    assert read.startswith("행 0: id x\n0과 1 사이의 값이고 모두 더하면 1인 행이므로")


def test_the_json_has_no_language(said: Any) -> None:
    assert said(*ROW, "--json", "--lang", "ko") == said(*ROW, "--json")


def test_other_languages_are_refused(refused: Any) -> None:
    assert "argument --lang: invalid choice: 'de'" in refused(*ROW, "--lang", "de")


def in_terminal(folder: Path, *arguments: str, columns: int) -> str:
    """What the command writes to a pseudo-terminal."""
    ours, theirs = pty.openpty()
    size = environment(COLUMNS=str(columns), LINES="50")
    with subprocess.Popen(
        [sys.executable, "-c", NEGLOG, *arguments], cwd=folder, env=size, stdout=theirs
    ) as process:
        os.close(theirs)
        written = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the terminal closes with its last writer
                break
            if not piece:
                break
            written += piece
    os.close(ours)
    assert process.returncode == 0
    return written.decode("utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals are a matter of Unix")
@pytest.mark.parametrize("columns", [60, 100])
def test_a_terminal_gets_colour_and_no_line_beyond_its_width(folder: Path, columns: int) -> None:
    options = ("explain", "--logits", "17,0,0", "--target", "0", *NAMES, "--lang", "ko")
    written = in_terminal(folder, *options, columns=columns)
    assert "\x1b[1;31m" in written, "what goes wrong is red"
    plain = re.sub(r"\x1b\[[\d;]*m", "", written)
    row = explain([17, 0, 0], 0, class_names=["고양이", "개", "말"])
    assert lines(plain) == row.to_text(min(columns, 80), lang="ko").splitlines()
    assert max(map(cell_len, lines(plain))) <= min(columns, 80)


@pytest.mark.parametrize("options", [(), ("--html", "row.html")])
def test_where_korean_cannot_be_written_one_message_says_so(
    folder: Path, options: tuple[str, ...]
) -> None:
    done = neglog(*ROW, "--lang", "ko", *options, cwd=folder, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "neglog: --lang ko: this output is ascii, which cannot write the language; set "
        "PYTHONIOENCODING=utf-8, or leave out --lang\n"
    )
    assert list(folder.iterdir()) == []
    assert neglog(*ROW, cwd=folder, PYTHONIOENCODING="ascii").returncode == 0
    json_only = neglog(*ROW, "--lang", "ko", "--json", cwd=folder, PYTHONIOENCODING="ascii")
    assert json_only.returncode == 0


@pytest.mark.parametrize(
    "command", [("check", "losses:loss"), ("report", "no-such-file.csv")], ids=lambda c: c[0]
)
def test_every_command_refuses_before_it_works(folder: Path, command: tuple[str, ...]) -> None:
    (folder / "losses.py").write_text("raise SystemExit('read')\n")
    done = neglog(*command, "--lang", "ko", cwd=folder, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("neglog: --lang ko: this output is ascii")


def test_a_korean_code_page_will_do(folder: Path) -> None:
    code = f"import sys; sys.stdout.reconfigure(encoding='cp949')\n{NEGLOG}"
    command = [sys.executable, "-c", code, *ROW, *NAMES, "--lang", "ko"]
    done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, check=True)
    assert "정답(고양이)의 로짓이 가장 큽니다." in done.stdout.decode("cp949")
