"""Checks of chapter 4: p - y, the Jacobian, and a loss whose gradient dies."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog._numpy import cross_entropy_and_grad, softmax, softmax_jacobian
from neglog.exercises._verdict import Verdict, judge_function, show
from neglog.exercises._words import say

Doubles = NDArray[np.float64]

_ROWS = (
    (np.array([5.0, 4.0, 2.0]), 0),
    (np.array([4.0, 2.0, 8.0]), 1),
    (np.array([0.0, 0.0]), 1),
    (np.array([1.0, -1.0, 2.0, 0.5]), 3),
)


def check_gradient(answer: Any) -> Verdict:
    """Judge `answer(logits, target)`: the gradient of the loss with respect to the logits.

    Args:
        answer: your function; takes an array of logits and a class, returns one number per logit.

    Examples:
        >>> check_gradient(lambda logits, target: softmax(logits))
        not yet: for logits [5, 4, 2], target 0 your function gave [0.705385, 0.259496, 0.035119];
        these are the probabilities; subtract something from one entry
    """

    def wanted(logits: Doubles, target: int) -> Doubles:
        gradient: Doubles = cross_entropy_and_grad(logits, target)[1]
        return gradient

    return judge_function(answer, _ROWS, wanted, _what_is_odd)


def check_jacobian(answer: Any) -> Verdict:
    """Judge `answer(logits)`: the table of all dp_i / dz_j.

    Args:
        answer: your function; takes an array of V logits, returns an array (V, V).

    Examples:
        >>> check_jacobian(lambda logits: np.diag(softmax(logits)))
        not yet: for logits [5, 4, 2] your function gave [[0.705385, 0, 0], [0, 0.259496, 0], [0, 0,
        0.035119]]; the diagonal is wrong: that is the case i = j
    """

    def wanted(logits: Doubles) -> Doubles:
        return softmax_jacobian(logits)

    rows = tuple((logits,) for logits, _ in _ROWS)
    return judge_function(answer, rows, wanted, _which_case)


def check_dead_row(answer: Any) -> Verdict:
    """Judge logits that are wrong for class 0, but for which the squared error has no pull.

    Wrong means p_0 < 0.01. No pull means that every entry of the gradient of sum (p - y)^2 with
    respect to the logits is below 1e-6.

    Args:
        answer: one row of two or more finite logits.

    Examples:
        >>> check_dead_row([0, 5])
        not yet: p of class 0 is 0.00669, the largest pull of the squared error is 0.0264; the more
        confident the mistake, the smaller p (1 - p)
    """
    try:
        logits = np.asarray(answer, np.float64)
        p = softmax(logits)
        one_hot = np.eye(1, len(p))[0]
    except Exception as error:
        return Verdict(
            False,
            say(
                "pass one row of logits; {answer} raised: {error}", answer=show(answer), error=error
            ),
        )
    if logits.ndim != 1 or len(p) < 2 or not np.isfinite(logits).all():
        return Verdict(
            False,
            say("expected one row of two or more finite logits, not {answer}", answer=show(answer)),
        )
    squared = float(np.abs(softmax_jacobian(logits) @ (2 * (p - one_hot))).max())
    numbers = say(
        "p of class 0 is {p}, the largest pull of the squared error is {pull}",
        p=f"{p[0]:.3g}",
        pull=f"{squared:.3g}",
    )
    if not p[0] < 0.01:
        return Verdict(
            False,
            say("{numbers}; the model must be wrong: p of class 0 below 0.01", numbers=numbers),
        )
    if not squared < 1e-6:
        return Verdict(
            False,
            say(
                "{numbers}; the more confident the mistake, the smaller p (1 - p)", numbers=numbers
            ),
        )
    return Verdict(
        True,
        say("{numbers}; p - y still pulls with {pull}", numbers=numbers, pull=f"{1 - p[0]:.3g}"),
    )


def _what_is_odd(got: Doubles, logits: Doubles, target: int) -> str:
    p = softmax(logits)
    if np.allclose(got, -cross_entropy_and_grad(logits, target)[1]):
        return say("the sign is reversed: the loss falls against the gradient")
    if np.allclose(got, p):
        return say("these are the probabilities; subtract something from one entry")
    if not np.isclose(got.sum(), 0.0, atol=1e-9):
        return say(
            "the sum is {total}; it should be 0: what the target gains, the others lose",
            total=f"{got.sum():.6g}",
        )
    return say("compare with (loss(z + h) - loss(z - h)) / 2h for each logit in turn")


def _which_case(got: Doubles, logits: Doubles) -> str:
    right = softmax_jacobian(logits)
    if not np.allclose(np.diag(got), np.diag(right)):
        return say("the diagonal is wrong: that is the case i = j")
    return say("the diagonal is right; the case i != j is not")
