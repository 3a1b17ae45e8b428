"""Checks of chapter 5: the Softmax-with-Loss layer and the linear layer in front of it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog._numpy import SoftmaxWithLoss, cross_entropy_and_grad
from neglog.exercises._verdict import Verdict, judge_function, judge_value
from neglog.exercises._words import say

Doubles = NDArray[np.float64]

_BATCH = np.array([[5.0, 4.0, 2.0], [4.0, 2.0, 8.0], [4.0, 4.0, 1.0]])
_TARGET = np.array([0, 2, 1])
_BATCHES = ((_BATCH, _TARGET), (_BATCH[:1], _TARGET[:1]), (_BATCH[[1, 1, 0, 2]], [2, 0, 1, 1]))
_INPUT = np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 0.5], [-2.0, 1.0]])
_PULL = np.array([[0.1, -0.3, 0.2], [0.0, 0.4, -0.4], [-0.5, 0.2, 0.3], [0.7, -0.6, -0.1]])


def check_batch_gradient(answer: Any) -> Verdict:
    """Judge `answer(logits, target)`: the gradient of the mean loss of a batch.

    Args:
        answer: your function; takes arrays (N, V) and (N,), returns an array (N, V).

    Examples:
        >>> check_batch_gradient(lambda logits, target: 0.0)
        not yet: for logits [[5, 4, 2], [4, 2, 8], [4, 4, 1]], target [0, 2, 1] your function gave
        one number, expected an array of shape (3, 3)
    """

    def wanted(logits: Doubles, target: NDArray[np.int64]) -> Doubles:
        gradient: Doubles = cross_entropy_and_grad(logits, target)[1]
        return gradient

    return judge_function(answer, _BATCHES, wanted, _what_is_odd)


def check_linear_backward(answer: Any) -> Verdict:
    """Judge `answer(x, dz)`: the gradient of W in z = x @ W + b, given the gradient dz of z.

    Args:
        answer: your function; takes arrays (N, D) and (N, V), returns an array (D, V).

    Examples:
        >>> check_linear_backward(lambda x, dz: (x.T @ dz).sum())
        not yet: for x [[1, 2], [0, -1], [3, 0.5], [-2, 1]], dz [[0.1, -0.3, 0.2], [0, 0.4, -0.4],
        [-0.5, 0.2, 0.3], [0.7, -0.6, -0.1]] your function gave one number, expected an array of
        shape (2, 3)
    """

    def wanted(x: Doubles, dz: Doubles) -> Doubles:
        return x.T @ dz

    hint = say("dW has the shape of W, and every row of the batch adds its part to it")
    return judge_function(answer, ((_INPUT, _PULL), (_INPUT[:2], _PULL[:2])), wanted, hint)


def check_layer(answer: Any) -> Verdict:
    """Judge a class with `forward(logits, target)` and `backward(dout=1.0)`, for batches.

    Args:
        answer: the class itself; `answer()` creates a layer.

    Examples:
        >>> check_layer(SoftmaxWithLoss)
        right: loss and gradient agree on 3 batches
    """
    large = _BATCH + np.array([[1000.0], [0.0], [-1000.0]])
    for logits, target in ((_BATCH, _TARGET), (large, _TARGET), (_BATCH, np.array([2, 2, 2]))):
        ours = SoftmaxWithLoss()
        loss = ours.forward(logits, target)
        given = logits.copy()
        try:
            with np.errstate(all="ignore"):
                theirs = answer()
                got_loss = theirs.forward(given, target.copy())
                got = theirs.backward(), theirs.backward(3.0)
        except Exception as error:
            return Verdict(
                False,
                say("your layer raised {kind}: {error}", kind=type(error).__name__, error=error),
            )
        for verdict in (
            judge_value(got_loss, loss, say("forward should return the mean loss, also at 1000")),
            judge_value(got[0], ours.backward(), say("backward should return (p - y) / N")),
            judge_value(
                got[1], ours.backward(3.0), say("backward(3.0) should be 3 times backward()")
            ),
        ):
            if not verdict:
                return verdict
        if (given != logits).any():
            return Verdict(False, say("your layer overwrote the caller's logits; make a copy"))
    return Verdict(True, say("loss and gradient agree on 3 batches"))


def _what_is_odd(got: Doubles, logits: Doubles, target: Any) -> str:
    right = cross_entropy_and_grad(logits, target)[1]
    if len(right) > 1 and np.allclose(got, right * len(right)):
        return say("this is right for the sum of the losses; the mean needs one more step")
    if not np.allclose(got.sum(axis=1), 0.0):
        return say(
            "each row should sum to 0; is 1 subtracted once in every row, at its own target?"
        )
    return say("each row is its probabilities minus its one-hot target, and the loss is a mean")
