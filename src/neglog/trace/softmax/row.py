"""One row, step by step, in four columns."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ._exact import Exact, Numbers, exact_row
from ._floats import Column, Type, column
from ._ours import ours
from ._usual import naive, shifted

SHOWN_CLASSES = 12  # what fits a page, a terminal and a picture

# name -> title, formula
STEPS = {
    "logits": ("logits", "z"),
    "scaled": ("logits over the temperature", "z / T, called z from here on"),
    "maximum": ("maximum", "m = max_j z_j"),
    "shifted": ("shifted logits", "z - m"),
    "exp": ("exponentials", "e^z; shifted: e^(z - m)"),
    "rest": ("sum without the maximum", "S = sum of the other e^(z - m)"),
    "sum": ("their sum", "sum_j e^z_j; shifted: 1 + S"),
    "prob": ("probabilities", "p_j = e^z_j / sum_k e^z_k"),
    "log_prob": ("log-probabilities", "log p_j = z_j - log sum_k e^z_k"),
    "nll": ("negative log-likelihood (unhappiness)", "-log p_y"),
    "one_hot": ("one-hot target", "y"),
    "grad": ("gradient", "dL/dz = p - y"),
    "jacobian": ("softmax Jacobian", "dp_i/dz_j = p_i (1 - p_i) if i = j, else -p_i p_j"),
}
LOSSES = {
    "nll": ("the target's nll", "-log p_y"),
    "method_1": ("method 1: the likeliest class", "-log max_j p_j"),
    "method_2": ("method 2: all classes", "-log p_y - sum_(j != y) log(1 - p_j)"),
    "binary": ("binary: target against the rest", "-log sigmoid(z_y - log sum_(j != y) e^z_j)"),
}


@dataclass(frozen=True)
class Step:
    """One step: what it is called, its formula, and its numbers in row-major order.

    `exact` has 50 digits. `unshifted` is what the naive column's exponentials and their sum are
    held against, for it alone does not take the maximum off. naive and shifted are None where
    they have no such step.
    """

    name: str
    title: str
    formula: str
    shape: tuple[int, ...]
    neglog: Column
    exact: Numbers
    naive: Column | None = None
    shifted: Column | None = None
    unshifted: Numbers | None = None


@dataclass(frozen=True)
class Row:
    """A row of logits and its target: `steps` and `losses` by name.

    `given` are the logits before they were rounded to the type. `argmax` names every class that
    ties for the maximum, and none where the maximum is nan.
    """

    given: tuple[float, ...]
    target: int
    argmax: tuple[int, ...]
    steps: dict[str, Step]
    losses: dict[str, Step]


def shown(row: Row) -> tuple[list[int], list[int]]:
    """The classes that a picture has room for, and the others; each in order.

    Up to twelve classes: all. Of more: the ten largest logits (nan counts as the largest, for it
    is what has to be seen) and the target.
    """
    every = range(len(row.given))
    if len(row.given) <= SHOWN_CLASSES:
        return list(every), []
    size = np.where(np.isnan(row.given), np.inf, row.given)
    kept = {row.target, *np.argsort(-size, kind="stable")[: SHOWN_CLASSES - 2].tolist()}
    return sorted(kept), [j for j in every if j not in kept]


def explain_row(kind: Type, given: tuple[float, ...], target: int, temperature: float) -> Row:
    """Every step of one row in every column."""
    logits = np.asarray(kind.round(np.array(given)), dtype=np.float64)
    top = logits.max()
    ties = () if np.isnan(top) else tuple(np.flatnonzero(logits == top).tolist())
    row = Row(given, target, ties, {}, {})
    classes, _ = shown(row)
    arguments = (logits, target, temperature, classes)
    exact = exact_row(*arguments)
    columns: dict[str, dict[str, Any]] = {
        "naive": naive(kind, *arguments),
        "shifted": shifted(kind, *arguments),
        "neglog": {name: kind.round(x) for name, x in ours(kind, *arguments).items()},
    }
    wanted = [name for name in STEPS if name != "scaled" or temperature != 1.0]
    row.steps.update({n: _step(kind, n, STEPS[n], columns, exact, row) for n in wanted})
    row.losses.update({n: _step(kind, n, LOSSES[n], columns, exact, row) for n in LOSSES})
    return row


def _step(
    kind: Type,
    name: str,
    words: tuple[str, str],
    columns: dict[str, dict[str, Any]],
    exact: Exact,
    row: Row,
) -> Step:
    if name in ("logits", "one_hot"):
        return _given_step(kind, name, words, row)
    truth: Numbers = exact.nll if name == "binary" else getattr(exact, name)
    unshifted: Numbers | None = getattr(exact, f"{name}_unshifted", None)
    found = {
        key: column(kind, numbers[name], unshifted or truth if key == "naive" else truth)
        for key, numbers in columns.items()
        if name in numbers
    }
    shape = np.shape(columns["neglog"][name])
    return Step(
        name,
        *words,
        shape,
        found["neglog"],
        truth,
        found.get("naive"),
        found.get("shifted"),
        unshifted,
    )


def _given_step(kind: Type, name: str, words: tuple[str, str], row: Row) -> Step:
    """The logits, which lose what the type cannot hold, and the target, which loses nothing."""
    numbers = row.given
    if name == "one_hot":
        numbers = tuple(float(j == row.target) for j in range(len(row.given)))
    exact = tuple(map(Decimal, numbers))
    same = column(kind, kind.round(np.array(numbers)), exact)
    return Step(name, *words, (len(numbers),), same, exact, same, same)
