"""`neglog fit` and `neglog predict` from standard input, into a full disk and a closed pipe."""

import io
import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("pyarrow", reason="needs the extra report")
pytest.importorskip("sklearn", reason="needs the extra learn")

import pyarrow as pa
from command_helpers import NEGLOG, environment, folder_fixture, said_fixture  # noqa: F401
from pyarrow import csv, ipc, parquet

from neglog.cli import main
from neglog.cli._app import parser

pytestmark = pytest.mark.usefixtures("folder")
FIT = ("--target", "kind", "-o", "m.npz")
PAGE = Path(__file__).parents[2] / "docs/en/reference/fit.md"


def rows(count: int = 60) -> Any:
    random = np.random.default_rng(0)
    size = random.normal(size=count)
    kind = np.where(size + random.logistic(size=count) > 0, "long", "short")
    return pa.table({"size": size, "kind": kind})


@pytest.fixture(name="from_stdin")
def from_stdin_fixture(said: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command whose standard input holds these bytes."""

    def run(content: bytes, *arguments: str) -> str:
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        return said(*arguments)  # type: ignore[no-any-return]

    return run


def as_csv() -> bytes:
    csv.write_csv(rows(), "rows.csv")
    return Path("rows.csv").read_bytes()


def as_ndjson() -> bytes:
    lines = (str(row).replace("'", '"') for row in rows().to_pylist())
    return "\n".join(lines).encode()


def as_stream() -> bytes:
    sink = io.BytesIO()
    with ipc.new_stream(sink, rows().schema) as stream:
        stream.write_table(rows())
    return sink.getvalue()


@pytest.mark.parametrize("content", [as_csv, as_ndjson, as_stream])
def test_both_read_standard_input(content: Any, from_stdin: Any) -> None:
    text = from_stdin(content(), "fit", "-", *FIT)
    assert "next: neglog predict m.npz FILE -o predictions.parquet\n" in text
    from_stdin(content(), "predict", "m.npz", "-", "-o", "stdin.parquet")
    parquet.write_table(rows(), "rows.parquet")
    assert main(("predict", "m.npz", "rows.parquet", "-o", "file.parquet")) == 0
    assert parquet.read_table("stdin.parquet").equals(parquet.read_table("file.parquet"))


@pytest.mark.parametrize("command", [("fit", "-", *FIT), ("predict", "m.npz", "-")])
def test_standard_input_that_is_no_table(
    command: tuple[str, ...], said: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    parquet.write_table(rows(), "rows.parquet")
    if command[0] == "predict":
        said("fit", "rows.parquet", *FIT)
    before = sorted(Path().iterdir())
    for content, message in (
        (b"", "standard input is empty"),
        (Path("rows.parquet").read_bytes(), "parquet, which is read from its end: give its name"),
        (b"size,kind\n", "standard input: no rows"),
    ):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
        assert main(command) == 2
        assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("kind", ["parquet", "arrow", "csv"])
def test_a_full_disk_leaves_nothing(
    kind: str, said: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    parquet.write_table(rows(), "rows.parquet")
    said("fit", "rows.parquet", *FIT)
    Path(f"p.{kind}").write_text("old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        code = main(("predict", "m.npz", "rows.parquet", "-o", f"p.{kind}", "--force"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said_of_it = capsys.readouterr().err
    assert (code, said_of_it) == (2, f"neglog: [Errno 27] File too large: 'p.{kind}'\n")
    assert Path(f"p.{kind}").read_text() == "old"
    assert sorted(path.name for path in Path().iterdir()) == ["m.npz", f"p.{kind}", "rows.parquet"]


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_a_reader_that_closes_the_pipe_costs_no_file(command: str, said: Any, folder: Path) -> None:
    parquet.write_table(rows(), "rows.parquet")
    said("fit", "rows.parquet", *FIT)
    name = "out.npz" if command == "fit" else "out.parquet"
    arguments = ["rows.parquet", "--target", "kind", "-o", name]
    reader, closed = os.pipe()
    os.close(reader)
    run = subprocess.run(
        [sys.executable, "-c", NEGLOG, command, *["m.npz"] * (command == "predict"), *arguments],
        cwd=folder, env=environment(), stdout=closed, stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    os.close(closed)
    assert (run.returncode, run.stderr) == (0, "")
    assert sorted(path.name for path in Path().iterdir()) == ["m.npz", name, "rows.parquet"]
    assert Path(name).stat().st_size > 500


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_the_page_names_every_option_of_the_command(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([command, "--help"])
    real = set(re.findall(r"(?<![\w-])--[a-z0-9]+", capsys.readouterr().out)) - {"--help"}
    section = PAGE.read_text(encoding="utf-8").split(f"## neglog {command}")[1].split("\n## ")[0]
    table = "\n".join(line for line in section.split("\n") if line.startswith("| `"))
    assert set(re.findall(r"(?<![\w-])--[a-z0-9]+", table)) == real
