"""A correct softmax cross-entropy with gradient and options, into which mistakes are planted.

Written from the definitions; nothing of the package is imported. Mistakes have the names of the
findings that they must lead to.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

MISTAKES = (
    "probabilities",
    "log-probabilities",
    "softmax-twice",
    "wrong-axis",
    "log-base",
    "sum-for-mean",
    "divided-by-classes",
    "sign",
    "no-shift",
    "underflow",
    "epsilon",
    "cancellation",
    "gradient-cancellation",
    "gradient-not-divided",
    "transposed",
    "input-changed",
    "state",
    "ignored-rows",
    "weights-denominator",
    "smoothing-classes",
    "target-range",
    "half-sums",
    "wrong-dtype",
    "masked-nan",
    "one-vs-rest",
    "binary",
    "argmax",
)

# Two at once, such as beginners make; each leaves the other to be seen.
PAIRS = (
    ("probabilities", "sum-for-mean"),
    ("probabilities", "sign"),
    ("probabilities", "epsilon"),
    ("log-probabilities", "log-base"),
    ("log-probabilities", "weights-denominator"),
    ("softmax-twice", "sum-for-mean"),
    ("softmax-twice", "log-base"),
    ("softmax-twice", "input-changed"),
    ("softmax-twice", "no-shift"),
    ("wrong-axis", "sum-for-mean"),
    ("wrong-axis", "sign"),
    ("wrong-axis", "target-range"),
    ("log-base", "no-shift"),
    ("log-base", "epsilon"),
    ("sum-for-mean", "no-shift"),
    ("sum-for-mean", "epsilon"),
    ("sum-for-mean", "gradient-cancellation"),
    ("divided-by-classes", "underflow"),
    ("divided-by-classes", "transposed"),
    ("sign", "no-shift"),
    ("sign", "cancellation"),
    ("no-shift", "underflow"),
    ("no-shift", "gradient-not-divided"),
    ("no-shift", "transposed"),
    ("no-shift", "state"),
    ("no-shift", "smoothing-classes"),
    ("underflow", "gradient-not-divided"),
    ("underflow", "input-changed"),
    ("epsilon", "gradient-cancellation"),
    ("epsilon", "ignored-rows"),
    ("cancellation", "gradient-cancellation"),
    ("cancellation", "masked-nan"),
    ("cancellation", "wrong-dtype"),
    ("gradient-not-divided", "transposed"),
    ("input-changed", "state"),
    ("ignored-rows", "weights-denominator"),
    ("smoothing-classes", "weights-denominator"),
    ("half-sums", "target-range"),
    ("one-vs-rest", "sum-for-mean"),
    ("argmax", "no-shift"),
    ("binary", "sign"),
    ("argmax", "log-base"),
)


@np.errstate(all="ignore")
def log_softmax(z: Any, planted: set[str]) -> tuple[Any, Any, Any]:
    """log p, p and 1 - p."""
    if "probabilities" in planted:
        return np.log(z + 1e-7 * ("epsilon" in planted)), z, 1 - z
    if "log-probabilities" in planted:
        return z, np.exp(z), 1 - np.exp(z)
    axis = 0 if "wrong-axis" in planted else 1
    top = z.max(axis, keepdims=True) * (0 if "no-shift" in planted else 1)
    e = np.exp(z - top)
    total = e.sum(axis, keepdims=True)
    p = e / total
    if "underflow" in planted or "epsilon" in planted:
        return np.log(p + 1e-7 * ("epsilon" in planted)), p, 1 - p
    if "no-shift" in planted or "wrong-axis" in planted:
        return z - top - np.log(total), p, 1 - p
    if "cancellation" in planted:
        return z - (top + np.log(total)), p, 1 - p
    first = np.arange(z.shape[1]) == z.argmax(1)[:, None]
    others = np.where(first, 0, e).sum(1, keepdims=True).astype(z.dtype)
    log_sum = np.log1p(others)
    rest = np.where(first, others, 1 + (others - e)) / (1 + others)
    return np.where(first, -log_sum, z - top - log_sum), e / (1 + others), rest


def planted(*mistakes: str) -> Callable[..., Any]:
    """The function with these mistakes."""
    bad = set(mistakes)
    memory: dict[int, Any] = {}

    @np.errstate(all="ignore")
    def loss(
        logits: Any,
        target: Any,
        *,
        weight: Any = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        reduction: str = "mean",
    ) -> Any:
        half = logits.dtype == np.float16
        if "input-changed" in bad:
            logits -= logits.max(1, keepdims=True)
        if "state" in bad:
            target = memory.setdefault(len(target), target.copy())
        work = np.float64 if logits.dtype.itemsize == 8 or logits.dtype.kind == "u" else np.float32
        work = np.float32 if "wrong-dtype" in bad else work
        z = logits.astype(work)
        N, V = z.shape
        kept = target != ignore_index
        out = kept & ((target >= V) | ((target < 0) & ("target-range" not in bad)))
        if out.any():
            raise IndexError("target")
        y = np.where(kept, target, 0)
        w = np.ones(V, work) if weight is None else np.asarray(weight, work)
        if "softmax-twice" in bad:
            z = log_softmax(z, bad & {"no-shift"})[1]
        log_p, p, rest = log_softmax(z, bad)
        at = (np.arange(N), y)
        hot = np.zeros((N, V), bool)
        hot[at] = True
        losses = nll_of(z, log_p, rest, hot, at, bad)
        a, off = label_smoothing, w * log_p
        if a and "smoothing-classes" in bad:
            losses = (1 - a) * w[y] * losses - a / (V - 1) * np.where(hot, 0, off).sum(1)
        elif a:
            losses = (1 - a) * w[y] * losses - a / V * off.sum(1)
        else:
            losses = w[y] * losses
        losses = np.where(kept, losses, 0) * (-1 if "sign" in bad else 1)
        losses = losses / (np.log(2) if "log-base" in bad else 1)
        if reduction == "none":
            return losses, None
        counted = w[y] if "weights-denominator" not in bad else np.ones(N)
        counted = counted if "ignored-rows" in bad else np.where(kept, counted, 0)
        below = counted.sum() or 1
        summed = reduction == "sum" or "sum-for-mean" in bad
        below = 1 if summed else V if "divided-by-classes" in bad else below
        if "half-sums" in bad and half:
            value = losses.astype(np.float16).sum(dtype=np.float16) / np.float16(below)
        else:
            value = losses.sum() / below
        dense = (1 - a) * w[y][:, None] * np.where(hot, -rest, p)
        dense = dense + a / V * (w.sum() * p - w)
        if "gradient-cancellation" in bad and not a:
            dense = w[y][:, None] * (p - hot)
        dense = np.where(kept[:, None], dense, 0) / (np.log(2) if "log-base" in bad else 1)
        grad = dense / (1 if "gradient-not-divided" in bad else below)
        grad = grad.T if "transposed" in bad else grad
        return work(value), grad.astype(work if "wrong-dtype" in bad else logits.dtype)

    return loss


def nll_of(z: Any, log_p: Any, rest: Any, hot: Any, at: Any, bad: set[str]) -> Any:
    """The losses of the rows."""
    if "argmax" in bad:
        return -log_p.max(1)
    if "binary" in bad:
        return np.logaddexp(0, np.where(hot, -z, z)).sum(1)
    if "one-vs-rest" in bad:
        return -np.where(hot, log_p, np.log(rest)).sum(1)
    if "masked-nan" in bad:
        return -(hot * log_p).sum(1)
    return -log_p[at]
