"""Files of predictions in every format, and what is read of them."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import ipc
from pyarrow import parquet as pq

from neglog._read.columns import Asked
from neglog._read.tables import Batch, open_predictions

NAMES = ("cat", "dog", "horse")
Z = np.array([[2.5, 1, -1], [0.5, 1.5, 4], [3, -2.25, 0.125], [0, 1, 2], [7, 7, 7.5]], np.float64)
Y = np.array([0, 2, 1, 2, 0])
IDS = ["a", "b\x1b[2J", "c,d", "<e>", "f"]
LANG = ["ko", "en", "ko", None, "en"]


def frame(wide: bool = True, names: bool = True) -> Any:
    """The table: logits, target y_true, id, lang, weight."""
    columns: dict[str, Any] = {f"logit_{name}": Z[:, j] for j, name in enumerate(NAMES)}
    if not wide:
        columns = {"logits": pa.FixedSizeListArray.from_arrays(pa.array(Z.ravel()), 3)}
    columns["y_true"] = [NAMES[y] for y in Y] if names else Y
    return pa.table({**columns, "id": IDS, "lang": LANG, "weight": [1.0, 2, 0, 1, 0.5]})


def csv_text(table: Any, separator: str = ",") -> str:
    def cell(value: Any) -> str:
        text = "" if value is None else str(value)
        return f'"{text}"' if separator in text else text

    rows = [table.schema.names, *zip(*(c.to_pylist() for c in table.columns), strict=True)]
    return "".join(separator.join(map(cell, row)) + "\n" for row in rows)


def write(path: Path, table: Any) -> Path:
    """Write the table in the format of the suffix."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        pq.write_table(table, path, row_group_size=2)
    elif kind in ("arrow", "arrows"):
        new = ipc.new_file if kind == "arrow" else ipc.new_stream
        with new(path, table.schema) as writer:
            writer.write_table(table, max_chunksize=2)
    elif kind in ("csv", "tsv"):
        text = csv_text(table, "\t" if kind == "tsv" else ",")
        packed = gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode()
        path.write_bytes(packed)
    else:
        text = "".join(json.dumps(row) + "\n" for row in table.to_pylist())
        path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def batches(paths: Any, asked: Asked | None = None, **more: Any) -> list[Any]:
    return list(open_predictions(paths, asked, **more))


def joined(found: list[Batch]) -> dict[str, Any]:
    """The columns of all batches."""
    got: dict[str, Any] = {
        "predictions": np.concatenate([b.predictions for b in found]),
        "target": np.concatenate([b.target for b in found]),
        "missing": np.concatenate(
            [np.zeros(len(b.target), bool) if b.missing is None else b.missing for b in found]
        ),
        "ids": [i for b in found if b.ids is not None for i in np.asarray(b.ids)],
    }
    for name in found[0].by:
        got[name] = [x for b in found for x in b.by[name]]
    if found[0].row_weight is not None:
        got["weight"] = np.concatenate([b.row_weight for b in found if b.row_weight is not None])
    return got
