"""What keeps the memory small: pages instead of row groups, bounded batches, reading ahead."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import parquet as pq
from report_helpers.table_files import batches, joined, write

from neglog._read.ahead import ahead
from neglog._read.columns import Asked
from neglog._read.tables import batch as batch_sizes
from neglog._read.tables import open_predictions
from neglog._read.tables.formats import parquet

RNG = np.random.default_rng(7)


def table(rows: int, classes: int, wide: bool, dtype: Any = np.float32) -> tuple[Any, Any, Any]:
    z = RNG.normal(size=(rows, classes)).astype(dtype)
    y = RNG.integers(0, classes, rows)
    columns: dict[str, Any] = {f"logit_{j}": z[:, j] for j in range(classes)}
    if not wide:
        columns = {"logits": pa.FixedSizeListArray.from_arrays(pa.array(z.ravel()), classes)}
    notes = [f"note {j}" for j in range(rows)]
    return pa.table({**columns, "label": y, "note": notes}), z, y


@pytest.mark.parametrize("wide", [True, False], ids=["columns", "lists"])
# One row group as a whole, its pages, its columns block by block; and many small row groups.
@pytest.mark.parametrize(
    ("at_once", "opened", "group"),
    [(1 << 30, 1 << 30, 500), (0, 1 << 30, 500), (0, 1 << 20, 500), (1 << 30, 1 << 30, 7)],
    ids=["group", "pages", "blocks", "small groups"],
)
def test_every_way_through_a_row_group_gives_the_same_rows(
    at_once: int,
    opened: int,
    group: int,
    wide: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet, "AT_ONCE", at_once)
    monkeypatch.setattr(parquet, "OPEN", opened)
    monkeypatch.setattr(batch_sizes, "MOST_BYTES", 100 * 30 * 4)
    rows, z, y = table(500, 30, wide)
    pq.write_table(rows, tmp_path / "p.parquet", row_group_size=group)
    found = batches(tmp_path / "p.parquet", Asked(id="note"))
    got = joined(found)
    np.testing.assert_array_equal(got["predictions"], z)
    np.testing.assert_array_equal(got["target"], y)
    assert got["ids"] == [f"note {j}" for j in range(500)]
    assert max(b.predictions.nbytes for b in found) <= 100 * 30 * 4
    assert [int(b.place.rpartition(" ")[2]) for b in found] == [
        int(n) for n in np.cumsum([0, *(len(b.target) for b in found)])[:-1]
    ]


def test_nulls_in_blocks_of_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "AT_ONCE", 0)
    monkeypatch.setattr(parquet, "OPEN", 1 << 18)
    z = RNG.normal(size=(50, 9))
    columns: dict[str, Any] = {f"logit_{j}": pa.array(z[:, j]) for j in range(9)}
    columns["logit_7"] = pa.array(z[:, 7], mask=np.arange(50) == 13)
    path = write(tmp_path / "p.parquet", pa.table({**columns, "label": [0] * 50}))
    got = joined(batches(path))
    assert np.flatnonzero(got["missing"]).tolist() == [13]
    assert np.isnan(got["predictions"][13, 7])


def test_few_small_row_groups_are_one_batch(tmp_path: Path) -> None:
    rows, _, _ = table(1000, 3, True)
    pq.write_table(rows, tmp_path / "p.parquet", row_group_size=10)
    assert len(batches(tmp_path / "p.parquet")) <= 100
    assert max(len(b.target) for b in batches(tmp_path / "p.parquet")) >= 10


@contextmanager
def counting() -> Iterator[Any]:
    """A pool that counts from zero."""
    usual = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(usual)
    pa.set_memory_pool(counted)
    try:
        yield counted
    finally:
        pa.set_memory_pool(usual)


@pytest.mark.parametrize(
    ("rows", "classes", "wide"), [(80_000, 200, True), (400, 49_152, False)], ids=["wide", "lists"]
)
def test_the_memory_does_not_grow_with_the_row_group(
    rows: int, classes: int, wide: bool, tmp_path: Path
) -> None:
    """One row group of 64 or 79 MB; as a whole it takes 80 and 260, so it takes 16 and 26."""
    same = np.zeros(rows * (1 if wide else classes), np.float32)
    lists = pa.FixedSizeListArray.from_arrays(pa.array(same), len(same) // rows)
    columns = {f"logit_{j}": same for j in range(classes)} if wide else {"logits": lists}
    made = pa.table({**columns, "label": np.zeros(rows, np.int64)})
    pq.write_table(made, tmp_path / "p.parquet", compression="none", use_dictionary=False)
    with counting() as pool:
        source = open_predictions(tmp_path / "p.parquet")
        assert sum(len(batch.target) for batch in source) == rows
    assert 0 < pool.max_memory() < 50 << 20


# ---- reading ahead


def test_ahead_gives_the_same_and_makes_one_more() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for j in range(5):
            made.append(j)
            yield j

    found = ahead(items())
    assert next(found) == 0
    for _ in range(100):
        if len(made) == 3:  # one waits in the queue, one at its door
            break
        time.sleep(0.01)
    assert made == [0, 1, 2]
    assert list(found) == [1, 2, 3, 4]


def test_ahead_passes_errors_on_in_their_turn() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    found = ahead(items())
    assert next(found) == 1
    with pytest.raises(ValueError, match="broken"):
        next(found)


def test_a_caller_that_stops_ends_the_thread(tmp_path: Path) -> None:
    before = threading.active_count()
    closed: list[bool] = []

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.append(True)

    found = ahead(items())
    assert next(found) == 1
    found.close()  # type: ignore[attr-defined]
    assert closed == [True]
    assert threading.active_count() == before


def test_a_source_can_be_read_twice(tmp_path: Path) -> None:
    rows, z, _ = table(10, 3, True)
    source = open_predictions(write(tmp_path / "p.csv", rows))
    for _ in range(2):
        np.testing.assert_allclose(joined(list(source))["predictions"], z, rtol=1e-6)
