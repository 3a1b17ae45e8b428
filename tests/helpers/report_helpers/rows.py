"""Rows for the parts of a report, and models whose probabilities are known to be right or wrong."""

from itertools import pairwise
from typing import Any

import numpy as np

from neglog._engine import run_rows
from neglog._engine.scores import scores
from neglog.report.state.rows import Coded, Rows
from neglog.report.state.suspects import Suspects


def rows_of(
    logits: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ids: np.ndarray | None = None,
    first: int = 0,
) -> Rows:
    """One batch, whose rows are numbered from `first`."""
    found = run_rows(logits, target, lse=True, entropy=True, argmax=True)
    return Rows(
        logits=logits,
        target=target,
        weight=weight,
        row=np.arange(first, first + len(target)),
        nll=found.nll,
        lse=found.lse,
        entropy=found.entropy,
        predicted=found.argmax,
        scores=scores(logits, target, weight=weight, from_nll=Suspects().from_nll),
        ids=ids,
        text=None,
        by={"half": Coded(["even", "odd"], np.arange(first, first + len(target)) % 2)},
    )


def softmax(z: np.ndarray) -> np.ndarray:
    """Probabilities, in float64."""
    e = np.exp(z - z.max(1, keepdims=True).astype(float))
    return e / e.sum(1, keepdims=True)


def drawn(p: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A class per row, drawn from its probabilities."""
    return np.minimum((p.cumsum(1) < draw.random((len(p), 1))).sum(1), p.shape[1] - 1)


def model(
    n: int, v: int, *, scale: float = 2.5, temperature: float = 1.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose best temperature is about `temperature`, and targets drawn accordingly."""
    draw = np.random.default_rng(seed)
    z = draw.normal(size=(n, v)) * scale
    target = drawn(softmax(z), draw)
    return z * temperature, target


def in_batches(part: Any, cuts: list[int], *columns: np.ndarray | None) -> Any:
    """`part` with rows added in batches that end at the cuts."""
    edges = [0, *sorted(cuts), len(columns[0])]  # type: ignore[arg-type]
    for a, b in pairwise(edges):
        if a < b:
            part.add(rows_of(*(None if x is None else x[a:b] for x in columns), first=a))
    return part
