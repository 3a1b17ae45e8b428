"""A row as textbooks compute it, every operation rounded to the number type."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .floats import Doubles, Type


def naive(
    kind: Type, logits: Doubles, target: int, temperature: float, jacobian_of: Sequence[int]
) -> dict[str, Any]:
    """The definition, word for word: exp(z) / sum exp(z), -log p_y, p - y."""
    r = kind.round
    with np.errstate(all="ignore"):
        t = r(temperature)
        z = r(logits / t)
        power = r(np.exp(z))
        sum_ = kind.total(power)
        prob = r(power / sum_)
        log_prob = r(np.log(prob))
        margin = r(z[target] - r(np.log(kind.total(np.delete(power, target)))))
        yes = r(1 / r(1 + r(np.exp(-margin))))
        return {
            "scaled": z,
            "exp": power,
            "sum": sum_,
            "prob": prob,
            "log_prob": log_prob,
            "nll": -log_prob[target],
            **_derivatives(kind, prob, target, t, jacobian_of),
            "method_1": -r(np.log(prob.max())),
            "method_2": _method_2(kind, -log_prob[target], prob, target),
            "binary": -r(np.log(yes)),
        }


def shifted(
    kind: Type, logits: Doubles, target: int, temperature: float, jacobian_of: Sequence[int]
) -> dict[str, Any]:
    """The usual stable code: the maximum is subtracted, and the loss is lse - z_y."""
    r = kind.round
    with np.errstate(all="ignore"):
        t = r(temperature)
        z = r(logits / t)
        top = z.max()
        below = r(z - top)
        power = r(np.exp(below))
        sum_ = kind.total(power)
        prob = r(power / sum_)
        log_sum = r(np.log(sum_))
        nll = r(r(log_sum + top) - z[target])
        return {
            "scaled": z,
            "maximum": top,
            "shifted": below,
            "exp": power,
            "sum": sum_,
            "prob": prob,
            "log_prob": r(below - log_sum),
            "nll": nll,
            **_derivatives(kind, prob, target, t, jacobian_of),
            "method_1": log_sum,
            "method_2": _method_2(kind, nll, prob, target),
            "binary": _binary(kind, z, target),
        }


def _derivatives(
    kind: Type, prob: Doubles, target: int, temperature: float, of: Sequence[int]
) -> dict[str, Any]:
    """p - y and the softmax's Jacobian, over the temperature."""
    r = kind.round
    y = np.arange(len(prob)) == target
    p = prob[list(of)]
    jacobian = r(-np.outer(p, p))
    np.fill_diagonal(jacobian, r(p * r(1 - p)))
    return {"grad": r(r(prob - y) / temperature), "jacobian": r(jacobian / temperature)}


def _method_2(kind: Type, nll: float, prob: Doubles, target: int) -> Any:
    others = -kind.round(np.log(kind.round(1 - np.delete(prob, target))))
    return kind.total(np.array([nll, *others]))


def _binary(kind: Type, z: Doubles, target: int) -> Any:
    """The target against the log-sum-exp of all others: softplus(-margin), as in torch."""
    r = kind.round
    others = np.delete(z, target)
    if not others.size:
        return 0.0
    top = others.max()
    margin = r(z[target] - r(r(np.log(kind.total(r(np.exp(r(others - top)))))) + top))
    return r(np.maximum(-margin, 0.0) + r(np.log1p(r(np.exp(-np.abs(margin))))))
