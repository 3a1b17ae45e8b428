"""Checks of chapter 10: a log-sum-exp, a loss and a streamed log-sum-exp with all their digits."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog._numpy import cross_entropy, logsumexp
from neglog.exercises._verdict import Verdict, judge_function
from neglog.exercises._words import say

_LOGITS = ([0, 0], [5, 4, 2], [1000, 999, 995], [-1000, -1001], [0, -np.inf, 1])
_ROWS = (([5, 4, 2], 1), ([1000, 999, 995], 0), ([100, 0, -900], 2), ([40, 0, 0], 0), ([3, 3], 1))
_CHUNKS = (
    ([5, 4], [2]),
    ([0], [1000, 999], [995]),
    ([1000], [-1000], [0, 1]),
    ([-1000, -1001],),
)


def check_logsumexp(answer: Any) -> Verdict:
    """Judge `answer(logits)`: the logarithm of the sum of exp(logits), also for large logits."""

    def wanted(logits: NDArray[np.float64]) -> Any:
        return logsumexp(logits)

    return judge_function(answer, [(np.array(z, float),) for z in _LOGITS], wanted, _lse_hint)


def _lse_hint(got: NDArray[np.float64], logits: NDArray[np.float64]) -> str:
    if np.isfinite(got):
        return say("add the exponentials, then take the logarithm; add back what was subtracted")
    return say(
        "exp(710) is too large for float64, and exp(-746) is 0; no exponent needs to be above 0"
    )


def check_confident_nll(answer: Any) -> Verdict:
    """Judge `answer(logits, target)`: the loss to six digits, however confident the row is."""

    def wanted(logits: NDArray[np.float64], target: int) -> Any:
        return cross_entropy(logits, target)

    inputs = [(np.array(z, float), y) for z, y in _ROWS]
    return judge_function(answer, inputs, wanted, _nll_hint, absolute=0)


def _nll_hint(got: NDArray[np.float64], logits: NDArray[np.float64], target: int) -> str:
    if not np.isfinite(got):
        return say("the loss of this row is a finite number")
    right = cross_entropy(logits, target)
    return say(
        "the loss is {loss}; look for a small number that is added to a large one "
        "before the logarithm is taken",
        loss=f"{right:.6g}",
    )


def check_streamed(answer: Any) -> Verdict:
    """Judge `answer(chunks)`: the log-sum-exp of all chunks together, each read once.

    The chunks come as an iterator: a chunk cannot be read again.
    """

    def wanted(chunks: Sequence[NDArray[np.float64]]) -> Any:
        return logsumexp(np.concatenate(chunks))

    def once(chunks: Sequence[NDArray[np.float64]]) -> Any:
        return answer(iter(chunks))

    inputs = [([np.array(chunk, float) for chunk in chunks],) for chunks in _CHUNKS]
    return judge_function(once if callable(answer) else answer, inputs, wanted, _stream_hint)


def _stream_hint(got: NDArray[np.float64], chunks: Sequence[NDArray[np.float64]]) -> str:
    if not np.isfinite(got):
        return say("an exponent was too large, or infinity was subtracted from infinity")
    return say("when a larger maximum appears, the sum so far still belongs to the old one")
