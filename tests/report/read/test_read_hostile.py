"""Files that are broken, or meant to break something: one clear error that says where."""

import gzip
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import parquet as pq
from report_helpers.table_files import batches, frame, joined, write

from neglog._read.columns import Asked
from neglog._read.tables import open_predictions
from neglog._read.tables.formats import blocks, compressed

HEADER = "logit_a,logit_b,label\n"


def refused(paths: Any, asked: Asked | None = None, **more: Any) -> str:
    """The message: the file is named, and no value of it can move a cursor or fill a screen."""
    with pytest.raises(ValueError, match=r".") as caught:
        batches(paths, asked, **more)
    assert not isinstance(caught.value, pa.ArrowException)
    message = str(caught.value)
    assert message.replace("\n", "").isprintable()
    assert len(message) < 1000
    return message


TEXTS = [
    # name of the file, content, what the message says
    ("p.csv", b"", "the file is empty"),
    ("p.csv", b"\n\n", "the file is empty"),
    ("p.csv", HEADER, "no rows; a report needs at least one"),
    ("p.ndjson", b" \n\n", "the file is empty"),
    ("p.csv", HEADER + "1,2,a\n1,2\n", "line 3 has 2 values, the header 3 names"),
    ("p.csv", HEADER + "1,2,a\n\n1,2,a,b\n", "line 4 has 4 values, the header 3 names"),
    ("p.csv", HEADER + "1,two,a\n", "line 2, column 'logit_b' is 'two': expected a number"),
    ("p.csv", HEADER.replace(",", ";") + "1,5;2;a\n", "write decimals with a point"),
    ("p.csv", HEADER + "1,2,c\n", "row 0, column 'label': 'c' is no class: expected one of 'a'"),
    ("p.csv", HEADER + "1,2,a\n1,2,2\n", "row 1, column 'label': '2' is no class"),
    ("p.csv", HEADER + '1,2,"a\n', "line 2: unexpected end of data"),
    ("p.csv", (HEADER + "1,2,a\n").encode() + b"1,2,\xff\n", "line 3 is not UTF-8 text"),
    ("p.csv", HEADER.encode("utf-16"), "line 1 is not UTF-8 text"),
    ("p.csv", HEADER + "1,2,\x1b[2J" + "x" * 100_000, r"'\x1b[2Jxxx"),
    ("p.csv", "\x1b[2J" + "y" * 100_000 + ",<b>,label\n1,2,c\n", r"expected one of '\x1b[2Jyyy"),
    ("p.csv", "1.5,2.5,0\n1,2,0\n", "the first line holds numbers"),
    ("p.jsonl", '{"logits": [1, 2], "target": 0}\n{"logits"\n', "line 2 is no JSON"),
    ("p.jsonl", '{"logits": [1, 2], "target": 0}\n[1]\n', "line 2 must be an object"),
    ("p.jsonl", '{"logits": [1, 2], "target": 0}\n{"logits": [1, 2, 3], "target": 0}\n',
     "row 1, column 'logits': the list has 3 numbers, the others have 2"),
    ("p.jsonl", '{"logits": [1, 2], "target": 0}\n{"logits": [1, "x"], "target": 0}\n',
     "line 2, key 'logits', entry 1 is 'x': expected a number"),
    ("p.jsonl", '{"logits": [1, 2], "target": 0}\n{"logits": 7, "target": 0}\n',
     "line 2, key 'logits' is 7: expected a list"),
    ("p.jsonl", '{"logits": [1, 2], "target": 7}\n',
     "row 0, column 'target': 7 is no class: expected a whole number from 0 to 1"),
    ("p.jsonl", '{"logits": [1, 2], "target": "cat"}\n', "the names of the classes are not known"),
    ("p.jsonl", '{"logits": [1], "target": 0}\n', "the list has 1 numbers, at least 2 are needed"),
    ("p.jsonl", '{"logits": ' + "[" * 99999, "nested too deeply"),
    ("p.parquet", b"", "the file is empty"),
    ("p.parquet", HEADER + "1,2,a\n", "cannot be read, it may be truncated or damaged"),
    ("p.arrow", HEADER + "1,2,a\n", "cannot be read, it may be truncated or damaged"),
    ("p.npz", HEADER + "1,2,a\n", "cannot be read, it may be truncated or damaged"),
    ("p.csv.gz", b"\x1f\x8b\x08garbage", "the gzip file"),
    ("p.dat", "1,2,3\n", "the suffix does not say what this is"),
    ("p.parquet.gz", gzip.compress(b"PAR1"), "uncompress this one first"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "said"), TEXTS, ids=[f"{k}" for k in range(len(TEXTS))]
)
def test_a_broken_file(name: str, content: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    message = refused(path)
    assert message.startswith(f"{path}")
    assert said in message


TABLES: list[tuple[dict[str, Any], str]] = [
    ({"logit_a": ["x"], "logit_b": ["y"], "label": [0]}, "a class needs numbers, got the type"),
    ({"logits": [["x"]], "label": [0]}, "no column is a class"),
    ({"logit_a": [1.0], "logit_b": [1.0], "label": [True]}, "class numbers or names, got the type"),
    (
        {"logit_a": [1.0], "logit_b": [1.0], "label": [0.5]},
        "row 0, column 'label': 0.5 is no class",
    ),
    ({"logit_a": [1.0], "logit_b": [1.0], "label": [2]}, "row 0, column 'label': 2 is no class"),
    ({"logit_a": [1.0], "logit_b": [1.0], "label": ["z"]}, "column 'label': 'z' is no class"),
    ({"logits": [[1.0, 2], [1.0]], "label": [0, 0]}, "row 1, column 'logits': the list has 1 num"),
    ({"logits": [[], []], "label": [0, 0]}, "the list has 0 numbers"),
    ({"logit_a": [], "logit_b": [], "label": []}, "no rows"),
]


@pytest.mark.parametrize(("columns", "said"), TABLES)
def test_a_column_of_the_wrong_type(columns: dict[str, Any], said: str, tmp_path: Path) -> None:
    for suffix in ("parquet", "arrow"):
        assert said in refused(write(tmp_path / f"p.{suffix}", pa.table(columns)))


@pytest.mark.parametrize("value", [None, -1.0, float("nan"), float("inf")])
def test_a_bad_weight(value: Any, tmp_path: Path) -> None:
    columns = {"logit_a": [1.0] * 3, "logit_b": [1.0] * 3, "label": [0] * 3, "w": [1, 1, value]}
    path = write(tmp_path / "p.parquet", pa.table(columns))
    message = refused(path, Asked(weight="w"))
    assert re.search(r"row 2, column 'w': .*: expected a number of at least 0", message)


@pytest.mark.parametrize("suffix", ["parquet", "arrow", "arrows", "csv.gz", "jsonl.gz", "npz"])
def test_a_file_that_was_cut(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"p.{suffix}"
    if suffix == "npz":
        np.savez_compressed(
            path, logits=np.random.default_rng(0).normal(size=(99, 9)), label=[0] * 99
        )
    else:
        write(path, pa.concat_tables([frame()] * 20))
    content = path.read_bytes()
    for part in (0.3, 0.6, 0.9):
        path.write_bytes(content[: int(len(content) * part)])
        assert refused(path).startswith(f"{path}")


def test_a_page_that_was_overwritten(tmp_path: Path) -> None:
    path = write(tmp_path / "p.parquet", pa.concat_tables([frame()] * 200))
    content = bytearray(path.read_bytes())
    content[40:200] = b"\xff" * 160
    path.write_bytes(content)
    assert "truncated or damaged" in refused(path)


def test_a_gzip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (compressed.FREE, compressed.MOST_RATIO) == (100_000_000, 1000)
    monkeypatch.setattr(compressed, "FREE", 1_000_000)
    path = tmp_path / "p.csv.gz"
    path.write_bytes(gzip.compress(HEADER.encode() + b"1,2,a\n" + b"0" * 9_000_000))
    assert "compressed bytes become more than" in refused(path)
    np.savez_compressed(tmp_path / "p.npz", logits=np.zeros((500_000, 2)), label=[0])
    assert "compressed bytes become more than" in refused(tmp_path / "p.npz")


@pytest.mark.parametrize("name", ["p.csv", "p.jsonl"])
def test_a_line_without_end(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert blocks.LONGEST_LINE == 100_000_000
    monkeypatch.setattr(blocks, "LONGEST_LINE", 100_000)
    monkeypatch.setattr(blocks, "BLOCK", 1000)
    start = HEADER + "1,2,a\n" if name == "p.csv" else '{"logits": [1, 2], "target": 0}\n' * 2
    (tmp_path / name).write_text(start + '"' + "\n" * 50_000 * (name == "p.csv") + "1" * 100_000)
    assert "line 3 is longer than 100,000 bytes" in refused(tmp_path / name)
    (tmp_path / name).write_text("1" * 101_000)
    assert "line 1 is longer than 100,000 bytes" in refused(tmp_path / name)


@pytest.mark.parametrize("size", [7, 64, 1000])
def test_blocks_end_where_lines_end(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", size)
    rows = [f'{j},{j / 3},{"ab"[j % 2]},"x\n""{j}"' for j in range(40)]
    (tmp_path / "p.csv").write_text(HEADER.replace("label", "label,note") + "\n".join(rows))
    found = batches(tmp_path / "p.csv", Asked(id="note"))
    got = joined(found)
    np.testing.assert_array_equal(got["predictions"], [[j, j / 3] for j in range(40)])
    assert got["ids"] == [f'x\n"{j}' for j in range(40)]
    assert len(found) > 1 or size == 1000


class Trap:
    """An object that says so when it is unpickled."""

    def __reduce__(self) -> Any:
        return (pytest.fail, ("unpickled",))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    objects = np.array([Trap(), Trap()], object)
    np.savez(tmp_path / "p.npz", logits=np.zeros((2, 2)), label=objects, allow_pickle=True)
    assert "Python objects, which are never loaded" in refused(tmp_path / "p.npz")
    np.savez(tmp_path / "p.npz", logits=np.zeros((2, 2)), label=[0, 1], more=objects)
    assert len(joined(batches(tmp_path / "p.npz"))["target"]) == 2
    (tmp_path / "p.npy").write_bytes(pickle.dumps(0))
    np.save(tmp_path / "y.npy", [0])
    assert "not an array file" in refused(tmp_path / "p.npy", Asked(target=str(tmp_path / "y.npy")))


def test_arrays_that_do_not_fit_together(tmp_path: Path) -> None:
    np.savez(tmp_path / "p.npz", logits=np.zeros((3, 2)), label=[0, 1])
    said = "the arrays have different numbers of rows: 'logits' 3 and 'label' 2"
    assert said in refused(tmp_path / "p.npz")
    np.save(tmp_path / "z.npy", np.zeros((3, 2)))
    assert "--target labels.npy" in refused(tmp_path / "z.npy")
    np.savez(tmp_path / "p.npz", logits=np.asfortranarray(np.zeros((3, 2))), label=[0, 1, 1])
    assert "save np.ascontiguousarray(logits)" in refused(tmp_path / "p.npz")


def test_standard_input_that_cannot_be_streamed(tmp_path: Path) -> None:
    for suffix in ("parquet", "arrow"):
        content = write(tmp_path / f"p.{suffix}", frame()).read_bytes()
        with pytest.raises(ValueError, match="standard input is a file of the format"):
            open_predictions("-", stdin=io.BytesIO(content))
    with pytest.raises(ValueError, match="standard input is empty"):
        open_predictions("-", stdin=io.BytesIO(b""))


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_predictions(tmp_path / "p.parquet")
    (tmp_path / "notes.md").write_text("nothing")
    assert "holds no file of predictions" in refused(tmp_path)
    assert "give at least one file" in refused([])


def test_the_error_of_a_later_batch_comes_in_its_turn(tmp_path: Path) -> None:
    table = pa.table({"logit_a": [1.0] * 9, "logit_b": [1.0] * 9, "label": [0] * 8 + [2]})
    path = tmp_path / "p.parquet"
    pq.write_table(table, path, row_group_size=9)
    rows = iter(open_predictions([write(tmp_path / "a.parquet", table.slice(0, 8)), path]))
    assert len(next(rows).target) == 8
    with pytest.raises(ValueError, match=r"p\.parquet, row 8, column 'label': 2 is no class"):
        next(rows)
