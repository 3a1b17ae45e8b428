"""The held-out predictions as a file for `neglog report`."""

from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from neglog.cli.demo._digits import HeldOut


def write(path: Path, held_out: HeldOut) -> None:
    """Write the logits and the digit of each held-out image to a Parquet file."""
    columns = {f"logit_{digit}": held_out.logits[:, digit] for digit in range(10)}
    image = [f"image {row}" for row in range(len(held_out.digit))]
    parquet.write_table(pa.table({"id": image, "label": held_out.digit, **columns}), path)
