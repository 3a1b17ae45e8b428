"""`neglog check`: codes, outputs, refusals."""

import json
from pathlib import Path
from typing import Any

import pytest
from command_helpers import folder_fixture, neglog, refused_fixture, said_fixture  # noqa: F401

GOOD = "from neglog import cross_entropy as loss\n"
SUM = "from neglog import cross_entropy\ndef loss(z, y):\n"
SUM += "    return cross_entropy(z, y, reduction='sum')\n"


@pytest.fixture(name="modules")
def modules_fixture(folder: Path) -> Path:
    (folder / "good_one.py").write_text(GOOD)
    (folder / "summed.py").write_text(SUM)
    return folder


def test_nothing_found_is_0(said: Any, modules: Path) -> None:
    assert "nothing found" in said("check", "good_one:loss")


def test_something_wrong_is_3(modules: Path) -> None:
    done = neglog("check", "summed:loss", cwd=modules)
    assert (done.returncode, done.stderr) == (3, "")
    assert "sum-for-mean" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "행의 평균" in neglog("check", "summed:loss", "--lang", "ko", cwd=modules).stdout


@pytest.mark.parametrize("given", [("--json",), ("--json", "-")])
def test_json_on_standard_output_stands_alone(given: tuple[str, ...], modules: Path) -> None:
    done = neglog("check", "summed:loss", *given, "--html", "f.html", cwd=modules)
    assert done.returncode == 3
    assert json.loads(done.stdout)["findings"][0]["code"] == "sum-for-mean"
    assert done.stderr == "written to f.html\n"
    assert (modules / "f.html").read_text().startswith("<!DOCTYPE html>")


def test_files_are_written_and_not_replaced(said: Any, refused: Any, modules: Path) -> None:
    assert said("check", "good_one:loss", "--json", "f.json") == "written to f.json\n"
    assert json.loads((modules / "f.json").read_text())["ok"] is True
    assert "f.json exists: give --force" in refused("check", "good_one:loss", "--json", "f.json")
    assert said("check", "good_one:loss", "--json", "f.json", "--force")
    both = ("check", "good_one:loss", "--json", "g", "--html", "g")
    assert "--html and --json are both g" in refused(*both)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("absent:loss", "absent cannot be imported: ModuleNotFoundError: No module named 'absent'"),
        ("good_one:nope", "good_one has no nope; it has loss"),
        ("good_one", "expected module:function, got 'good_one'"),
    ],
)
def test_what_is_not_there_is_2(function: str, message: str, refused: Any, modules: Path) -> None:
    assert message in refused("check", function)
