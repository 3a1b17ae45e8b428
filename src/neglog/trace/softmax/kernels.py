"""A row as this library computes it: every number comes from the kernels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ... import _engine
from ..._numpy.activations import one_minus
from ..._numpy.likelihood import minus_log_complement
from .floats import Doubles, Type


def kernel_row(
    kind: Type, logits: Doubles, target: int, temperature: float, jacobian_of: Sequence[int]
) -> dict[str, Any]:
    """The steps in the type that the library computes in: float64, or float32 for other types.

    The kernels scale by powers of two and have no shifted exponentials. The numbers of those steps
    are computed from the kernels' probabilities: p_j / p_max = exp(z_j - max).
    """
    z = logits.astype(computed_in(kind))
    top, every = int(np.argmax(z)), np.arange(len(z))
    # With each class as the target in turn, -log p of every class is as accurate as a loss.
    surprise = _engine.run_rows(
        np.broadcast_to(z, (len(z), len(z))), every, temperature=temperature
    ).nll
    assert surprise is not None
    with np.errstate(over="ignore"):
        surprise = surprise.astype(z.dtype)  # the type of a loss
    prob = _prob(z, temperature)
    wide = _prob(logits, temperature)
    with np.errstate(all="ignore"):
        exp = wide / wide[top]
        # inf - inf is nan, although the limit exists.
        finite = np.isfinite(logits[top])
        shifted = (logits - logits[top]) / temperature if finite else np.log(exp)
        unlikely = minus_log_complement(logits[None] / temperature)[0]
        return {
            "scaled": logits / temperature,
            "maximum": logits[top] / temperature,
            "shifted": shifted,
            "exp": exp,
            "rest": one_minus(wide)[top] / wide[top],
            "sum": 1 / wide[top],
            "prob": prob,
            "log_prob": -surprise,
            "nll": surprise[target],
            "grad": _grad(z, target, temperature),
            "jacobian": _jacobian(prob, jacobian_of) / temperature,
            "method_1": surprise[top],
            "method_2": surprise[target] + np.delete(unlikely, target).sum(),
            "binary": surprise[target],
        }


def kernel_losses(kind: Type, logits: Doubles, targets: Sequence[int], temperature: float) -> Any:
    """The nll of every row of a batch (N, V), before it is rounded to the type."""
    z = logits.astype(computed_in(kind))
    return _engine.run_rows(z, np.array(targets), temperature=temperature).nll


def computed_in(kind: Type) -> Any:
    """The dtype of the kernels' input: float32 holds half types exactly."""
    return np.float64 if kind.bits == 53 else np.float32


def _prob(z: Any, temperature: float) -> Any:
    """softmax(z / T), which is T times the gradient of the log-sum-exp."""
    out = np.empty_like(z)[None]
    _engine.run_rows(
        z[None], lse_coef=np.ones(1), scale=temperature, temperature=temperature, grad=out
    )
    return out[0]


def _grad(z: Any, target: int, temperature: float) -> Any:
    out = np.empty_like(z)[None]
    _engine.run_rows(z[None], np.array([target]), temperature=temperature, grad=out)
    return out[0]


def _jacobian(prob: Any, of: Sequence[int]) -> Any:
    p = prob[list(of)]
    jacobian = -np.outer(p, p)
    np.fill_diagonal(jacobian, p * one_minus(prob)[list(of)])
    return jacobian
