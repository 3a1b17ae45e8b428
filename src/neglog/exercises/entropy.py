"""Checks of chapter 7: yes or no, two distributions, and the cost of a wrong distribution."""

from typing import Any

import numpy as np
import numpy.typing as npt

from neglog.exercises._verdict import Verdict, judge_function
from neglog.exercises._words import say

_PAIRS = [
    ([0.0, 0.0, 1.0], [0.1, 0.2, 0.7]),
    ([0.5, 0.25, 0.25], [0.5, 0.25, 0.25]),
    ([0.3, 0.7], [0.6, 0.4]),
    ([0.5, 0.5, 0.0], [0.25, 0.75, 0.0]),
    ([0.9, 0.1], [1e-300, 1.0]),
]


def check_binary_log_likelihood(function: Any) -> Verdict:
    """Judge ``function(y_pred, y)``: the log-likelihood of yes-or-no answers.

    Args:
        function: your function; takes the probabilities of class 1 and the true classes, 0 or 1,
            as lists; returns the sum of log(y_pred) where y is 1 and log(1 - y_pred) where y is 0.

    Examples:
        >>> check_binary_log_likelihood(lambda y_pred, y: np.sum(np.log(y_pred)))
        not yet: for y_pred [0.9, 0.2, 0.6], y [1, 0, 1] your function gave -2.22562; rows with y =
        0 contribute a factor too: which one?
    """
    inputs = [
        ([0.9, 0.2, 0.6], [1, 0, 1]),
        ([0.5], [0]),
        ([0.99, 0.01, 0.5, 0.5], [0, 1, 1, 0]),
        ([0.0, 1.0, 0.7], [0, 1, 1]),
    ]
    return judge_function(function, inputs, _binary_log_likelihood, _binary_hint)


def check_cross_entropy(function: Any) -> Verdict:
    """Judge ``function(t, q)``: the cross-entropy of q when t is the truth, in nats.

    Args:
        function: your function; takes two lists of probabilities, returns a number. A class with
            t = 0 adds nothing, even if q is 0 there too.

    Examples:
        >>> check_cross_entropy(lambda t, q: -np.log(q[np.argmax(t)]))
        not yet: for t [0.5, 0.25, 0.25], q [0.5, 0.25, 0.25] your function gave 0.693147; every
        class counts, with the weight t
    """
    return judge_function(function, _PAIRS, _cross_entropy, _cross_entropy_hint)


def check_kl_divergence(function: Any) -> Verdict:
    """Judge ``function(t, q)``: what it costs, in nats, to use q when t is the truth.

    Args:
        function: your function; takes two lists of probabilities, returns the sum of
            t log(t / q). A class with t = 0 adds nothing.

    Examples:
        >>> check_kl_divergence(lambda t, q: np.sum(np.abs(np.subtract(t, q))))
        not yet: for t [0, 0, 1], q [0.1, 0.2, 0.7] your function gave 0.6; how far is the
        cross-entropy above the entropy of t?
    """
    return judge_function(function, _PAIRS, _kl_divergence, _kl_hint)


def _binary_log_likelihood(y_pred: npt.ArrayLike, y: npt.ArrayLike) -> Any:
    chosen = np.where(np.asarray(y) == 1, y_pred, 1 - np.asarray(y_pred))
    return np.sum(np.log(chosen))


def _binary_hint(got: Any, y_pred: npt.ArrayLike, y: npt.ArrayLike) -> str:
    right = _binary_log_likelihood(y_pred, y)
    if np.isnan(got):
        return say(
            "0 times log 0 is nan in floating point: choose the factor, then take its logarithm"
        )
    if np.isclose(got, -right):
        return say("check the sign: this is the loss; return the log-likelihood")
    if np.isclose(got, np.exp(right)):
        return say("this is the likelihood, a product; return its logarithm")
    if np.isclose(got, right / np.size(y)):
        return say("this is the mean; return the sum")
    if np.isclose(got, _binary_log_likelihood(1 - np.asarray(y_pred), y)):
        return say("the two cases are swapped: y_pred is the probability of class 1")
    return say("rows with y = 0 contribute a factor too: which one?")


def _expected(weights: npt.ArrayLike, surprise: Any) -> Any:
    """sum w s, where a weight of 0 contributes 0 even if the surprise is infinite."""
    w = np.asarray(weights, np.float64)
    with np.errstate(invalid="ignore"):
        return np.sum(np.where(w == 0, 0.0, w * surprise))


def _cross_entropy(t: npt.ArrayLike, q: npt.ArrayLike) -> Any:
    with np.errstate(divide="ignore"):
        return _expected(t, -np.log(q))


def _kl_divergence(t: npt.ArrayLike, q: npt.ArrayLike) -> Any:
    return _cross_entropy(t, q) - _cross_entropy(t, t)


def _cross_entropy_hint(got: Any, t: npt.ArrayLike, q: npt.ArrayLike) -> str:
    right = _cross_entropy(t, q)
    if np.isnan(got):
        return say("0 times log 0 is nan in floating point; a class with t = 0 contributes nothing")
    if np.isclose(got, -right):
        return say("check the sign: the log of a probability is negative, a cross-entropy is not")
    if np.isclose(got, _cross_entropy(q, t)):
        return say(
            "the two are swapped: t is the weight, and the logarithm is that of the prediction q"
        )
    if np.isclose(got, right / np.log(2)):
        return say("this is in bits; use nats, the natural logarithm")
    if np.isclose(got, right / np.size(t)):
        return say("this is divided by the number of classes; t is already the weight")
    if np.isclose(got, _kl_divergence(t, q)):
        return say("this is the divergence, which does not include the entropy of t")
    return say("every class counts, with the weight t")


def _kl_hint(got: Any, t: npt.ArrayLike, q: npt.ArrayLike) -> str:
    right = _kl_divergence(t, q)
    if np.isnan(got):
        return say("0 times log 0 is nan in floating point; a class with t = 0 contributes nothing")
    if np.isclose(got, -right):
        return say("check the sign: a wrong distribution never costs less than the right one")
    if np.isclose(got, _cross_entropy(t, q)):
        return say("this is the cross-entropy: what would the right distribution cost?")
    if np.isclose(got, _kl_divergence(q, t)):
        return say("the two are swapped: the truth t is the weight and the numerator")
    if np.isclose(got, right / np.log(2)):
        return say("this is in bits; use nats, the natural logarithm")
    return say("how far is the cross-entropy above the entropy of t?")
