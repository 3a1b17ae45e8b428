"""What text and figure both show of a row: the same classes, the same sentences."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..._show.language import Sentences
from ..._show.words import printable
from .row import Row, shown
from .rows import Rows

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


def lines(subject: Rows, row: Row, names: Sequence[str], say: Sentences) -> list[Line]:
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
        name, logit_of_all = say("others", n=str(len(others))), together * subject.temperature
        every.append(
            Line(name, logit_of_all, together, sums[0], sums[1], nll, sums[2], False, False)
        )
    return every


def display_names(subject: Rows, say: Sentences) -> list[str]:
    """The class names in printable form; "class 0" if none were given."""
    if not subject.are_named:
        return [say("class", n=name) for name in subject.class_names]
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


def verdict(row: Row, name: Callable[[int], str], say: Sentences) -> str:
    """Which class has the largest logit, and whether it is the target, in one sentence."""
    target, winners = name(row.target), [name(j) for j in row.argmax[:LISTED]]
    if not row.argmax:
        return say("verdict.nan")
    listed = say.listed(winners, len(row.argmax) - len(winners))
    largest = values(row, "logits")[row.argmax[0]]
    if largest == -math.inf:
        return say("verdict.minus_inf")
    if len(row.argmax) > 1 and largest == math.inf:
        return say("verdict.both_inf" if len(row.argmax) == 2 else "verdict.all_inf", listed=listed)
    if len(row.argmax) > 1:
        found = "verdict.tie_with" if row.target in row.argmax else "verdict.tie_without"
        return say(found, listed=listed, target=target)
    if row.target in row.argmax:
        return say("verdict.right", target=target)
    return say("verdict.wrong", target=target, winner=winners[0])
