"""Checks of chapter 3: method 1, method 2, and a loss without an epsilon."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog._numpy import cross_entropy, log_softmax, min_entropy, one_vs_rest_nll
from neglog.exercises._verdict import Verdict, judge_function, show
from neglog.exercises._words import say

Doubles = NDArray[np.float64]

_ROWS = (
    (np.array([5.0, 4.0, 2.0]), 0),
    (np.array([4.0, 2.0, 8.0]), 2),
    (np.array([4.0, 4.0, 1.0]), 1),
    (np.array([0.0, 0.0]), 1),
    (np.array([1.0, -1.0, 2.0, 0.5]), 1),
)
_HARD = (
    (np.array([1000.0, 0.0]), 1),
    (np.array([0.0, -2000.0, 3.0]), 1),
    (np.array([30.0, 0.0, 0.0]), 0),
)


def check_blind_row(answer: Any) -> Verdict:
    """Judge a row that fools method 1: -log max p is below 0.01, and -log p_y is above 5.

    Args:
        answer: a pair of one row of logits and its target.

    Examples:
        >>> check_blind_row(([5, 4, 2], 2))
        not yet: method 1 is 0.349, the loss is 3.349; make the model more confident in its
        favourite
    """
    try:
        logits, target = answer
        row = np.asarray(logits, np.float64)
        first, loss = float(min_entropy(row)), -float(log_softmax(row)[target])
    except Exception as error:
        return Verdict(
            False,
            say(
                "pass a pair (logits, target); {answer} raised: {error}",
                answer=show(answer),
                error=error,
            ),
        )
    if row.ndim != 1:
        return Verdict(
            False, say("expected one row of logits, not an array of shape {shape}", shape=row.shape)
        )
    numbers = say(
        "method 1 is {first}, the loss is {loss}", first=f"{first:.4g}", loss=f"{loss:.4g}"
    )
    if not first < 0.01:
        return Verdict(
            False, say("{numbers}; make the model more confident in its favourite", numbers=numbers)
        )
    if not loss > 5:
        return Verdict(
            False, say("{numbers}; which target would make the loss large?", numbers=numbers)
        )
    return Verdict(
        True,
        say(
            "{numbers}; the model is sure and wrong, and method 1 does not notice", numbers=numbers
        ),
    )


def check_method_2(answer: Any) -> Verdict:
    """Judge `answer(logits, target)`: -log p_y, plus -log(1 - p_j) for every other class j.

    Args:
        answer: your function; takes an array of logits and a class, returns a number.

    Examples:
        >>> check_method_2(lambda logits, target: min_entropy(logits))
        not yet: for logits [5, 4, 2], target 0 your function gave 0.349012; that is only the
        target's term; the other classes contribute too
    """

    def wanted(logits: Doubles, target: int) -> float:
        return float(one_vs_rest_nll(logits, target))

    return judge_function(answer, _ROWS, wanted, _which_method)


def check_no_epsilon(answer: Any) -> Verdict:
    """Judge `answer(logits, target)`: the loss, right even where p_y is rounded to 0.

    Args:
        answer: your function; takes an array of logits and a class, returns a number.

    Examples:
        >>> check_no_epsilon(lambda z, y: -np.log(np.exp(log_softmax(z)[y]) + 1e-9))
        not yet: for logits [1000, 0], target 1 your function gave 20.7233; the loss should be 1000:
        something caps it
    """

    def wanted(logits: Doubles, target: int) -> float:
        return float(cross_entropy(logits, target))

    return judge_function(answer, _ROWS + _HARD, wanted, _what_epsilon_does)


def _which_method(got: Doubles, logits: Doubles, target: int) -> str:
    log_p = log_softmax(logits)
    if np.isclose(got, -log_p[target]):
        return say("that is only the target's term; the other classes contribute too")
    if np.isclose(got, -np.log1p(-np.exp(log_p)).sum() - log_p[target]):
        return say("the target is counted twice: leave it out of the sum over the others")
    if np.isclose(got, -log_p.sum()):
        return say("the others should be improbable: their term is not -log p_j")
    return say("add -log p for the target and -log(1 - p) for each of the others")


def _what_epsilon_does(got: Doubles, logits: Doubles, target: int) -> str:
    if not np.isfinite(got):
        return say("a probability became 0 (or an exp overflowed) before the log; work with logits")
    if got < 0:
        return say("the loss is negative: is there an epsilon in the logarithm?")
    loss = float(cross_entropy(logits, target))
    if got < 0.9 * loss:
        return say("the loss should be {loss}: something caps it", loss=f"{loss:.6g}")
    return say("close, but digits are missing; use log p_y = z_y - log sum exp(z), without epsilon")
