"""Checks of chapter 9: gradient descent, the total loss, and mini-batches."""

from typing import Any

import numpy as np
import numpy.typing as npt

from neglog._numpy import cross_entropy
from neglog.exercises._verdict import Verdict, judge_function, show
from neglog.exercises._words import say


def check_descend(function: Any) -> Verdict:
    """Judge ``function(gradient, start, rate, steps)``: plain gradient descent.

    Args:
        function: your function; takes a function that returns the slope at x, a start, a rate and
            a number of steps; returns the place after that many steps downhill.

    Examples:
        >>> check_descend(lambda gradient, start, rate, steps: start + rate * gradient(start))
        not yet: for gradient '2 (x - 3)', start 0, rate 0.1, steps 1 your function gave -0.6; the
        gradient points uphill
    """

    def descend(kind: str, start: float, rate: float, steps: int) -> Any:
        return function(_SLOPES[kind], start, rate, steps)

    inputs = [
        ("2 (x - 3)", 0.0, 0.1, 1),
        ("2 (x - 3)", 0.0, 0.1, 25),
        ("cos x", 1.0, 0.5, 10),
        ("2 (x - 3)", 5.0, 0.5, 1),
        ("cos x", 2.0, 0.1, 0),
    ]
    answer = descend if callable(function) else function
    return judge_function(answer, inputs, _descend, _descend_hint)


def check_total_loss(function: Any) -> Verdict:
    """Judge ``function(logits, target, W, l2)``: the mean nll plus the penalty.

    Args:
        function: your function; takes rows of logits, class indices, the weights and the strength
            l2; returns the mean of -log p of the true classes plus l2 / 2 times the sum of the
            squares of W.

    Examples:
        >>> check_total_loss(lambda logits, target, W, l2: 0.0)
        not yet: for logits [[0, 0], [0, 0]], target [0, 1], W [[1, 2], [3, 4]], l2 0 your
        function gave 0; two equal logits cost log 2, so where is the nll?
    """
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    even, uneven = np.zeros((2, 2)), np.array([[5.0, 4.0, 2.0], [4.0, 2.0, 8.0], [4.0, 4.0, 1.0]])
    inputs = [
        (even, np.array([0, 1]), weights, 0.0),
        (even, np.array([0, 1]), weights, 0.1),
        (uneven, np.array([0, 2, 1]), weights, 0.01),
        (uneven, np.array([2, 2, 2]), -weights, 1.0),
    ]
    return judge_function(function, inputs, _total_loss, _total_loss_hint)


def check_mini_batches(function: Any) -> Verdict:
    """Judge ``function(rows, size, rng)``: the mini-batches of one epoch.

    Args:
        function: your function; takes the number of rows, the size of a batch and a NumPy
            generator; returns a list of index arrays that contain every row once, in random order.

    Examples:
        >>> check_mini_batches(lambda rows, size, rng: [rng.integers(0, rows, size)])
        not yet: for 12 rows in batches of 4 your function gave 4 indices in all: an epoch visits
        every row
    """
    if not callable(function):
        return Verdict(
            False, say("pass the function itself, f(rows, size, rng), and do not call it")
        )
    for rows, size in ((12, 4), (10, 4), (3, 8), (100, 1)):
        problem = _epoch_problem(function, rows, size)
        if problem:
            return Verdict(
                False,
                say(
                    "for {rows} rows in batches of {size} your function {problem}",
                    rows=rows,
                    size=size,
                    problem=problem,
                ),
            )
    return Verdict(True, say("every row is in exactly one batch, in random order, on 4 inputs"))


_SLOPES: dict[str, Any] = {"2 (x - 3)": lambda x: 2 * (x - 3), "cos x": np.cos}


def _descend(gradient: str, start: float, rate: float, steps: int) -> Any:
    place = start
    for _ in range(steps):
        place = place - rate * _SLOPES[gradient](place)
    return np.float64(place)


def _descend_hint(got: Any, gradient: str, start: float, rate: float, steps: int) -> str:
    if np.isclose(got, _descend(gradient, start, -rate, steps)):
        return say("the gradient points uphill")
    if np.isclose(got, _descend(gradient, start, rate, steps + 1)):
        return say("that is one step too many")
    if steps and np.isclose(got, _descend(gradient, start, rate, steps - 1)):
        return say("that is one step too few")
    if np.isclose(got, start - rate * steps * _SLOPES[gradient](start)):
        return say("every step needs the slope at the place where it starts")
    return say("what is the slope here, and how far does one step go?")


def _total_loss(logits: Any, target: npt.ArrayLike, W: npt.ArrayLike, l2: float) -> Any:
    return cross_entropy(logits, target) + l2 / 2 * np.sum(np.square(W))


def _total_loss_hint(got: Any, logits: Any, target: Any, W: npt.ArrayLike, l2: float) -> str:
    nll = cross_entropy(logits, target)
    penalty = l2 * np.sum(np.square(W))
    if np.isclose(got, nll * len(target) + penalty / 2):
        return say("the nll is summed over the rows; use its mean")
    if np.isclose(got, penalty / 2):
        return say("two equal logits cost log 2, so where is the nll?")
    if np.isclose(got, nll):
        return say("the penalty is missing")
    if np.isclose(got, nll + penalty):
        return say("the penalty is twice as large as it should be: it has a factor of one half")
    if np.isclose(got, nll - penalty / 2):
        return say("the penalty makes the loss larger, not smaller")
    return say("nll and penalty are two numbers: print each of them")


def _epoch_problem(function: Any, rows: int, size: int) -> str:
    """What is wrong with the batches of one epoch, or "" if nothing is."""
    try:
        first = [np.asarray(x) for x in function(rows, size, np.random.default_rng(1))]
        second = [np.asarray(x) for x in function(rows, size, np.random.default_rng(2))]
    except Exception as error:
        return say("raised {kind}: {error}", kind=type(error).__name__, error=error)
    if any(batch.ndim != 1 or batch.dtype.kind not in "iu" for batch in first + second):
        return say("did not return a list of one-dimensional arrays of indices")
    order, other = _joined(first), _joined(second)
    if max(map(len, first), default=0) > size:
        return say("gave a batch of {n}", n=max(map(len, first)))
    if len(order) != rows:
        return say("gave {n} indices in all: an epoch visits every row", n=len(order))
    if sorted(order) != list(range(rows)):
        missing = min({*range(rows)} - {*order})
        return say("left out row {row} and repeated another", row=show(missing))
    if rows > 3 and np.array_equal(order, other):
        return say("gave the same order for two generators: where is it shuffled?")
    return ""


def _joined(batches: list[Any]) -> Any:
    return np.concatenate(batches) if batches else np.array([], int)
