"""`neglog explain --row`: rows of prediction files of every kind, and files not to be trusted."""

import io
import json
import os
import re
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("matplotlib", reason="needs the extra plot")

from command_helpers import (  # noqa: F401
    PETS,
    asked,
    folder_fixture,
    refused_fixture,
    said_fixture,
)

from neglog._read.predictions import read_row
from neglog.cli import main


def predictions(folder: Path) -> dict[str, Path]:
    """The same three rows in every form."""
    logits = np.array([[5, 4, 2], [4, 2, 8], [4, 4, 1.5]], dtype=np.float32)
    names, target = ["cat", "dog", "horse"], [0, 2, 1]
    files = {
        kind: folder / f"rows.{kind}" for kind in ("csv", "tsv", "jsonl", "npy", "npz", "F.npz")
    }
    for kind, separator in (("csv", ","), ("tsv", "\t")):
        rows = [["cat", "Target", "dog", "horse"]]
        rows += [
            [f"{z[0]}", names[y], f"{z[1]}", f"{z[2]}"] for z, y in zip(logits, target, strict=True)
        ]
        text = "\r\n\n".join(separator.join(row) for row in rows)
        files[kind].write_text(f"\ufeff{text}\n", encoding="utf-8", newline="")
    rows_of_json = [
        {"logits": z.tolist(), "target": y, "class_names": names, "id": "x"}
        for z, y in zip(logits, target, strict=True)
    ]
    files["jsonl"].write_text("\n\n".join(map(json.dumps, rows_of_json)), encoding="utf-8")
    np.save(files["npy"], logits)
    np.savez(files["npz"], logits=logits, target=np.array(target), class_names=np.array(names))
    np.savez_compressed(
        files["F.npz"],
        logits=np.asfortranarray(logits),
        target=np.array([names[y] for y in target]),
        class_names=np.array(names),
    )
    return files


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "npy", "npz", "F.npz"])
def test_a_row_of_every_kind_of_file(said: Any, refused: Any, kind: str, folder: Path) -> None:
    path = str(predictions(folder)[kind])
    given = ("--target", "horse", *PETS) if kind == "npy" else ()
    row = asked(said, "explain", "--row", "1", path, *given)
    assert row["rows"][0]["given"] == [4, 2, 8]
    assert row["rows"][0]["target"] == 2
    assert row["class_names"] == ["cat", "dog", "horse"]
    other = asked(said, "explain", "--row", "2", path, "--target", "0")
    assert other["rows"][0]["given"] == [4, 4, 1.5]
    assert other["rows"][0]["target"] == 0, "what is typed comes first"
    message = refused("explain", "--row", "3", path, *given)
    assert "there is no row 3" in message
    assert "3 rows" in message
    assert "rows are counted from 0" in refused("explain", "--row", "-1", path)
    assert "expected the number of a row" in refused("explain", "--row", "x", path)


def test_a_file_that_does_not_say_what_is_right(said: Any, refused: Any, folder: Path) -> None:
    path = str(predictions(folder)["npy"])
    assert "has no target: give --target" in refused("explain", "--row", "0", path)
    assert "class 0, has the largest" in said("explain", "--row", "0", path, "--target", "0")


def test_probabilities_are_found_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "p.csv").write_text("cat,dog,horse,label\n0.2,0.8,0,cat\n")
    found = "these are probabilities, not logits.\nTheir logarithms are used as logits."
    assert main(["explain", "--row", "0", "p.csv"]) == 0
    assert found in capsys.readouterr().out
    assert main(["explain", "--row", "0", "p.csv", "--json"]) == 0
    printed = capsys.readouterr()
    assert found in printed.err
    row = json.loads(printed.out)["rows"][0]
    assert row["given"] == [pytest.approx(np.log(0.2)), pytest.approx(np.log(0.8)), "-inf"]
    assert row["steps"]["prob"]["neglog"] == pytest.approx([0.2, 0.8, 0])


def test_typed_probabilities_stay_logits_and_raise_a_suspicion(said: Any) -> None:
    text = said("explain", "--logits", "0.2,0.8,0", "--target", "0")
    assert "If these are probabilities, give their logarithms." in text
    assert "a blind guess" in text
    assert re.search(r"class 0 +0\.2 ", text)


def npy(folder: Path, header: str, body: bytes = b"\0" * 64) -> Path:
    """An array file that says of itself whatever we like."""
    text = header.encode()
    path = folder / "made-up.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body)
    return path


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (
            "{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999999, 4)}",
            "truncated or corrupt",
        ),
        ("{'descr': '<f4', 'fortran_order': True, 'shape': (4, 10**9)}", "not an array file"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4)}", "truncated or corrupt"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", "Python objects"),
        ("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 4)}", "floats or integers"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 2)}", "(rows, classes)"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", "(rows, classes)"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 0)}", "row 0 has 0 classes"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2)}", "floats or int"),
        ("__import__('os').abort()", "not an array file that can be read"),
        ("", "not an array file that can be read"),
    ],
)
def test_array_files_that_lie(refused: Any, folder: Path, header: str, message: str) -> None:
    path = npy(folder, header)
    assert message in refused("explain", "--row", "0", str(path), "--target", "0")


class Trap:
    """Unpickled, it would leave a file."""

    def __reduce__(self) -> Any:
        return (open, ("trapped", "w"))


def test_nothing_is_unpickled(refused: Any, folder: Path) -> None:
    trap = np.array([[Trap(), Trap()]], dtype=object)
    np.save(folder / "trap.npy", trap, allow_pickle=True)
    np.savez(folder / "trap.npz", logits=np.zeros((1, 2)), class_names=trap[0])
    for name in ("trap.npy", "trap.npz"):
        assert "never loaded" in refused("explain", "--row", "0", name, "--target", "0")
    assert not (folder / "trapped").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.parquet", b"", "rows are read from .csv, .tsv, .jsonl, .npy, .npz files"),
        ("a.csv", b"", "a header with the class names is needed"),
        ("a.csv", b"cat,dog\n", "there is no row 0: the file has no rows"),
        ("a.csv", b"cat,dog\n1,2,3\n", "line 2 has 3 values, the header 2 names"),
        ("a.csv", b"cat,dog\n1,x\n", "line 2, column 'dog' is 'x': expected a number"),
        ("a.csv", b"target,label,a\n0,0,1\n", "more than one column is named target or label"),
        ("a.csv", b"target\n0\n", "row 0 has 0 classes"),
        ("a.csv", b'cat,dog\n"1,2\n', "unexpected end of data"),
        ("a.csv", b'cat,dog\n"' + b"1\n" * 70_000, "field larger than field limit"),
        ("a.csv", b"cat,dog\n\xff\xfe,1\n", "this is not UTF-8 text"),
        ("a.csv", b"cat,dog\n\x00,1\n", "is '\\x00': expected a number"),
        ("a.jsonl", b"[1, 2]", 'row 0 must be like {"logits": [5, 4, 2], "target": 0}'),
        ("a.jsonl", b'{"logits": 3}', "row 0 must be like"),
        ("a.jsonl", b'{"logits": [1, "x"]}', "row 0, logit 1 is 'x': expected a number"),
        ("a.jsonl", b'{"logits": [1, true]}', "row 0, logit 1 is True: expected a number"),
        ("a.jsonl", b'{"logits": [1, ' + b"9" * 400 + b"]}", "logit 1 is 999"),
        ("a.jsonl", b'{"logits": [1], "target": 1.5}', "target must be the index"),
        ("a.jsonl", b'{"logits": [1], "class_names": 3}', "class_names must be a list of strings"),
        ("a.jsonl", b"[" * 100_000, "nested too deeply"),
        ("a.jsonl", b'{"logits"', "a.jsonl: Expecting ':'"),
        ("a.npz", b"PK\x03\x04junk", ".npz file cannot be read"),
        ("a.npy", b"\x93NUMPY\x01", "not an array file that can be read"),
    ],
)
def test_files_that_are_not_what_they_say(
    refused: Any, folder: Path, name: str, content: bytes, message: str
) -> None:
    (folder / name).write_bytes(content)
    assert message in refused("explain", "--row", "0", name, "--target", "0")


def test_archives_that_are_not_predictions(refused: Any, folder: Path) -> None:
    def message(**arrays: Any) -> str:
        np.savez("a.npz", **arrays)
        return str(refused("explain", "--row", "0", "a.npz"))

    z = np.zeros((2, 3))
    assert "there is no array named logits" in message(scores=z)
    assert "target must be one class per row" in message(logits=z, target=z)
    assert "there is no row 0 in target" in message(logits=z, target=np.zeros(0, int))
    assert "class_names must be a list of strings" in message(logits=z, class_names=np.arange(3))
    np.savez("a.npz", logits=z)
    whole = (folder / "a.npz").read_bytes()
    (folder / "a.npz").write_bytes(whole.replace(b"\0" * 40, b"\1" * 40))
    assert ".npz file cannot be read" in refused("explain", "--row", "1", "a.npz")


def peak(path: Path, index: int, expected: list[float]) -> int:
    """Bytes that reading a row takes at the worst moment."""
    tracemalloc.start()
    try:
        assert list(read_row(path, index).logits) == expected
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_row_costs_the_memory_of_a_row(folder: Path) -> None:
    sparse = npy(folder, f"{{'descr': '<f8', 'fortran_order': True, 'shape': ({1 << 28}, 4)}}", b"")
    os.truncate(sparse, 128 + (1 << 33))
    assert peak(sparse, (1 << 28) - 1, [0] * 4) < 100_000, "of 8 GB"

    table = folder / "table.csv"
    table.write_text("a,b\n" + "1234567.25,-7654321.5\n" * 100_000)
    assert peak(table, 99_999, [1234567.25, -7654321.5]) < 100_000, "of 2 MB"

    head = io.BytesIO()
    shape = {"descr": "<f4", "fortran_order": False, "shape": (2_500_000, 10)}
    np.lib.format.write_array_header_1_0(head, shape)
    packed = folder / "packed.npz"
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("logits.npy", "w") as file,
    ):
        file.write(head.getvalue())
        for _ in range(100):
            file.write(bytes(1_000_000))
    # zipfile skips in steps of 16 MiB.
    assert peak(packed, 2_499_999, [0] * 10) < 40_000_000, "of 100 MB"


def test_a_row_is_not_wider_than_can_be_explained(refused: Any, folder: Path) -> None:
    wide = npy(folder, "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 1000001)}", b"")
    os.truncate(wide, 2_000_000)
    assert "at most 262144 are allowed" in refused(
        "explain", "--row", "0", str(wide), "--target", "0"
    )
