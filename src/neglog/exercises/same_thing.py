"""Checks of chapter 8, one number with three names: its input, its value, its equivalents."""

from typing import Any

import numpy as np
import numpy.typing as npt

from neglog._numpy import log_softmax, softmax
from neglog.exercises._verdict import Verdict, judge_function, show
from neglog.exercises._words import say

_EQUIVALENT = frozenset("ABDF")
_STATEMENTS = "ABCDEF"


def check_log_probs(function: Any) -> Verdict:
    """Judge ``function(logits)``: the input that NLLLoss expects.

    Args:
        function: your function; takes rows of logits, shape (N, V), returns an array of the same
            shape.

    Examples:
        >>> check_log_probs(lambda logits: logits)
        not yet: for logits [[5, 4, 2]] your function gave [[5, 4, 2]]; exp of a row must sum to 1,
        but exp of your first row sums to 210.4
    """
    inputs = [
        (np.array([[5.0, 4.0, 2.0]]),),
        (np.array([[0.0, 0.0], [-3.0, 3.0]]),),
        (np.array([[1000.0, 0.0, 999.0]]),),
        (np.array([[-1000.0, -1001.0]]),),
    ]
    return judge_function(function, inputs, _log_probs, _log_probs_hint)


def check_mean_nll(function: Any) -> Verdict:
    """Judge ``function(logits, target)``: the cross-entropy of a batch from its logits.

    Args:
        function: your function; takes rows of logits, shape (N, V), and N class indices; returns
            one number, the mean of -log p of the true classes.

    Examples:
        >>> check_mean_nll(lambda logits, target: 0.0)
        not yet: for logits [[5, 4, 2]], target [0] your function gave 0; which entry of
        log softmax belongs to the target?
    """
    inputs = [
        (np.array([[5.0, 4.0, 2.0]]), np.array([0])),
        (np.array([[5.0, 4.0, 2.0], [4.0, 2.0, 8.0], [4.0, 4.0, 1.0]]), np.array([0, 2, 1])),
        (np.array([[0.0, 1.0], [2.0, 0.0]]), np.array([0, 1])),
        (np.array([[1000.0, 0.0, 999.0], [0.0, 0.0, 0.0]]), np.array([2, 1])),
    ]
    return judge_function(function, inputs, _mean_nll, _mean_nll_hint)


def check_equivalents(letters: Any) -> Verdict:
    """Judge which of six tasks have the same solution as "maximise the likelihood Λ".

    A maximise log Λ. B minimise -log Λ. C minimise log(-Λ). D minimise -Λ. E minimise log Λ.
    F minimise -log(Λ) / N.

    Args:
        letters: the letters of the tasks that have the same solution, as one word.

    Examples:
        >>> check_equivalents("A")
        not yet: 'A' is right but incomplete: what does a positive constant factor change? And what
        do two sign flips change?
    """
    chosen = {x for x in str(letters).upper() if not x.isspace() and x not in ",;"}
    if not chosen or not chosen <= set(_STATEMENTS):
        return Verdict(
            False,
            say(
                "{letters} is not a word of the letters A to F, such as 'AE'", letters=show(letters)
            ),
        )
    if "C" in chosen:
        return Verdict(
            False, say("compute C for a likelihood of 0.001: what is the logarithm taken of?")
        )
    if "E" in chosen:
        return Verdict(False, say("the logarithm grows with the likelihood: where is it smallest?"))
    if chosen != _EQUIVALENT:
        return Verdict(
            False,
            say(
                "{letters} is right but incomplete: what does a positive constant factor "
                "change? And what do two sign flips change?",
                letters=show(letters),
            ),
        )
    return Verdict(True, say("A, B, D and F are solved by the maximum likelihood; C is undefined"))


def _log_probs(logits: npt.ArrayLike) -> Any:
    return log_softmax(np.asarray(logits, np.float64))


def _log_probs_hint(got: Any, logits: npt.ArrayLike) -> str:
    right = _log_probs(logits)
    if not np.isfinite(got).all():
        return say(
            "the exponential overflows or a probability became 0: subtract the maximum first"
        )
    if np.allclose(got, np.exp(right)):
        return say("these are probabilities; NLLLoss does not take their logarithm for you")
    if np.allclose(got, -right):
        return say("check the sign: NLLLoss flips it, so do not flip it first")
    first = np.exp(got[0]).sum()
    if np.isclose(first, 1):
        return say("exp of a row sums to 1, but these are not the softmax's probabilities")
    return say(
        "exp of a row must sum to 1, but exp of your first row sums to {total}", total=show(first)
    )


def _mean_nll(logits: npt.ArrayLike, target: npt.ArrayLike) -> Any:
    return -_picked(_log_probs(logits), target).mean()


def _picked(table: Any, target: npt.ArrayLike) -> Any:
    """The target's entry of every row."""
    return table[np.arange(len(table)), np.asarray(target)]


def _mean_nll_hint(got: Any, logits: npt.ArrayLike, target: npt.ArrayLike) -> str:
    right = _mean_nll(logits, target)
    if not np.isfinite(got):
        return say(
            "the exponential overflows, or a logarithm of 0 was taken: use log-probabilities"
        )
    if np.isclose(got, -right):
        return say("check the sign: a loss falls when the likelihood rises")
    if np.isclose(got, right * np.size(target)):
        return say("this is the sum over the batch; return the mean")
    if np.isclose(got, _mean_nll(softmax(np.asarray(logits, np.float64)), target)):
        return say("softmax was applied twice: log_softmax takes the logits themselves")
    if np.isclose(got, -_picked(np.asarray(logits), target).mean()):
        return say("minus the logit is not yet a loss: the log-sum-exp of the row is missing")
    return say("which entry of log softmax belongs to the target?")
