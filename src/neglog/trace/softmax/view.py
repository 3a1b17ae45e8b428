"""What text and figure both show of a row: the same classes, the same sentences."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..._show.words import listed, printable
from .row import Row, shown
from .rows import Rows

FLAGS = {
    "overflow": "too large for the type: it became inf",
    "nan": "inf / inf, inf - inf or 0 * inf, which has no value",
    "underflow": "too small for the type: it became 0, or kept a few bits",
    "cancel": "a small number beside a large one: at least half of its digits are lost",
}


LISTED = 4  # names in a sentence


class Line(NamedTuple):
    """A class of a row, or the others as one: their logit is the log-sum-exp of theirs."""

    name: str
    logit: float
    scaled: float  # the logit over the temperature
    exp: float
    prob: float
    nll: float  # -log p
    grad: float
    is_target: bool
    is_largest: bool


def lines(subject: Rows, row: Row, names: Sequence[str]) -> list[Line]:
    """One line for each class that is shown, and one for all others together."""
    classes, others = shown(row)
    logit, exp, prob, log_prob, grad = (
        values(row, name) for name in ("logits", "exp", "prob", "log_prob", "grad")
    )
    scaled = values(row, "scaled") if "scaled" in row.steps else logit

    every = [
        Line(
            names[j], logit[j], scaled[j], exp[j], prob[j], 0.0 - log_prob[j], grad[j],
            j == row.target, j in row.argmax,
        )
        for j in classes
    ]  # fmt: skip
    if others:
        together = log_sum_exp([scaled[j] for j in others])
        sums = [math.fsum(step[j] for j in others) for step in (exp, prob, grad)]
        nll = 0.0 - log_sum_exp([log_prob[j] for j in others])
        name, logit_of_all = f"the others ({len(others)})", together * subject.temperature
        every.append(
            Line(name, logit_of_all, together, sums[0], sums[1], nll, sums[2], False, False)
        )
    return every


def display_names(subject: Rows) -> list[str]:
    """The class names in printable form; "class 0" if none were given."""
    if not subject.are_named:
        return [f"class {name}" for name in subject.class_names]
    return [printable(name) for name in subject.class_names]


def values(row: Row, name: str) -> tuple[float, ...]:
    """A step's numbers in the column `neglog`."""
    return row.steps[name].neglog.values


def log_sum_exp(numbers: Sequence[float]) -> float:
    """The logit of several classes as one."""
    if any(map(math.isnan, numbers)):
        return math.nan
    top = max(numbers)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(x - top) for x in numbers))


def verdict(row: Row, name: Callable[[int], str]) -> str:
    """Which class has the largest logit, and whether it is the target, in one sentence."""
    target, winners = name(row.target), [name(j) for j in row.argmax[:LISTED]]
    more = len(row.argmax) - len(winners)
    if not row.argmax:
        return "A logit is nan: no class is the largest, and everything after is nan."
    largest = values(row, "logits")[row.argmax[0]]
    if largest == -math.inf:
        return "Every logit is -inf: no class can have a probability, and everything is nan."
    if len(row.argmax) > 1 and largest == math.inf:
        every = "both" if len(row.argmax) == 2 else "all"
        return f"{listed(winners, more)} are {every} inf: inf / inf has no value, the rest is nan."
    if len(row.argmax) > 1:
        among = "one" if row.target in row.argmax else "none"
        tied = f"{listed(winners, more)} tie for the largest logit."
        return f"{tied} The target, {target}, is {among} of them."
    if row.target in row.argmax:
        return f"The target, {target}, has the largest logit: right."
    return f"The target is {target}, but {winners[0]} has the largest logit: wrong."
