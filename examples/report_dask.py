"""A report on predictions that lie on the workers of a Dask cluster.

pip install 'neglog[dask]' distributed
NEGLOG_NUM_THREADS=1 python examples/report_dask.py
"""

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd

from neglog.report.distributed import evaluate_dask


def predictions(part: int, rows: int = 2_000) -> pd.DataFrame:
    """Made-up rows; in place of this, dd.read_parquet("s3://...") or your model's output."""
    rng = np.random.default_rng(part)
    logits = rng.normal(size=(rows, 3)) * 2
    frame = pd.DataFrame(logits, columns=["logit_ant", "logit_bee", "logit_cat"])
    frame["label"] = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return frame.assign(lang=rng.choice(["en", "ko"], rows), id=np.arange(rows) + part * rows)


# On a cluster: from distributed import Client; Client("tcp://scheduler:8786"). This is one process.
dask.config.set(scheduler="threads")
frame = dd.from_map(predictions, range(8), meta=predictions(0, 1))
report = evaluate_dask(
    frame, kind="logits", logits="logit_*", target="label", ids="id", by=["lang"]
)
found = report.to_dict()
print(f"{found['rows']['used']} rows, mean nll {found['loss']['nll']['value']:.12f}")
for part in found["slices"]["lang"]["listed"]:
    print(f"{part['value']}: {part['rows']} rows, mean nll {part['nll']['value']:.4f}")
