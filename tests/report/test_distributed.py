"""States of partitions, made and merged anywhere, against one report of all rows."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_helpers.tables import assert_same, made_up

pa = pytest.importorskip("pyarrow", reason="needs the extra report")

from neglog import Report, evaluate  # noqa: E402
from neglog.report import LogprobReport, evaluate_file  # noqa: E402
from neglog.report.distributed import evaluate_dask, merged, states  # noqa: E402

NAMES = ["ant", "bee", "cat"]
ASKED: dict[str, Any] = {
    "kind": "logits",
    "logits": "logit_*",
    "target": "y",
    "row_weight": "row_weight",
    "ids": "ids",
    "by": ("lang", "bin"),
    "text": "text",
    "num_bytes": "num_bytes",
}
CUTS = [0, 0, 1, 40, 41, 41, 150, 300, 300]  # uneven, some of them empty, no row at both ends


def as_arrow(table: dict[str, Any]) -> Any:
    """The columns of a made-up table as a file would have them."""
    z = table["predictions"]
    columns = {f"logit_{name}": z[:, j] for j, name in enumerate(NAMES)}
    names = ("ids", "num_bytes", "row_weight", "text")
    y = [None if value != value else int(value) for value in table["target"]]
    return pa.table(
        columns | {"y": y} | table["by"] | {name: table[name] for name in names if name in table}
    )


@pytest.fixture(name="table", scope="module")
def _table() -> dict[str, Any]:
    return made_up(300, 3, 5)


@pytest.fixture(name="whole", scope="module")
def _whole(table: dict[str, Any]) -> dict[str, Any]:
    return evaluate(**table, kind="logits", class_names=NAMES).to_dict()


def partitions(rows: Any) -> list[Any]:
    return [rows[a:b] for a, b in zip([0, *CUTS], [*CUTS, len(rows)], strict=True)]


def test_states_of_partitions_make_the_report_of_all_rows(
    table: dict[str, Any], whole: dict[str, Any]
) -> None:
    parts = partitions(as_arrow(table))
    made = [state for part in parts for state in states(part.to_batches(17), **ASKED)]
    assert [(s.num_rows, s.schema.names) for s in made] == [(1, ["state"])] * len(parts)
    assert_same(whole, merged(made).to_dict())
    texts = [s["state"][0].as_py() for s in made]
    assert_same(whole, merged([*texts[:3], pa.table({"state": texts[3:]})]).to_dict())


def test_ids_make_the_order_of_partitions_indifferent(
    table: dict[str, Any], whole: dict[str, Any]
) -> None:
    made = [next(states([part], **ASKED)) for part in reversed(partitions(as_arrow(table)))]
    found = merged(made).to_dict()
    for name in ("loss", "accuracy", "classes", "slices", "confusions", "distribution"):
        assert_same(whole[name], found[name])
    assert [x["id"] for x in found["worst"]] == [x["id"] for x in whole["worst"]]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 11])
def test_a_tree_keeps_the_rows_in_order(count: int) -> None:
    """All rows are equal but for their number, by which the ties of the worst rows are broken."""
    parts = [pa.table({"z": [[1.0, 0.0]] * k, "y": [1] * k}) for k in range(1, count + 1)]
    made = [next(states([part], kind="logits", logits="z", target="y")) for part in parts]
    rows = count * (count + 1) // 2
    found = merged(made).to_dict()
    assert found["rows"]["read"] == rows
    assert [x["row"] for x in found["worst"]] == list(range(min(rows, 100)))


def test_a_task_that_dies_and_is_tried_again_counts_once(
    table: dict[str, Any], whole: dict[str, Any]
) -> None:
    """Nothing is given out before the last row is read, and nothing is kept of what was read."""

    def dying(part: Any) -> Iterator[Any]:
        yield from part[: len(part) // 2].to_batches(10)
        raise ConnectionError("the worker is gone")

    parts = partitions(as_arrow(table))
    given = []
    for part in parts:
        with pytest.raises(ConnectionError):
            given += states(dying(part), **ASKED)
        given += states(part.to_batches(10), **ASKED)
    assert len(given) == len(parts)
    assert_same(whole, merged(given).to_dict())


@pytest.mark.parametrize("form", ["pandas", "pandas of Arrow", "bag of tables", "delayed tables"])
def test_dask_makes_the_report_of_one_machine(
    form: str, table: dict[str, Any], whole: dict[str, Any]
) -> None:
    dask = pytest.importorskip("dask", reason="needs the extra dask")
    parts = partitions(as_arrow(table))
    if form.startswith("pandas"):
        dd = pytest.importorskip("dask.dataframe", reason="needs the extra dask")
        types = __import__("pandas").ArrowDtype if "Arrow" in form else None
        frames = [part.to_pandas(types_mapper=types) for part in parts]
        given = dd.from_delayed([dask.delayed(frame) for frame in frames], meta=frames[0])
    elif form.startswith("bag"):
        given = __import__("dask.bag").bag.from_sequence(parts, npartitions=4)
    else:
        given = [dask.delayed(part) for part in parts]
    with dask.config.set(scheduler="threads", num_workers=2):
        found = evaluate_dask(given, **ASKED).to_dict()
    if form == "pandas":  # where nan means missing: that is all that differs
        rows = found["rows"]
        assert rows["left_out"] == {"missing": 2, "not finite": 0, "probability 0": 1}
        assert [entry["why"] for entry in rows["left_out_rows"] if entry["row"] == 1] == ["missing"]
        rows["left_out"] |= {"missing": 1, "not finite": 1}
        rows["left_out_rows"][0]["why"] = "not finite"
    assert_same(whole, found)


def test_more_partitions_than_one_task_merges() -> None:
    dask = pytest.importorskip("dask", reason="needs the extra dask")
    z, y = np.random.default_rng(0).normal(size=(10, 2)), np.arange(10) % 2
    parts = [pa.table({"z": [list(row)], "y": [k]}) for row, k in zip(z, y, strict=True)]
    with dask.config.set(scheduler="sync"):
        report = evaluate_dask(
            [dask.delayed(part) for part in parts], kind="logits", logits="z", target="y"
        )
    found, whole = report.to_dict(), evaluate(z, y, kind="logits").to_dict()
    assert found["input"].pop("merged_without_ids") != whole["input"].pop("merged_without_ids")
    assert_same(whole, found)


def test_log_probabilities_of_the_targets(tmp_path: Path) -> None:
    table = pa.table({"lp": [[-1.0, -2.0], [], [-0.5]], "name": ["a", "b", "c"]})
    asked: dict[str, Any] = {"logprob": "lp", "ids": "name"}
    file = tmp_path / "texts.arrow"
    with pa.ipc.new_file(file, table.schema) as out:
        out.write(table)
    parts = (table[:0], table[:1], table[1:])
    report = merged(next(states([part], kind="log-probabilities", **asked)) for part in parts)
    assert isinstance(report, LogprobReport)
    assert_same(evaluate_file(file, **asked).to_dict(), report.to_dict())


def test_no_rows_at_all() -> None:
    empty = next(states([], **ASKED))
    report = merged([empty, empty])
    assert isinstance(report, Report)
    assert report.read == 0
    with pytest.raises(ValueError, match="no state: a report needs at least one"):
        merged([])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "auto"}, "kind must be one of logits, .* got 'auto': .* two might disagree"),
        ({"logits": ()}, "logits and target must name their columns, such as logits='logit_"),
        ({"target": None}, "logits and target must name their columns"),
    ],
)
def test_what_partitions_would_guess_is_refused_at_once(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        states([], **ASKED | change)
    pytest.importorskip("dask", reason="needs the extra dask")
    with pytest.raises(ValueError, match=message):
        evaluate_dask([], **ASKED | change)


def test_wrong_rows_and_states_are_refused(table: dict[str, Any]) -> None:
    rows = as_arrow(table)
    with pytest.raises(ValueError, match="no column is named 'lang'"):
        next(states([rows.drop_columns(["lang"])], **ASKED))
    wrong = pa.table({"z": [[1.0, 0.0]] * 2, "y": [1, 7]})
    other = partial(states, kind="logits", logits="z", target="y")
    with pytest.raises(ValueError, match="the partition, row 1, column 'y': 7 is no class"):
        next(other([wrong]))
    (state,) = other([wrong[:1]])
    with pytest.raises(ValueError, match="class_names must be the same in both reports"):
        merged([state, next(states([rows], **ASKED))])
    for damaged in (state["state"][0].as_py()[:-9], "[]", '{"kind": "Report"}'):
        with pytest.raises(ValueError, match="a state is damaged"):
            merged([damaged])
