"""Maximum likelihood on rows that lie on the workers of a Ray cluster.

pip install 'neglog[learn]' ray
python examples/fit_ray.py
"""

import numpy as np
import ray

from neglog.learn import SoftmaxRegression
from neglog.learn.distributed import fit_parts

PARTS, ROWS = 8, 2_000


def rows(part: int) -> tuple[np.ndarray, np.ndarray]:
    """Made-up rows; in place of this, read a file of yours."""
    rng = np.random.default_rng(part)
    x = rng.normal(size=(ROWS, 5))
    logits = x @ np.random.default_rng(99).normal(size=(5, 3))
    return x, (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


@ray.remote
def call(function, part, *arguments):
    """On the worker that holds the part; Ray tries again where one dies."""
    return function(part, *arguments)


ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"NEGLOG_NUM_THREADS": "1"}})
parts = [ray.remote(rows).remote(part) for part in range(PARTS)]
model = SoftmaxRegression(l2=1e-3, tol=1e-9)
fit_parts(
    model, lambda function, *given: ray.get([call.remote(function, p, *given) for p in parts])
)
print(f"{PARTS * ROWS} rows, mean nll {model.nll_:.12f} after {model.n_iter_} steps")

x, y = (np.concatenate(all_parts) for all_parts in zip(*map(rows, range(PARTS)), strict=True))
here = SoftmaxRegression(l2=1e-3, tol=1e-9).fit(x, y)
print(f"here in one piece: {here.nll_:.12f}; coefficients within", end=" ")
print("1e-8" if np.abs(model.coef_ - here.coef_).max() < 1e-8 else "MORE THAN 1e-8")
