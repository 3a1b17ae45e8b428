"""Checks of chapter 2: the loss of a row, and what it says about probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.exercises._verdict import Verdict, judge_function
from neglog.exercises._words import say

Doubles = NDArray[np.float64]

_ROWS = [
    (np.array([0.7, 0.2, 0.1]), 0),
    (np.array([0.7, 0.2, 0.1]), 2),
    (np.array([0.2, 0.1, 0.65, 0.05]), 2),
    (np.array([0.5, 0.5]), 1),
]
_PROBABILITIES = [(np.array(p),) for p in ([0.71, 0.98, 0.49], [0.5, 0.5], [0.9, 0.001], [1.0])]


def check_unhappiness(answer: Any) -> Verdict:
    """Judge `answer(probabilities, target)`: the loss of one row.

    Args:
        answer: your function; takes an array of probabilities and a class, returns a number.

    Examples:
        >>> check_unhappiness(lambda probabilities, target: np.log(probabilities[target]))
        not yet: for probabilities [0.7, 0.2, 0.1], target 0 your function gave -0.356675; the loss
        of a probability is never negative
    """

    def wanted(probabilities: Doubles, target: int) -> float:
        return -float(np.log(probabilities[target]))

    return judge_function(answer, _ROWS, wanted, _what_is_odd)


def check_clueless(answer: Any) -> Verdict:
    """Judge `answer(number_of_classes)`: the loss of a model that gives all the same probability.

    Args:
        answer: your function; takes an integer of at least 1, returns a number.

    Examples:
        >>> check_clueless(lambda number_of_classes: 1 / number_of_classes)
        not yet: for number_of_classes 2 your function gave 0.5; which probability does each class
        have, including the target?
    """

    def wanted(number_of_classes: int) -> float:
        return float(np.log(number_of_classes))

    hint = say("which probability does each class have, including the target?")
    return judge_function(answer, ((2,), (3,), (10,), (1000,), (1,)), wanted, hint)


def check_typical_probability(answer: Any) -> Verdict:
    """Judge `answer(probabilities)`: the mean loss of some rows, converted to a probability.

    Args:
        answer: your function; takes an array of the probability of each row's target, returns
            their geometric mean.

    Examples:
        >>> check_typical_probability(np.mean)
        not yet: for probabilities [0.71, 0.98, 0.49] your function gave 0.726667; that is the mean
        of the probabilities; take the mean of the losses
    """

    def wanted(probabilities: Doubles) -> float:
        return float(np.exp(np.mean(np.log(probabilities))))

    return judge_function(answer, _PROBABILITIES, wanted, _which_mean)


def _what_is_odd(got: Doubles, probabilities: Doubles, target: int) -> str:
    if got < 0:
        return say("the loss of a probability is never negative")
    if np.isclose(got, -np.log(max(probabilities))):
        return say("that is the loss of the most probable class; which class is the target?")
    if np.isclose(got, -np.log10(probabilities[target])):
        return say("that is the logarithm to base 10; the loss is in nats, with base e")
    if np.isclose(got, -np.log2(probabilities[target])):
        return say("that is the logarithm to base 2; the loss is in nats, with base e")
    return say("only one entry of the probabilities counts")


def _which_mean(got: Doubles, probabilities: Doubles) -> str:
    if np.isclose(got, np.mean(probabilities)):
        return say("that is the mean of the probabilities; take the mean of the losses")
    if np.isclose(got, -np.mean(np.log(probabilities))):
        return say("that is the mean loss; now undo the -log")
    return say("first the loss of each row, then the mean, then back to a probability")
