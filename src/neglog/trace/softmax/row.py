"""One row, step by step, in four columns."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from .exact import Exact, Numbers, exact_row
from .floats import Type, column
from .kernels import kernel_row
from .steps import LOSSES, STEPS, Step
from .textbook import naive, shifted

SHOWN_CLASSES = 12  # what fits on a page, in a terminal and in a figure


@dataclass(frozen=True)
class Row:
    """A row of logits and its target: `steps` and `losses` by name.

    `given` holds the logits before they are rounded to the type. `argmax` holds every class that
    ties for the maximum; it is empty if the maximum is nan.
    """

    given: tuple[float, ...]
    target: int
    argmax: tuple[int, ...]
    steps: dict[str, Step]
    losses: dict[str, Step]


def shown(row: Row) -> tuple[list[int], list[int]]:
    """The classes that are shown, and the others; each in order.

    Up to twelve classes: all. Of more: the target and the ten largest logits (nan counts as the
    largest, because the reader has to see it).
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
        "neglog": {name: kind.round(x) for name, x in kernel_row(kind, *arguments).items()},
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
    """The logits, rounded to the type, and the target, which is exact in every type."""
    numbers = row.given
    if name == "one_hot":
        numbers = tuple(float(j == row.target) for j in range(len(row.given)))
    exact = tuple(map(Decimal, numbers))
    same = column(kind, kind.round(np.array(numbers)), exact)
    return Step(name, *words, (len(numbers),), same, exact, same, same)
