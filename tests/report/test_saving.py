"""A report's state as a file, and files that hold none."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from report_helpers.tables import made_up

from neglog import Report, evaluate


def test_a_saved_report_is_the_same(tmp_path: Path) -> None:
    table = made_up(300, 6)
    report = Report(class_names=list("abcdef"))
    report.update(**table)
    report.save(tmp_path / "state.json")
    loaded = Report.load(tmp_path / "state.json")
    assert loaded.to_dict() == report.to_dict()
    loaded.update(**table)
    report.update(**table)
    assert loaded.to_dict() == report.to_dict()


def test_a_state_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = Report(class_names=list("abcdef"))
    report.update(**made_up(300, 6))
    report.save(tmp_path / "state.json")
    before = (tmp_path / "state.json").read_bytes()
    write = Path.write_text

    def full(path: Path, text: str, **options: str) -> int:
        write(path, text[: len(text) // 2], **options)
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_text", full)
    report.update(**made_up(300, 6))
    with pytest.raises(OSError, match=r"No space left on device: '.*state\.json'"):
        report.save(tmp_path / "state.json")
    assert (tmp_path / "state.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), "other", "expected the schema"),
        (("report", "read"), "many", "read is str"),
        (("report", "parts", "classes"), 10**12, "number of classes"),
        (
            ("report", "parts", "distribution", "by_bin", "sums", "low", "shape"),
            [10**9],
            "low has float64",
        ),
        (
            ("report", "parts", "distribution", "by_bin", "sums", "low", "bytes"),
            "AAAA",
            "in 3 bytes",
        ),
        (
            ("report", "parts", "distribution", "by_bin", "sums", "low", "dtype"),
            "object",
            "low has object",
        ),
        (("report", "parts", "worst", "entries"), [{"row": 1}], "nll"),
        (("report", "parts", "totals"), None, "NoneType"),
        (("report",), [], "list indices"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    path: tuple[str, ...], value: Any, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "state.json"
    evaluate(**made_up(30, 3)).save(file)
    data = json.loads(file.read_text())
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    file.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message) as caught:
        Report.load(file)
    assert "state.json does not hold a report's state" in str(caught.value)
