"""A report on predictions that lie on the workers of a Ray cluster.

pip install 'neglog[report]' 'ray[data]'
python examples/report_ray.py
"""

from typing import Any

import numpy as np
import pyarrow as pa
import ray

from neglog.report.distributed import merged, states

PARTS, ROWS = 8, 2_000


def predictions(batch: dict[str, Any]) -> pa.Table:
    """Made-up rows; in place of this, ray.data.read_parquet("s3://...") or your model's output."""
    part = int(batch["id"][0]) // ROWS
    rng = np.random.default_rng(part)
    logits = rng.normal(size=(ROWS, 3)) * 2
    label = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    columns = {f"logit_{name}": logits[:, j] for j, name in enumerate(["ant", "bee", "cat"])}
    return pa.table(columns | {"label": label, "id": np.arange(ROWS) + part * ROWS})


def state(table: pa.Table) -> pa.Table:
    """One row, the state of these; Ray tries again where a worker dies."""
    asked = {"logits": "logit_*", "target": "label", "ids": "id"}
    return pa.Table.from_batches(states([table], kind="logits", **asked))


ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"NEGLOG_NUM_THREADS": "1"}})
rows = ray.data.range(PARTS * ROWS, override_num_blocks=PARTS)
rows = rows.map_batches(predictions, batch_size=ROWS)
parts = rows.map_batches(state, batch_format="pyarrow", batch_size=None)
report = merged(row["state"] for row in parts.iter_rows())
found = report.to_dict()
print(f"{found['rows']['used']} rows, mean nll {found['loss']['nll']['value']:.12f}")
