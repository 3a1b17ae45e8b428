"""What the tests of an explained row share."""

from typing import Any

import ml_dtypes
import numpy as np

import neglog
from neglog.trace import Row, Step

NUMPY = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


def row(logits: Any, target: Any = 0, **options: Any) -> Row:
    return neglog.explain(logits, target, **options).subject.rows[0]


def flags(step: Step) -> tuple[Any, ...]:
    columns = (step.naive, step.shifted, step.neglog)
    return tuple(None if c is None else c.flag for c in columns)


def random_rows(seed: int, count: int) -> list[tuple[list[float], int, float]]:
    """Logits of every scale, with ties and gaps; the target and the temperature."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        size = int(random.integers(2, 13))
        z = random.normal(size=size) * 10.0 ** random.integers(-1, 4)
        if random.random() < 0.2:
            z[1] = z[0]
        temperature = float(random.choice([1.0, 1.0, 0.1, 3.0]))
        found.append((z.tolist(), int(random.integers(size)), temperature))
    return found
