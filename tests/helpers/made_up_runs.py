"""Made-up runs of the benchmark, in which neglog is as fast as one likes."""

from typing import Any

import budgets

from bench import (
    head,
    lookup,
    training,
)
from bench.cases import DTYPES, MODES, SHAPES, TORCH_MODES
from bench.peers import PEERS


def every_ratio(value: float) -> lookup.Run:
    """A made-up run in which neglog is `value` times as fast as a copy, and as wrong."""
    rows = [
        {
            "dtype": dtype,
            "shape": list(shape),
            "mode": mode,
            "seconds": {"neglog.torch" if mode in TORCH_MODES else "neglog": 1.0},
            "ratio": dict.fromkeys(PEERS, value),
        }
        for dtype in DTYPES
        for shape in SHAPES
        for mode in (*MODES, *TORCH_MODES)
    ]
    error = {"nll": value, "gradient": value}
    ulp = {dtype: dict.fromkeys(budgets.FACES, error) for dtype in budgets.ULPS}
    return {"rows": rows, "ulp": ulp, "memory": {"arrays": {"neglog.torch": value}}}


def made_up_training() -> list[dict[str, Any]]:
    seconds = dict(zip(training.ROUTES, (0.5, 1.0, 0.25), strict=True))
    return [
        {
            "dtype": model.dtype,
            "shape": [*model.batch, model.classes],
            "mode": model.name,
            "seconds": seconds,
            "ratio": {},
            "ulp": dict.fromkeys(training.ROUTES, 0.4),
            "bytes": {training.TORCH: 2**29, training.PATCHED: 2**28, training.HEAD: 2**27},
        }
        for model in training.MODELS
    ]


EXACT = (head.GRADIENTS, head.LOSS, head.STATS, head.HALF)


TOLERANT = (head.NO_TOLERANCE, *(limit.what for limit in budgets.HEAD_TOLERANCES))


HEAD_CASES = [
    *(("float32", budgets.HEAD_SHAPE, mode) for mode in EXACT),
    *(("bfloat16", budgets.HEAD_SHAPE, mode) for mode in EXACT),
    *(("float32", budgets.PEAKED_SHAPE, mode) for mode in TOLERANT),
]


def made_up_head(value: float, source: str = "classes.npz, states.npz") -> dict[str, Any]:
    """A run of the head in which neglog is `value` times as fast, as small and as right."""
    names = ("products", "all rows", "torch eager", "torch.compile", "torch chunked")
    rows = [
        {
            "dtype": dtype,
            "shape": list(shape),
            "mode": mode,
            "seconds": {face: 1.0},
            "ratio": dict.fromkeys(names, value),
        }
        for dtype, shape, mode in HEAD_CASES
        for face in budgets.FACES
    ]
    error = {"loss": 0.0, "hidden": 1e-3 / value, "classes": 1e-3 / value, "kept": 0.02}
    modes = {limit.what: error for limit in budgets.HEAD_TOLERANCES}
    mine = dict.fromkeys(budgets.FACES, 2**26 / value)
    taken = [
        {"shape": list(budgets.HEAD_MEMORY.shapes[0]), "bytes": {**mine, "torch eager": 2**26}}
    ]
    taken += [{"shape": list(shape), "bytes": mine} for shape in budgets.HEAD_MEMORY.shapes[1:]]
    errors = dict.fromkeys(budgets.FACES, modes)
    return {"source": source, "rows": rows, "errors": errors, "memory": taken}
