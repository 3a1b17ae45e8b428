"""Finds a measurement in a run, and writes it down as a person would."""

import json
from typing import Any

from bench import ROOT
from bench.timing import Row

RESULTS = ROOT / "bench" / "results"
Run = dict[str, Any]


def kept_run() -> Run:
    """The newest run in bench/results."""
    runs = [json.loads(path.read_text()) for path in RESULTS.glob("*.json")]
    if not runs:
        raise FileNotFoundError("bench/results is empty: `make bench ARGS=--save` fills it")
    return max(runs, key=lambda run: str(run["date"]))


def find(
    rows: list[Row], mode: str, shape: Any = None, dtype: str = "float32", by: str = ""
) -> Row:
    """The one row that is asked for. LookupError: the run has none."""
    for row in rows:
        ours = next(iter(row["seconds"]))
        if (row["mode"], row["dtype"]) != (mode, dtype) or by not in ("", ours):
            continue
        if shape is None or tuple(row["shape"]) == tuple(shape):
            return row
    raise LookupError(f"not measured: {dtype}, {mode}, {shape}, {by}")


def duration(seconds: float) -> str:
    """Three digits or four, in the unit that suits them."""
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def mebibytes(count: float) -> str:
    return f"{count / 2**20:.0f} MiB"


def amount(value: float) -> str:
    """Two decimals where they matter, then the size only: 0.52, 37, 1e+06."""
    return f"{value:.2f}" if value < 10 else f"{value:.0f}" if value < 1e4 else f"{value:.0e}"
