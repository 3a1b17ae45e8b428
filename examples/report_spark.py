"""A report on predictions that lie on the workers of a Spark cluster.

pip install 'neglog[report]' pyspark     # and Java 17
PYSPARK_PYTHON=$(which python) python examples/report_spark.py
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import SparkSession

from neglog.report.distributed import merged, states

PARTS, ROWS = 8, 2_000
SCHEMA = "logit_ant double, logit_bee double, logit_cat double, label long, id long"


def predictions(ids: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Made-up rows; in place of this, spark.read.parquet("s3://...") or your model's output."""
    rows = pa.Table.from_batches(ids)["id"].to_numpy()
    rng = np.random.default_rng(int(rows[0]) // ROWS)
    logits = rng.normal(size=(len(rows), 3)) * 2
    label = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    yield pa.record_batch([*logits.T.copy(), label, rows], names=[*SCHEMA_NAMES])


SCHEMA_NAMES = [column.split()[0] for column in SCHEMA.split(", ")]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.executorEnv.NEGLOG_NUM_THREADS", "1")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
frame = spark.range(PARTS * ROWS, numPartitions=PARTS).mapInArrow(predictions, SCHEMA)
asked = partial(states, kind="logits", logits="logit_*", target="label", ids="id")
report = merged(row.state for row in frame.mapInArrow(asked, "state string").collect())
found = report.to_dict()
print(f"{found['rows']['used']} rows, mean nll {found['loss']['nll']['value']:.12f}")
