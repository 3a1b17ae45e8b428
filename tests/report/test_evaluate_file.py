"""Reports on files: the same as on arrays, in batches; and in what step two files are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import parquet
from report_helpers.tables import Table, assert_same, made_up

from neglog import evaluate, evaluate_file
from neglog._read.tables import open_predictions
from neglog.report import Comparison, LogprobReport, Report
from neglog.report._files import compare_on

N, V = 300, 5
TABLE = made_up(N, V)
BESIDE = {"row_weight": "w", "ids": "name", "text": "text", "num_bytes": "size", "by": ["lang"]}


def columns(table: Table) -> dict[str, Any]:
    target = [None if y != y else int(y) for y in table["target"].tolist()]
    lists = pa.FixedSizeListArray.from_arrays(pa.array(table["predictions"].ravel()), V)
    return {
        "logits": lists,
        "label": pa.array(target, pa.int64()),
        "w": table["row_weight"],
        "name": table["ids"],
        "text": table["text"],
        "size": table["num_bytes"],
        "lang": table["by"]["lang"],
    }


def written(folder: Path, table: Table = TABLE, name: str = "p.parquet", rows: int = 64) -> Path:
    parquet.write_table(pa.table(columns(table)), folder / name, row_group_size=rows)
    return folder / name


@pytest.fixture(name="small_batches")
def small_batches_fixture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neglog._read.tables.convert.rows_at_once", lambda _: 17)


def expected(table: Table = TABLE) -> dict[str, Any]:
    return evaluate(**{**table, "by": {"lang": table["by"]["lang"]}}).to_dict()


def test_a_file_gives_what_its_arrays_give(tmp_path: Path, small_batches: None) -> None:
    seen: list[tuple[int, float | None]] = []
    report = evaluate_file(
        written(tmp_path), **BESIDE, progress=lambda rows, part: seen.append((rows, part))
    )
    assert_same(report.to_dict(), expected())
    assert len(seen) > 10
    assert [rows for rows, _ in seen] == sorted(rows for rows, _ in seen)
    assert seen[-1][0] == N
    assert all(part is not None and 0 <= part <= 1 for _, part in seen)


def test_one_column_may_be_named_as_a_string(tmp_path: Path) -> None:
    path = written(tmp_path)
    one, listed = (evaluate_file(path, **(BESIDE | {"by": by})) for by in ("lang", ["lang"]))
    assert one.to_dict() == listed.to_dict()


def test_arguments_are_names_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("a,b,true,extra\n1,2,0,9\n3,1,1,9\n2,2,-1,9\n", encoding="utf-8")
    report = evaluate_file(
        path, logits=["a", "b"], target="true", ignore="extra", kind="logits", ignore_index=-1,
        class_names=["x", "y"],
    )  # fmt: skip
    same = evaluate(
        [[1.0, 2], [3, 1], [2, 2]],
        [0, 1, -1],
        kind="logits",
        ignore_index=-1,
        class_names=["x", "y"],
    )
    assert_same(report.to_dict(), same.to_dict())


def test_log_probabilities_of_tokens(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    tokens = [[None, -1.0, -2.0], [], [-0.5], None]
    beside = {"id": ["a", "b", "c", "d"], "bytes": [9, 1, 2, 3]}
    parquet.write_table(pa.table({"lp": tokens, **beside}), path)
    report = evaluate_file(path, logprob="lp", ids="id", num_bytes="bytes")
    assert isinstance(report, LogprobReport)
    same = LogprobReport()
    nan = float("nan")
    same.update(
        [nan, -1, -2, -0.5], lengths=[3, 0, 1, 0], ids=beside["id"], num_bytes=beside["bytes"]
    )
    assert_same(report.to_dict(), same.to_dict())
    parquet.write_table(pa.table({"lp": tokens}), path)  # no column has an entry for the last
    assert evaluate_file(path, logprob="lp").to_dict()["documents"]["count"] == 4


def test_errors_say_where(tmp_path: Path, small_batches: None) -> None:
    z = np.abs(TABLE["predictions"]) + 2
    path = written(tmp_path, {**TABLE, "predictions": z})
    with pytest.raises(ValueError, match=r"p\.parquet, from row 0: .* no probability"):
        evaluate_file(path, kind="probabilities")


def other(table: Table) -> Table:
    z = table["predictions"] * np.float32(1.25)
    return {**table, "predictions": z}


def compared(first: Path, second: Path, **asked: Any) -> Comparison:
    names = [first.name, second.name]
    return compare_on(*(open_predictions(path) for path in (first, second)), names)


def test_two_files_are_read_in_step(tmp_path: Path, small_batches: None) -> None:
    one, two = written(tmp_path, rows=50), written(tmp_path, other(TABLE), "q.parquet", rows=29)
    plain = Comparison([one.name, two.name])
    plain.update(TABLE["predictions"], other(TABLE)["predictions"], TABLE["target"])
    assert_same(compared(one, two).to_dict(), plain.to_dict())


def shorter(folder: Path) -> Iterator[tuple[Path, Path]]:
    part = {name: value[:-3] for name, value in columns(TABLE).items()}
    parquet.write_table(pa.table(part), folder / "short.parquet")
    path = written(folder)
    yield folder / "short.parquet", path
    yield path, folder / "short.parquet"


def test_a_file_with_fewer_rows_is_refused_in_either_place(tmp_path: Path) -> None:
    for one, two in shorter(tmp_path):
        with pytest.raises(ValueError, match=r"short\.parquet has 297 rows"):
            compared(one, two)


def test_a_report_on_files_is_a_report(tmp_path: Path) -> None:
    report = evaluate_file(tmp_path.joinpath(written(tmp_path)))
    assert isinstance(report, Report)
    report.merge(evaluate_file([written(tmp_path)]))  # type: ignore[arg-type]
    assert report.read == 2 * N
