"""Checks of chapter 6: a coin, a sum of logarithms, the best normal distribution."""

from math import comb
from typing import Any

import numpy as np

from neglog.exercises._verdict import Verdict, judge_function
from neglog.exercises._words import say

_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


def check_likelihood(function: Any) -> Verdict:
    """Judge ``function(p, tosses)``: the likelihood of a coin, given these tosses.

    Args:
        function: your function; takes the coin's probability of heads and a list of 1 (heads) and
            0 (tails); returns the probability of these tosses in this order.

    Examples:
        >>> check_likelihood(lambda p, tosses: p ** sum(tosses))
        not yet: for p 0.5, tosses [1, 1, 0] your function gave 0.25; every toss contributes one
        factor, including tails
    """
    inputs = [
        (0.5, [1, 1, 0]),
        (2 / 3, [1, 1, 0]),
        (0.9, [0, 0, 0, 1]),
        (0.25, [1]),
        (1.0, [1, 1]),
        (0.0, [1, 0]),
    ]
    return judge_function(function, inputs, _likelihood, _likelihood_hint)


def check_log_likelihood(function: Any) -> Verdict:
    """Judge ``function(data, mean, sd)``: the log-likelihood of a normal distribution.

    Args:
        function: your function; takes a list of numbers, the mean and the standard deviation;
            returns the sum of the logarithms of the points' densities, also for thousands of points
            and for points far from the mean.

    Examples:
        >>> check_log_likelihood(lambda data, mean, sd: 0.0)
        not yet: for data [0], mean 0, sd 1 your function gave 0; a density is
        exp(-((x - mean) / sd)^2 / 2) / (sd sqrt(2 pi)), and no part of it may be left out
    """
    many = np.random.default_rng(6).normal(3.0, 2.0, 2000)
    inputs = [
        ([0.0], 0.0, 1.0),
        ([1.0, 2.0, 4.0], 2.0, 1.0),
        ([1.0, 2.0, 4.0], 2.0, 0.25),
        (many, 3.0, 2.0),
        ([0.0, 100.0], 0.0, 1.0),
    ]
    return judge_function(function, inputs, _log_likelihood, _log_likelihood_hint)


def check_best_normal(function: Any) -> Verdict:
    """Judge ``function(data)``: the mean and the sd that maximise the likelihood of the data.

    Args:
        function: your function; takes a list of numbers, returns the pair (mean, sd).

    Examples:
        >>> check_best_normal(lambda data: (np.median(data), np.std(data)))
        not yet: for data [1, 2, 3, 6] your function gave [2.5, 1.87083]; that mean can be
        improved: move it a little and look at the likelihood
    """
    inputs = [
        ([1.0, 2.0, 3.0, 6.0],),
        ([-1.0, 1.0],),
        ([1e6, 1e6 + 2.0, 1e6 + 4.0],),
        (np.random.default_rng(7).normal(-2.0, 0.1, 50),),
    ]
    return judge_function(function, inputs, _best_normal, _best_normal_hint)


def _likelihood(p: float, tosses: list[int]) -> Any:
    return np.prod([p if toss else 1 - p for toss in tosses])


def _likelihood_hint(got: Any, p: float, tosses: list[int]) -> str:
    if got > 1:
        return say(
            "a probability is never above 1: multiply the tosses' factors instead of adding them"
        )
    if got < 0:
        return say("a probability is never below 0: the logarithm comes later")
    if np.isclose(got, _likelihood(1 - p, tosses)):
        return say("1 is heads and p is the probability of heads: which one did you take for 1?")
    if np.isclose(got, p ** sum(tosses)):
        return say("every toss contributes one factor, including tails")
    if np.isclose(got, comb(len(tosses), sum(tosses)) * _likelihood(p, tosses)):
        return say("the tosses came in one order: do not count the other orders")
    return say("what is the factor for a 1, and what is it for a 0?")


def _log_likelihood(data: Any, mean: float, sd: float) -> Any:
    score = (np.asarray(data) - mean) / sd
    return np.sum(-0.5 * score**2 - np.log(sd) - _HALF_LOG_2PI)


def _log_likelihood_hint(got: Any, data: Any, mean: float, sd: float) -> str:
    if not np.isfinite(got):
        return say(
            "a product, or one density, became 0 before its logarithm was taken: "
            "simplify log(density) on paper first"
        )
    right = _log_likelihood(data, mean, sd)
    if np.isclose(got, -right):
        return say("check the sign: this is the negative log-likelihood")
    if np.size(data) > 1 and np.isclose(got, right / np.size(data)):
        return say("this is the mean; return the sum")
    return say(
        "a density is exp(-((x - mean) / sd)^2 / 2) / (sd sqrt(2 pi)), "
        "and no part of it may be left out"
    )


def _best_normal(data: Any) -> Any:
    return np.array([np.mean(data), np.std(data)])


def _best_normal_hint(got: Any, data: Any) -> str:
    mean, sd = _best_normal(data)
    if not np.isclose(got[0], mean):
        return say("that mean can be improved: move it a little and look at the likelihood")
    if np.isclose(got[1], sd**2):
        return say("the second number is the variance; return the standard deviation")
    if np.isclose(got[1], np.std(data, ddof=1)):
        return say(
            "that sd divides by N - 1: unbiased for the variance, but not maximum likelihood"
        )
    return say("that sd can be improved: set d(log-likelihood)/d(sd) to 0")
