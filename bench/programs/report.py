"""The report against reading its file, and against scikit-learn: `python -m bench.programs.report`.

Each measurement is a process of its own, in turns: reading the file's batches with pyarrow and
doing nothing with them, and the whole report of the same file. Peak memory is counted from what
the imports take.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import ROOT
from bench.memory import STATUS, peak

FOLDER = ROOT / "build" / "bench"
TURNS = 5


class Table(NamedTuple):
    """A made-up file of predictions: logits, and targets drawn from their softmax."""

    rows: int
    classes: int
    group: int  # rows of a row group
    wide: bool  # a column for each class; otherwise one column of lists

    @property
    def path(self) -> Path:
        layout = "wide" if self.wide else "lists"
        return FOLDER / f"{self.rows}x{self.classes}-{layout}.parquet"


NARROW = Table(1_000_000, 10, 65536, True)
MIDDLE = Table(100_000, 1000, 8192, True)
LISTS = Table(100_000, 1000, 8192, False)
WIDE = Table(4000, 49152, 1000, False)
MANY = 10_000_000  # rows, against scikit-learn


def write(table: Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    FOLDER.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    draft, writer = table.path.with_suffix(".draft"), None
    for first in range(0, table.rows, table.group):
        rows = min(table.group, table.rows - first)
        z = (2 * rng.normal(size=(rows, table.classes))).astype(np.float32)
        y = (z + rng.gumbel(size=z.shape)).argmax(1)
        if table.wide:
            columns = {f"logit_{j}": z[:, j] for j in range(table.classes)}
        else:
            columns = {"logits": pa.FixedSizeListArray.from_arrays(z.ravel(), table.classes)}
        group = pa.table({**columns, "target": y})
        writer = writer or pq.ParquetWriter(draft, group.schema, compression="zstd")
        writer.write_table(group, row_group_size=table.group)
    assert writer is not None
    writer.close()
    draft.rename(table.path)


def read(path: str) -> dict[str, Any]:
    from pyarrow.dataset import dataset

    start = time.perf_counter()
    rows = sum(batch.num_rows for batch in dataset(path).to_batches())
    return {"seconds": time.perf_counter() - start, "rows": rows}


def report(path: str) -> dict[str, Any]:
    import pyarrow.dataset  # noqa: F401

    from neglog.report import evaluate_file

    imported = peak() if STATUS.exists() else 0
    start = time.perf_counter()
    found = evaluate_file([path]).to_dict()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rows": found["rows"]["used"], "bytes": peak() - imported}


def ours(rows: str) -> dict[str, Any]:
    from neglog import evaluate

    z, y = made_up(int(rows))
    start = time.perf_counter()
    found = evaluate(z, y).to_dict()
    return {"seconds": time.perf_counter() - start, "nll": found["loss"]["nll"]["value"]}


def scikit_learn(rows: str) -> dict[str, Any]:
    """log_loss, confusion matrix and calibration curve of probabilities that are given to it."""
    from sklearn.calibration import calibration_curve
    from sklearn.metrics import confusion_matrix, log_loss

    import neglog

    z, y = made_up(int(rows))
    p = neglog.softmax(z)
    start = time.perf_counter()
    nll = log_loss(y, p)
    top = p.argmax(1)
    confusion_matrix(y, top)
    calibration_curve(top == y, p.max(1), n_bins=15, strategy="quantile")
    return {"seconds": time.perf_counter() - start, "nll": float(nll)}


def made_up(rows: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    z = 2 * rng.standard_normal((rows, 10), np.float32)
    waits = np.maximum(rng.standard_exponential(z.shape, np.float32), np.float32(1e-30))
    return z, (z - np.log(waits)).argmax(1)


CALLS = {call.__name__: call for call in (read, report, ours, scikit_learn)}


def measured(name: str, argument: str) -> dict[str, Any]:
    """One measurement in a fresh process."""
    command = [sys.executable, "-m", "bench.programs.report", name, argument]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the process that measures {name} failed:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def in_turns(names: tuple[str, str], argument: str, turns: int) -> dict[str, Any]:
    """Median seconds of both, and the median of their ratios within the turns."""
    pairs = [[measured(name, argument) for name in names] for _ in range(turns)]
    for one, other in pairs:
        for key in set(one) & set(other) - {"seconds"}:
            assert np.isclose(one[key], other[key], rtol=1e-5), (key, one, other)
    first, second = ([pair[k]["seconds"] for pair in pairs] for k in (0, 1))
    return {
        "seconds": [statistics.median(first), statistics.median(second)],
        "ratio": statistics.median(b / a for a, b in zip(first, second, strict=True)),
        "bytes": max(pair[1].get("bytes", 0) for pair in pairs),
    }


def main() -> None:
    for table in (NARROW, MIDDLE, LISTS, WIDE):
        if not table.path.exists():
            write(table)
        found = in_turns(("read", "report"), str(table.path), TURNS)
        a, b = found["seconds"]
        print(
            f"{table.path.stem:24} read {a:.3f} s, report {b:.3f} s: {found['ratio']:.2f} x,"
            f" {found['bytes'] / 2**20:.0f} MiB",
            flush=True,
        )
    found = in_turns(("ours", "scikit_learn"), str(MANY), 3)
    a, b = found["seconds"]
    print(
        f"{MANY} x 10 in memory: report {a:.2f} s, scikit-learn {b:.2f} s: {found['ratio']:.2f} x"
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(CALLS[sys.argv[1]](sys.argv[2])))
    else:
        main()
