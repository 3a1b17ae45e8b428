"""Inputs for the tests of the torch functions."""

import math
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import neglog.torch as nt

INF, NAN = math.inf, math.nan


BCE = nt.binary_cross_entropy_with_logits


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    made = torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return made * scale


def uniform(*shape: int, seed: int = 1) -> Tensor:
    """Between 1/8 and 7/8."""
    made = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return 0.125 + 0.75 * made


def probabilities(*shape: int) -> Tensor:
    made = uniform(*shape)
    return made / made.sum(1, keepdim=True)


def outcome(call: Callable[[], Any]) -> Any:
    """dtype, shape and warnings of a result, and the result; or that it is an error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = call()
        except (RuntimeError, IndexError, TypeError):
            return "an error"
    said = [(str(each.message), each.filename, each.lineno) for each in caught]
    return result.dtype, tuple(result.shape), said, result.double()


def cases() -> dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]]:
    """name: a function, and what it is differentiated by."""
    z, cube, row = normal(3, 4), normal(2, 4, 3, seed=2), normal(4, seed=3)
    y, y_cube, y_row = (
        torch.tensor([0, 3, 1]),
        torch.tensor([[0, 3, 1], [2, 2, 0]]),
        torch.tensor(2),
    )
    some = torch.tensor([[True, True, False, True], [True, False, True, True], [True] * 4])
    skipped = torch.tensor([0, -100, 1])
    t, w, q = uniform(3, 4), uniform(4, seed=4), uniform(3, 1, seed=5)

    def all_of_them(stats: nt.RowStats) -> Tensor:
        return stats.nll * stats.entropy + stats.lse**2  # by all three at once

    return {
        "softmax": (lambda z: nt.softmax(z, 0), (cube,)),
        "log_softmax": (lambda z: nt.log_softmax(z, 1), (cube,)),
        "logsumexp": (lambda z: nt.logsumexp(z, (0, 2)), (cube,)),
        "sigmoid": (nt.sigmoid, (z,)),
        "log_sigmoid": (nt.log_sigmoid, (z,)),
        "softmax of some classes": (lambda z: nt.softmax(z, 1, where=some.to(z.device)), (z,)),
        "logsumexp of some classes": (lambda z: nt.logsumexp(z, 1, where=some.to(z.device)), (z,)),
        "cross_entropy of some classes": (
            lambda z: nt.cross_entropy(
                z, y.to(z.device), reduction="none", where=some.to(z.device)
            ),
            (z,),
        ),
        "row_stats": (lambda z: nt.row_stats(z, y_cube, softcap=2.0)[:3], (cube,)),
        "row_stats of one row": (lambda z: nt.row_stats(z, y_row)[:3], (row,)),
        "row_stats together": (lambda z: all_of_them(nt.row_stats(z, y)), (z,)),
        "row_stats by temperature": (
            lambda z, tau: nt.row_stats(z, y, temperature=tau)[:3],
            (z, uniform(3)),
        ),
        "row_stats of an ignored row": (lambda z: nt.row_stats(z, skipped.to(z.device))[:3], (z,)),
        "linear_row_stats of an ignored row": (
            lambda h, w: nt.linear_row_stats(h, w, skipped.to(h.device))[:3],
            (normal(3, 2), normal(4, 2, seed=6)),
        ),
        "entropy": (lambda z: nt.entropy(z, 1), (cube,)),
        "min_entropy": (lambda z: nt.min_entropy(z, 1), (cube,)),
        "one_vs_rest_nll": (lambda z: nt.one_vs_rest_nll(z, y_cube, "none"), (cube,)),
        "kl_divergence": (nt.kl_divergence, (probabilities(3, 4), z)),
        "nll_loss": (lambda z: nt.nll_loss(z, y_cube, ignore_index=2), (cube,)),
        "nll_loss by weight": (lambda z, w: nt.nll_loss(z, y, w), (z, w)),
        "binary": (lambda z: BCE(z, t, w, pos_weight=q, reduction="none"), (z,)),
        "binary squared": (lambda z: BCE(z, t) ** 2, (z,)),
        "binary by all": (lambda z, t, w, q: BCE(z, t, w, pos_weight=q), (z, t, w, q)),
    }


def total(result: Any) -> Tensor:
    """One number: each result of several counts differently."""
    results = result if isinstance(result, tuple) else (result,)
    return sum((i + 1) * (x * x).sum() for i, x in enumerate(results))  # type: ignore[return-value]
