"""Functions that hang, crash, exit, fork or print: a finding, and no process is left."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from checker_helpers import hostile

from neglog import check_loss
from neglog.checker import trial
from neglog.checker.process import child

FOUND = {
    "raises": ("raises", "KeyError: 'no such thing'"),
    "hangs": ("hangs", "0 s"),
    "sleeps": ("hangs", "0 s"),
    "crashes": ("crashes", "SIGSEGV"),
    "exits": ("exits", "exit code 7"),
    "leaves": ("exits", "exit: enough"),
    "none": ("rubbish", "None"),
    "text": ("rubbish", "the text '0.83'"),
    "matrix": ("rubbish", "an array of shape (4, 3)"),
    "huge": ("rubbish", "an array of 1099511627776 numbers"),
    "bristly": ("rubbish", "an object of type Bristly"),
}
HERE = {"raises", "leaves", "none", "text", "matrix", "huge", "bristly", "sleeps"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "CALL", 0.4)


@pytest.mark.parametrize("name", FOUND)
def test_what_it_does_instead_of_returning_a_loss_is_found(name: str) -> None:
    findings = check_loss(getattr(hostile, name))
    code, got = FOUND[name]
    assert (findings.codes, findings[0].grade, findings.ok) == ((code,), "wrong", False)
    assert findings[0].got == got
    assert findings.to_text()


@pytest.mark.parametrize("name", sorted(HERE))
def test_the_same_is_found_without_another_process(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "fork_is_safe", lambda: False)
    monkeypatch.setattr(child, "resolved", lambda path: None)
    findings = check_loss(getattr(hostile, name))
    assert (findings.codes, findings[0].got) == ((FOUND[name][0],), FOUND[name][1])
    assert findings.remarks[-1][0] == "here"


def test_a_function_that_takes_too_much_memory_is_stopped() -> None:
    (finding,) = check_loss(hostile.hungry)
    assert finding.code == "raises"
    assert "MemoryError" in finding.got


def test_what_is_printed_goes_nowhere_but_into_a_remark(capfd: pytest.CaptureFixture[str]) -> None:
    findings = check_loss(hostile.prints)
    assert (findings.codes, findings.remarks) == ((), (("prints", "the loss is \x1b[31mred"),))
    assert capfd.readouterr() == ("", "")
    assert "\x1b" not in findings.to_text()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.parametrize("function", [hostile.forks, hostile.copies])
def test_a_function_that_forks_is_judged_and_leaves_no_process(function: Any) -> None:
    assert check_loss(function).codes == ()
    code = "from checker_helpers import hostile; from neglog import check_loss; "
    code += f"check_loss(hostile.{function.__name__})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    listed = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert f"hostile.{function.__name__})" not in listed.stdout


def test_a_function_that_writes_to_its_arguments_or_keeps_state_is_seen() -> None:
    assert check_loss(hostile.writes).codes == ("input-changed",)
    assert check_loss(hostile.writes)[0].expected == "target as before"
    assert "state" in check_loss(hostile.counts).codes
    (finding,) = check_loss(hostile.noisy)
    assert (finding.code, finding.variant) == ("state", "random")


def test_a_function_is_found_by_its_name() -> None:
    assert check_loss("checker_helpers.hostile:good").codes == ()
    assert check_loss("checker_helpers.hostile:sum_of_rows").codes == ("sum-for-mean",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.here:f", "nothing.here cannot be imported: ModuleNotFoundError"),
        ("checker_helpers.hostile:nope", "has no nope; it has"),
        ("checker_helpers.hostile:not_a_function", "is not a function, but of type int"),
        ("checker_helpers.hostile", "expected module:function, got 'checker_helpers.hostile'"),
        ("broken_import:f", "broken_import cannot be imported: ValueError: not today"),
        ("exiting_import:f", "exiting_import cannot be imported: SystemExit: 5"),
        ("dying_import:f", "the import ended the process"),
        ("hanging_import:f", "the import took more than"),
    ],
)
def test_what_cannot_be_imported_is_said(
    name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies = {
        "broken_import": "raise ValueError('not today')",
        "exiting_import": "raise SystemExit(5)",
        "dying_import": "import os; os._exit(1)",
        "hanging_import": "while True: pass",
    }
    for module, body in bodies.items():
        (tmp_path / f"{module}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    if "hanging" in name:
        monkeypatch.setattr(child, "START", 2.0)
    with pytest.raises(ValueError, match=message.replace("(", "\\(")):
        check_loss(name)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"function": 3}, TypeError, "function must be callable or a name, got int"),
        ({"framework": "keras"}, ValueError, "framework must be one of"),
        ({"convention": "odds"}, ValueError, "convention must be one of"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        check_loss(**({"function": hostile.good} | wrong))
