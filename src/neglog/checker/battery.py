"""The rows that a function is called on, each chosen to tell one mistake from the others.

The easy rows have positive logits of ordinary size: any sound arithmetic gets them right, so what
is off there is the formula. The hard rows are single rows on which one kind of arithmetic fails.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .recipe import LD, softmax

# Few shapes, because some libraries compile their operations for each.
EASY = ((0.3, 2.1, 1.2), (3.1, 0.4, 2.6), (1.7, 1.1, 0.2), (0.6, 2.4, 3.3))
WEIGHTS = (0.5, 2.0, 1.25)
KINDS = ("logits", "probabilities", "log-probabilities")


@dataclass(frozen=True)
class Case:
    """One call: logits (N, V), target (N,), and options by torch's keyword names."""

    name: str
    logits: NDArray[Any]
    target: NDArray[np.int64]
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = "logits"  # what the function is given: see `given`

    @property
    def dtype(self) -> str:
        return str(self.logits.dtype.name)

    @property
    def kept(self) -> NDArray[np.bool_]:
        """The rows that count; (N,)."""
        return np.asarray(self.target != self.options.get("ignore_index", -100))

    @property
    def safe_target(self) -> NDArray[np.int64]:
        """The target, 0 where it is no class."""
        inside = (self.target >= 0) & (self.target < self.logits.shape[1])
        return np.where(inside, self.target, 0)

    def with_logits(self, logits: NDArray[Any]) -> "Case":
        return replace(self, logits=logits)

    def read_as(self, kind: str) -> "Case":
        return replace(self, kind=kind)

    def given(self) -> NDArray[Any]:
        """What the function gets: the logits, or what it reads instead of them."""
        if self.kind == "logits":
            return np.array(self.logits)
        s = softmax(self.logits.astype(LD))
        read = s.p if self.kind == "probabilities" else s.log_p
        return np.asarray(read, self.logits.dtype)


def row(name: str, logits: Any, target: Any, dtype: str, **options: Any) -> Case:
    """A case; a list of numbers is one row."""
    z, y = np.atleast_2d(np.array(logits, dtype)), np.atleast_1d(np.array(target, np.int64))
    return Case(name, z, y, options)


def repeated(case: Case, times: int) -> Case:
    """A single row so many times: the mean is the same, and so is each row's gradient, divided.

    JAX compiles for each shape, which takes half a second.
    """
    if len(case.target) > 1:
        return case
    logits, target = np.tile(case.logits, (times, 1)), np.tile(case.target, times)
    return replace(case, logits=logits, target=target)


def easy(dtype: str, times: int = 1) -> list[Case]:
    """The formula shows in these. The first two differ in the target alone: what is kept shows."""
    square = [row("three rows of three classes", EASY[:3], (2, 2, 1), dtype)]
    return [
        row("easy rows", EASY, (1, 2, 0, 1), dtype),
        row("the same rows, other targets", EASY, (2, 0, 1, 0), dtype),
        repeated(row("one easy row", EASY[0], 0, dtype), times),
        *(square if times == 1 else []),
    ]


def with_options(dtype: str) -> dict[str, list[Case]]:
    """Cases for each option that a function may have."""
    y = (1, 2, 0, 1)
    return {
        "weight": [row("class weights", EASY, y, dtype, weight=WEIGHTS)],
        "label_smoothing": [row("label smoothing", EASY, y, dtype, label_smoothing=0.3)],
        "ignore_index": [
            row("an ignored row", EASY, (1, -100, 0, 1), dtype, ignore_index=-100),
            row("a class that is ignored", EASY, y, dtype, ignore_index=2),
        ],
        "reduction": [
            row("the sum", EASY, y, dtype, reduction="sum"),
            row("each row", EASY, y, dtype, reduction="none"),
        ],
    }


def ignored(dtype: str) -> list[Case]:
    """What an ignored row must not do."""
    hidden = ((np.nan,) * 3, *EASY[1:])
    return [
        row("nan in an ignored row", hidden, (-100, 2, 0, 1), dtype, ignore_index=-100),
        row("every row ignored", EASY, (-100,) * 4, dtype, ignore_index=-100),
    ]


def hard(dtype: str, times: int = 1) -> dict[str, Case]:
    """Rows on which arithmetic fails, by name."""
    far = 40 if dtype == "float64" else 17  # from here on 1 + exp(-gap) is 1
    apart = ((1000, 999, 998), (0, 1, 2), (1, 0, 2), (2, 1, 0))
    one = {
        "large": row("large logits", (1000, 999, 998), 1, dtype),
        "small": row("logits far below 0", (-1000, -1001, -1002), 1, dtype),
        "miss": row("a far miss", (0, -1000, 0), 1, dtype),
        "apart": row("rows far apart", apart, (1, 2, 0, 1), dtype),
        "unlikely": row("an unlikely target", (0, -9, 0), 1, dtype),
        "sure": row("a confident row", (10, 0, 0), 0, dtype),
        "surer": row("a row that is as good as certain", (far, 0, 0), 0, dtype),
        "offset": row("a common offset", (10000, 9990, 9980), 0, dtype),
        "masked": row("a masked class", (0, -np.inf, 1), 0, dtype),
    }
    return {name: repeated(case, times) for name, case in one.items()}


def halves() -> Case:
    """The losses of these rows add up to more than 65504, the largest float16."""
    rows = np.tile(np.array((4.5, -4.5, -4.5)), (8192, 1))
    return row("8192 rows of float16", rows, np.ones(8192), "float16")


def outside(dtype: str) -> list[Case]:
    """Targets that are no classes."""
    return [
        row("a target of -1", EASY, (1, -1, 0, 1), dtype),
        row("a target of V", EASY, (1, 3, 0, 1), dtype),
    ]


def whole_numbers() -> Case:
    return row("logits of uint8", (0, 255, 254), 0, "uint8")
