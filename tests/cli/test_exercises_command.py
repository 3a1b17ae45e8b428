"""`neglog exercises`: the list, the notebook, and files that cannot be written."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from command_helpers import folder_fixture, neglog, refused_fixture, said_fixture  # noqa: F401

import neglog.exercises._notebook as written
from neglog.cli import main


def test_without_options_it_prints_a_list(said: Any) -> None:
    lines = said("exercises").splitlines()
    assert lines[0] == "1. Softmax: from scores to probabilities"
    assert lines[1].split() == ["1", "softmax(z)", "check_softmax"]
    assert max(map(len, lines)) <= 80
    assert said("exercises", "--lang", "ko").startswith("1. 소프트맥스: 점수에서 확률로\n")


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_the_notebook_is_written_whole(lang: str, said: Any, tmp_path: Path) -> None:
    path = tmp_path / "a b.ipynb"
    assert said("exercises", "--notebook", str(path), "--lang", lang) == f"written to {path}\n"
    assert path.read_text(encoding="utf-8") == written.notebook(lang)  # type: ignore[arg-type]
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
    assert list(tmp_path.iterdir()) == [path]


def test_an_existing_file_stays_without_force(
    said: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.ipynb"
    path.write_text("my answers")
    assert main(["exercises", "--notebook", str(path)]) == 2
    message = f"neglog: {path} exists: give --force to replace it, or another --notebook\n"
    assert capsys.readouterr().err == message
    assert path.read_text() == "my answers"
    said("exercises", "--notebook", str(path), "--force")
    assert path.read_text() != "my answers"


def test_a_missing_folder_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "nowhere" / "a.ipynb"
    assert main(["exercises", "--notebook", str(path)]) == 2
    assert f"there is no folder {path.parent}" in capsys.readouterr().err
    assert main(["exercises", "--notebook", str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err


def test_a_full_disk_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(self: Path, *_: Any, **__: Any) -> int:
        self.touch()
        raise OSError(errno.EIO, "the disk is full")

    path = tmp_path / "a.ipynb"
    path.touch()
    monkeypatch.setattr(Path, "write_text", full)
    assert main(["exercises", "--notebook", str(path), "--force"]) == 2
    assert str(path) in capsys.readouterr().err
    assert [kept.name for kept in tmp_path.iterdir()] == ["a.ipynb"]


def test_korean_where_it_cannot_be_written_is_refused(tmp_path: Path) -> None:
    run = neglog("exercises", "--lang", "ko", cwd=tmp_path, PYTHONIOENCODING="ascii")
    assert (run.returncode, run.stdout) == (2, "")
    assert "cannot write the language" in run.stderr
