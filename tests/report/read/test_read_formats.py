"""Every format gives the same rows, in arrays that the kernels take."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import ipc
from pyarrow import parquet as pq
from report_helpers.table_files import (
    IDS,
    LANG,
    NAMES,
    Y,
    Z,
    batches,
    csv_text,
    frame,
    joined,
    write,
)

from neglog._read.columns import Asked
from neglog._read.tables import MISSING, open_predictions

ASKED = Asked(id="id", by=("lang",), weight="weight")
# One suffix per reader; gzip of each kind of text.
SUFFIXES = ("parquet", "arrow", "arrows", "csv", "tsv", "ndjson", "csv.gz", "jsonl.gz")


def check(found: list[Any], copies: int = 1) -> None:
    got = joined(found)
    np.testing.assert_array_equal(got["predictions"], np.tile(Z, (copies, 1)))
    np.testing.assert_array_equal(got["target"], np.tile(Y, copies))
    assert got["ids"] == IDS * copies
    assert [x or None for x in got["lang"]] == LANG * copies
    np.testing.assert_array_equal(got["weight"], [1, 2, 0, 1, 0.5] * copies)
    assert not got["missing"].any()
    for batch in found:
        assert batch.predictions.flags.c_contiguous
        assert batch.target.dtype == np.int64


@pytest.mark.parametrize("names", [True, False], ids=["names", "numbers"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_of_classes(suffix: str, names: bool, tmp_path: Path) -> None:
    path = write(tmp_path / f"p.{suffix}", frame(names=names))
    source = open_predictions(path, ASKED)
    assert source.class_names == NAMES
    assert source.what == (
        "taking logit_* (3 columns) as the classes, 'y_true' as the target, 'id' as the id,"
        " 'weight' as the weight, 'lang' as slices"
    )
    found = list(source)
    check(found)
    assert found[0].place == f"{path}, from row 0"
    assert 0.9 < found[-1].progress <= 1


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s[:3] not in ("csv", "tsv")])
def test_a_column_of_lists(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"p.{suffix}", frame(wide=False))
    found = batches(path, ASKED, class_names=NAMES)
    check(found)
    lists = frame(wide=False).cast(
        pa.schema([("logits", pa.list_(pa.float64())), *list(frame(wide=False).schema)[1:]])
    )
    check(batches(write(tmp_path / f"q.{suffix}", lists), ASKED, class_names=NAMES))


def test_lists_of_fixed_size_are_not_copied(tmp_path: Path) -> None:
    path = write(tmp_path / "p.arrow", frame(wide=False))
    first = batches(path, ASKED, class_names=NAMES)[0]
    assert not first.predictions.flags.owndata
    assert not first.predictions.flags.writeable


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.int64])
def test_the_type_of_the_logits_is_kept(dtype: Any, tmp_path: Path) -> None:
    z = np.array([[1, 2], [3, -4]], dtype)
    wanted = {np.int8: np.float32, np.int64: np.float64}.get(dtype, dtype)
    for columns in (
        {"p_a": z[:, 0], "p_b": z[:, 1]},
        {"logits": pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), 2)},
    ):
        pq.write_table(pa.table({**columns, "label": [0, 1]}), tmp_path / "p.parquet")
        [batch] = batches(tmp_path / "p.parquet")
        assert batch.predictions.dtype == wanted
        np.testing.assert_array_equal(batch.predictions, z)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Any, tmp_path: Path) -> None:
    save(tmp_path / "p.npz", logits=Z, y_true=Y, id=np.array(IDS), class_names=np.array(NAMES))
    source = open_predictions(tmp_path / "p.npz", Asked(id="id"))
    got = joined(list(source))
    assert source.class_names == NAMES
    np.testing.assert_array_equal(got["predictions"], Z)
    np.testing.assert_array_equal(got["target"], Y)
    assert got["ids"] == IDS


@pytest.mark.parametrize("order", ["C", "F"])
def test_npy_with_its_targets(order: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "z.npy", np.array(Z, ">f8" if order == "C" else "<f4", order=order))
    np.save(tmp_path / "y.npy", Y)
    got = joined(batches(tmp_path / "z.npy", Asked(target=str(tmp_path / "y.npy"))))
    np.testing.assert_array_equal(got["predictions"], Z)
    np.testing.assert_array_equal(got["target"], Y)


def test_folders_and_patterns_in_the_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    write(tmp_path / "parts" / "p-0.parquet", frame())
    write(tmp_path / "parts" / "p-1.csv.gz", frame(names=False))
    write(tmp_path / "parts" / "_hidden.csv", frame(wide=False))
    (tmp_path / "parts" / "_SUCCESS").write_text("")
    check(batches(tmp_path / "parts", ASKED), 2)
    check(batches(str(tmp_path / "parts" / "p-*"), ASKED), 2)
    check(batches([tmp_path / "parts" / "p-1.csv.gz", str(tmp_path / "*")], ASKED), 2)
    with pytest.raises(ValueError, match=r"no file fits .*q-\*"):
        open_predictions(str(tmp_path / "q-*"))


def stream() -> bytes:
    sink = io.BytesIO()
    with ipc.new_stream(sink, frame().schema) as writer:
        writer.write_table(frame())
    return sink.getvalue()


def test_standard_input(tmp_path: Path) -> None:
    json_lines = write(tmp_path / "p.ndjson.gz", frame()).read_bytes()
    for content in (csv_text(frame()).encode(), json_lines, stream()):
        source = open_predictions("-", ASKED, stdin=io.BytesIO(content))
        assert source.bytes is None
        check(list(source))


def test_nulls_are_marked(tmp_path: Path) -> None:
    table = pa.table(
        {
            "logit_a": [1.0, None, 3.0, float("nan")],
            "logit_b": [1.0, 2.0, 3.0, 4.0],
            "label": ["a", "b", None, "b"],
        }
    )
    empty = [[False] * 2, [True, False], [False] * 2, [True, False]]
    for suffix in [s for s in SUFFIXES if s != "jsonl.gz"]:
        got = joined(batches(write(tmp_path / f"p.{suffix}", table)))
        assert got["missing"].tolist() == [False, True, True, False], suffix
        assert np.isnan(got["predictions"]).tolist() == empty
        assert got["target"].tolist() == [0, 1, MISSING, 1]
    lists = pa.table({"logits": [[1.0, 2.0], None, [None, 1.0]], "label": [0, 1, 1]})
    fixed = lists.cast(pa.schema([("logits", pa.list_(pa.float64(), 2)), ("label", pa.int64())]))
    for table in (lists, fixed):
        got = joined(batches(write(tmp_path / "l.parquet", table)))
        assert got["missing"].tolist() == [False, True, True]
        assert np.isnan(got["predictions"]).tolist() == [[False] * 2, [True] * 2, [True, False]]


def test_infinities_pass(tmp_path: Path) -> None:
    z = np.array([[np.inf, 1], [-np.inf, 2], [np.nan, np.nan]])
    table = pa.table({"logit_a": z[:, 0], "logit_b": z[:, 1], "label": [0, 1, 1]})
    for suffix in ("parquet", "csv"):
        path = write(tmp_path / f"p.{suffix}", table)
        np.testing.assert_array_equal(joined(batches(path))["predictions"], z)
    rows = ['{"logits": [Infinity, 1], "target": 0}', '{"logits": [NaN, "-inf"], "target": 1}']
    (tmp_path / "p.jsonl").write_text("\n".join(rows))
    got = joined(batches(tmp_path / "p.jsonl"))
    np.testing.assert_array_equal(got["predictions"], [[np.inf, 1], [np.nan, -np.inf]])


def test_targets_that_pandas_made_floats(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("logit_a,logit_b,label\n1,2,1.0\n2,1,\n0,1,0.0\n")
    assert joined(batches(tmp_path / "p.csv"))["target"].tolist() == [1, MISSING, 0]
    table = pa.table({"logit_0": [1.0] * 3, "logit_1": [2.0] * 3, "label": [1.0, None, 0.0]})
    pq.write_table(table, tmp_path / "p.parquet")
    assert joined(batches(tmp_path / "p.parquet"))["target"].tolist() == [1, MISSING, 0]


def test_a_number_is_the_name_of_a_class_where_all_names_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("logit_1,logit_10,logit_2,label\n5,4,3,10\n1,2,3,2\n")
    assert joined(batches(tmp_path / "p.csv"))["target"].tolist() == [1, 2]
    pq.write_table(
        pa.table({"logit_1": [1.0], "logit_10": [1.0], "logit_2": [2.0], "label": [2]}),
        tmp_path / "p.parquet",
    )
    assert joined(batches(tmp_path / "p.parquet"))["target"].tolist() == [2]
    (tmp_path / "p.csv").write_text("logit_1,logit_2,label\n5,4,1\n1,2,0\n")
    with pytest.raises(ValueError, match="row 1, column 'label': '0' is no class"):
        batches(tmp_path / "p.csv")


def test_the_ignored_target_passes(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("logit_a,logit_b,label\n1,2,-100\n1,2,b\n")
    assert joined(batches(tmp_path / "p.csv"))["target"].tolist() == [-100, 1]
    with pytest.raises(ValueError, match="'-100' is no class"):
        batches(tmp_path / "p.csv", ignore_index=-1)


def test_quoted_line_breaks_and_semicolons(tmp_path: Path) -> None:
    text = '\n"logit_a";logit_b;label;note\n1;+2;a;"x\ny;z"\n\n2;1;b;""\n'
    (tmp_path / "p.csv").write_text(text)
    [batch] = batches(tmp_path / "p.csv", Asked(text="note"))
    np.testing.assert_array_equal(batch.predictions, [[1, 2], [2, 1]])
    assert batch.text[0] == "x\ny;z"
    assert np.asarray(batch.text[np.array([False, True])]).tolist() == [""]


def test_equal_slices_are_one_object(tmp_path: Path) -> None:
    [batch] = batches(write(tmp_path / "p.csv", frame()), ASKED)
    assert batch.by["lang"][0] is batch.by["lang"][2]
