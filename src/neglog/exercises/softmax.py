"""Checks of chapter 1: from logits to probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog._numpy import softmax
from neglog.exercises._verdict import Verdict, judge_function, judge_value
from neglog.exercises._words import say

Doubles = NDArray[np.float64]

_PLAIN = ([5.0, 4.0, 2.0], [0.0, 0.0], [-1.0, -2.5, 0.5, 3.0], [4.0, 4.0, 1.0])
_LARGE = ([1000.0, 999.0, 997.0], [-1000.0, -1001.0], [2000.0, 0.0, -2000.0])


def check_softmax(answer: Any) -> Verdict:
    """Judge `answer(z)`: the softmax of one row of logits.

    Args:
        answer: your function; takes an array of logits, returns one probability per logit.

    Examples:
        >>> check_softmax(lambda z: z / z.sum())
        not yet: for z [5, 4, 2] your function gave [0.454545, 0.363636, 0.181818]; the sum is 1,
        but the ratio of two classes must be exp(difference of their logits)
    """

    def wanted(z: Doubles) -> Doubles:
        return softmax(z)

    return judge_function(answer, _calls(_PLAIN), wanted, _what_is_odd)


def check_stable_softmax(answer: Any) -> Verdict:
    """Judge `answer(z)`: the softmax, even where exp(z) overflows or is 0 for every class.

    Args:
        answer: your function; takes an array of logits, returns one probability per logit.

    Examples:
        >>> check_stable_softmax(lambda z: np.exp(z) / np.exp(z).sum())
        not yet: for z [1000, 999, 997] your function gave [nan, nan, nan]; exp left the range of
        float64; which constant could be subtracted from z first?
    """

    def wanted(z: Doubles) -> Doubles:
        return softmax(z)

    return judge_function(answer, _calls(_PLAIN + _LARGE), wanted, _what_is_lost)


def check_temperature(answer: Any) -> Verdict:
    """Judge the temperature at which the logits 5 and 4 have probabilities in the ratio 10 to 1.

    Args:
        answer: a number, to four digits.

    Examples:
        >>> check_temperature(1.0)
        not yet: 1 is not right; the ratio of two probabilities is exp(difference of their logits /
        T)
    """
    hint = say("the ratio of two probabilities is exp(difference of their logits / T)")
    return judge_value(answer, 1 / np.log(10.0), hint, relative=1e-3)


def _calls(rows: tuple[list[float], ...]) -> list[tuple[Doubles]]:
    return [(np.array(row),) for row in rows]


def _what_is_odd(got: Doubles, z: Doubles) -> str:
    if not np.isfinite(got).all():
        return say("some entry is not a finite number; what did exp return?")
    if (got < 0).any():
        return say("a probability is never negative; neither is an exponential")
    if not np.isclose(got.sum(), 1.0):
        return say("the sum is {total}; probabilities sum to 1", total=f"{got.sum():.6g}")
    if (got.argsort(kind="stable") != np.argsort(z, kind="stable")).any():
        return say("the order of the classes has changed")
    return say("the sum is 1, but the ratio of two classes must be exp(difference of their logits)")


def _what_is_lost(got: Doubles, z: Doubles) -> str:
    if not np.isfinite(got).all():
        return say(
            "exp left the range of float64; which constant could be subtracted from z first?"
        )
    return _what_is_odd(got, z)
