"""Named hard rows and the defects of other libraries that they show, each with its reason.

`hard_rows` are the rows that the promised ulps are measured on; `DEFECTS` are rows on which a
released library was seen to go wrong, with the answer known beforehand.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

SEED = 20240611


class HardRow(NamedTuple):
    name: str
    logits: NDArray[Any]  # (V,), exactly what the dtype holds
    targets: tuple[int, int]  # the largest class, and another
    reason: str


def _values(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[Any], str]]:
    normal = rng.standard_normal
    yield "plain", normal(1000) * 3, "the ordinary case, which must not pay for the others"
    yield "confident", _topped(normal(1000), 18.0), "1 + sum of the others keeps few digits of it"
    yield "sure", _topped(normal(1000), 30.0), "1 + sum of the others is 1: log and p - 1 give 0"
    yield "offset", normal(1000) * 3 + 3e4, "lse and z_y agree in all digits but the last two"
    yield "tail", _topped(np.zeros(5003), 17.0), "5003 terms that each vanish beside 1"
    yield "wide", normal(1000) * 30, "gaps of all sizes: the rounding of z - max shows in exp"
    yield "two", np.array([9.7, -1.3]), "V = 2: the smallest row with a loss"
    yield "ten", _topped(normal(10), 9.0), "V = 10: many rows side by side in a vector"
    yield "vocabulary", _topped(normal(151936), 25.0), "V = 151936: a row that leaves the cache"
    # equal terms are rounded the same way each time: even 250 sums of
    # 4096 each, added up as plain doubles, are 30 ulp off
    yield "million", _topped(np.zeros(1000003), 14.7), "V = 1000003: a running sum loses digits"


HARD_NAMES = (
    "plain",
    "confident",
    "sure",
    "offset",
    "tail",
    "wide",
    "two",
    "ten",
    "vocabulary",
    "million",
)


def _topped(values: NDArray[Any], gap: float) -> NDArray[Any]:
    """One class in the middle raised to `gap` above the others' largest."""
    values = values.copy()
    values[len(values) // 2] = values.max() + gap
    return values


@functools.cache
def hard_rows(dtype: Any) -> list[HardRow]:
    """Every hard row, as `dtype` holds it, with two targets: the largest class, and another."""
    rows = []
    for name, values, reason in _values(np.random.default_rng(SEED)):
        logits = values.astype(np.float32).astype(dtype) if np.dtype(dtype).itemsize < 8 else values
        targets = (int(logits.astype(np.float64).argmax()), len(values) // 3)
        rows.append(HardRow(name, logits, targets, reason))
    return rows


def plain_float32(logits: NDArray[np.float32], target: int) -> tuple[Any, NDArray[np.float32]]:
    """The textbook's loss and gradient: shifted, lse - z_y, p - 1, a running sum, all float32."""
    top = logits.max()
    e = np.exp(logits - top)
    total = np.cumsum(e, dtype=np.float32)[-1]
    grad = e / total
    grad[target] -= np.float32(1)
    return top + np.log(total) - logits[target], grad


@dataclass(frozen=True)
class Defect:
    """One row (or batch) on which released code was seen to fail, and its right loss."""

    name: str
    logits: Any
    target: Any
    nll: float | list[float]  # of each row, to 8 digits
    seen: str
    options: dict[str, Any] = field(default_factory=dict)
    dtype: str = "float32"


DEFECTS = (
    Defect(
        "gap of 17",
        [17, 0, 0],
        0,
        8.2798751e-08,
        "loss and gradient exactly 0 from a gap of 17 on: log(1 + x) instead of log1p",
    ),
    Defect(
        "gap of 10",
        [10, 0, 0],
        0,
        9.0795736e-05,
        "loss off by 4e-4 relative: log(1 + x) has kept three digits of x",
    ),
    Defect(
        "common offset",
        [1e4, 9990],
        0,
        4.5398899e-05,
        "a common offset costs all digits: lse - z_y of two numbers near 1e4",
    ),
    Defect(
        "gap of 30",
        [30, 0],
        0,
        9.3576230e-14,
        "the target's gradient as p - 1 is 0 near p = 1, and training stops",
    ),
    Defect(
        "minus infinity, probability 0",
        [0, -np.inf, 1],
        [0.5, 0, 0.5],
        0.81326169,
        "0 * inf = nan: a logit of -inf whose target probability is 0",
    ),
    Defect(
        "first half at minus infinity",
        np.repeat([-np.inf, 0], 40000),
        79999,
        10.596635,
        "a row whose first block is all -inf: the online maximum computes inf - inf",
    ),
    Defect(
        "softcap over padding",
        [1, 0, -np.inf],
        0,
        0.31336126,
        "a softcap turns the -inf of padding into -softcap, and padding gets probability",
        {"softcap": 30.0},
    ),
    Defect(
        "uint8 wraps",
        [0, 255],
        0,
        255.0,
        "integer logits overflow: 0 - 255 is 1 in uint8",
        {},
        "uint8",
    ),
    Defect(
        "clipped far miss",
        [1, -1e30],
        1,
        1e30,
        "probabilities clipped at 1e-7 or eps: all far misses cost the same",
    ),
    Defect(
        "every row ignored",
        [[1, 2], [3, 4]],
        [-100, -100],
        [0, 0],
        "a mean over no row is 0/0: nan, or an exception in the backward pass",
    ),
    Defect(
        "nan in an ignored row",
        [[np.nan, 2], [3, 3]],
        [-100, 0],
        [0, 0.69314718],
        "0 * nan = nan: an ignored row leaks into the sum",
    ),
    Defect(
        "infinity in an ignored row",
        [[np.inf, np.inf], [3, 3]],
        [-100, 0],
        [0, 0.69314718],
        "inf - inf: an ignored row leaks into the sum",
    ),
    Defect(
        "one class only",
        [[3], [-7]],
        [0, 0],
        [0, 0],
        "one class: a crash, or -0, where the loss is 0",
    ),
)

# Widths just beyond a block, a known vocabulary, and one that no block of 2^k divides: code that
# pads the row to its block adds exp(0) for each padded column.
PADDED_WIDTHS = (4097, 50257, 128257)

# Targets that others wrap (-1 in NumPy), read outside (V), store outside, or truncate to 32 bits
# (2^32 becomes 0, 2^40 too).
BAD_TARGETS = (-1, -101, "V", 2**31, 2**32, 2**40, -(2**63))
