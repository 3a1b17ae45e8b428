"""Exact answers for the tests, written from the definitions; nothing of the package is imported.

80-bit floats, with every cancellation avoided: a row of a million classes takes a second.
oracle_mp.py goes another way to the same numbers, by 60 decimal digits, and test_oracle.py holds
the one against the other. All results are (N, ...) arrays of longdouble.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LD = np.longdouble
Exact = NDArray[np.longdouble]
if np.finfo(LD).nmant < 63:
    raise ImportError("the oracle needs a longdouble with 64 bits of mantissa or more")


class Rows(NamedTuple):
    """What a row's logits say before a target is known; (N, V) unless noted."""

    p: Exact
    log_p: Exact
    complement: Exact  # 1 - p, every digit right
    lse: Exact  # (N,)
    slope: Exact  # d z'/d z, z' the logits after temperature and softcap


class Loss(NamedTuple):
    """A loss, its gradient, and for both the sum of the absolute terms they are made of.

    Where terms cancel (smoothing, z-loss, probability targets) no float arithmetic can promise
    ulps of the result, only ulps of `loss_size` and `grad_size`.
    """

    loss: Exact
    grad: Exact
    loss_size: Exact
    grad_size: Exact


def wide(values: Any) -> Exact:
    """Any float array as longdouble, exactly (bfloat16 knows the way through float32 only)."""
    array = np.asarray(values)
    return (array.astype(np.float32) if array.dtype.itemsize == 2 else array).astype(LD)


def two_diff(a: Exact, b: Exact) -> tuple[Exact, Exact]:
    """`a - b` rounded, and what the rounding lost (0 where something is infinite)."""
    diff = a - b
    shadow = diff - a
    lost = (a - (diff - shadow)) - (b + shadow)
    return diff, np.where(np.isfinite(lost), lost, LD(0))


@np.errstate(all="ignore")
def rows(logits: Any, temperature: Any = 1.0, softcap: float | None = None) -> Rows:
    """Softmax of each row of (N, V) logits; temperature is a number or (N,)."""
    z = wide(logits)
    warmth = np.broadcast_to(wide(temperature).reshape(-1, 1), (len(z), 1))
    slope = np.broadcast_to(1 / warmth, z.shape)
    if softcap is not None:
        cap, inner = LD(softcap), z / warmth / LD(softcap)
        slope = 1 / np.cosh(inner) ** 2 / warmth
        z, warmth = np.where(np.isneginf(z), z, cap * np.tanh(inner)), np.ones_like(warmth)
    top = z.max(axis=1, keepdims=True)
    gap, lost = two_diff(z, top)
    infinite = np.isposinf(z)
    gap = np.where(np.isposinf(top), np.where(infinite, LD(0), LD(-np.inf)), gap)
    void = np.isneginf(top) | np.isnan(top) | (infinite.sum(axis=1, keepdims=True) > 1)
    gap = np.where(void, LD(np.nan), gap)
    e = np.exp(gap / warmth) * (1 + lost / warmth)
    first = np.arange(z.shape[1]) == z.argmax(axis=1)[:, None]
    others = np.where(first & ~void, LD(0), e).sum(axis=1, keepdims=True)
    log_sum = np.log1p(others)
    log_p = np.where(first, -log_sum, (gap + lost) / warmth - log_sum)
    complement = np.where(first, others, 1 + (others - e)) / (1 + others)
    return Rows(e / (1 + others), log_p, complement, (top / warmth + log_sum)[:, 0], slope)


def targets_of(
    target: NDArray[Any], num_classes: int, weight: Any, smoothing: float, ignore_index: int
) -> tuple[Exact, Exact, NDArray[np.bool_], NDArray[np.bool_]]:
    """Class weight of the target (N,), dense part (N, V), one-hot (N, V), kept rows (N,)."""
    classes = np.ones(num_classes, LD) if weight is None else wide(weight)
    if target.ndim == 2:
        dense = classes * ((1 - LD(smoothing)) * wide(target) + LD(smoothing) / num_classes)
        nobody = np.zeros(dense.shape, bool)
        return np.zeros(len(target), LD), dense, nobody, np.ones(len(target), bool)
    kept = target != ignore_index
    index = np.where(kept, target, 0).astype(np.int64)
    dense = np.broadcast_to(LD(smoothing) / num_classes * classes, (len(target), num_classes))
    return classes[index], dense, np.arange(num_classes) == index[:, None], kept


@np.errstate(all="ignore")
def cross_entropy(
    logits: Any,
    target: Any,
    *,
    weight: Any = None,
    row_weight: Any = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: Any = 1.0,
    softcap: float | None = None,
    reduction: str = "mean",
    known: Rows | None = None,
) -> Loss:
    """The loss of (N, V) logits with every option; target (N,) integers or (N, V) probabilities."""
    target, a, s = np.asarray(target), LD(label_smoothing), LD(z_loss)
    r = rows(logits, temperature, softcap) if known is None else known
    class_weight, dense, hot, kept = targets_of(
        target, r.p.shape[1], weight, label_smoothing, ignore_index
    )
    own = np.ones(len(target), LD) if row_weight is None else wide(row_weight)
    integer = target.ndim == 1
    kept = kept & (own != 0) & ((class_weight != 0) | (not integer) | (a > 0) | (s > 0))
    coef, mass = ((1 - a) * class_weight)[:, None], dense.sum(axis=1, keepdims=True)
    nll = np.where(hot & (coef != 0), -coef * r.log_p, LD(0)).sum(axis=1)
    smooth = np.where(dense != 0, -dense * r.log_p, LD(0))
    sharp = coef * np.where(hot, -r.complement, r.p)
    loss, loss_size = nll + smooth.sum(axis=1), nll + np.abs(smooth).sum(axis=1)
    grad = sharp + (r.p * (mass - dense) - dense * r.complement)
    grad_size = np.abs(sharp) + mass * r.p + np.abs(dense)
    if s:
        lse, size = r.lse[:, None], np.maximum(np.abs(r.lse), 1)
        loss, loss_size = loss + s * r.lse**2, loss_size + s * size**2
        grad, grad_size = grad + 2 * s * lse * r.p, grad_size + 2 * s * size[:, None] * r.p
    # near the cap 1 - tanh^2 cancels, so there the terms are ulps of 1, not of the slope
    grad, grad_size = grad * r.slope, grad_size / wide(temperature).reshape(-1, 1)
    denominator = (own * np.where(kept, class_weight if integer else LD(1), LD(0))).sum()
    each = (loss, grad, loss_size, grad_size)
    weighted = ((own[:, None] * x.reshape(len(own), -1)).reshape(x.shape) for x in each)
    skipped = (np.where(kept.reshape((-1,) + (1,) * (x.ndim - 1)), x, LD(0)) for x in weighted)
    return reduced(Loss(*skipped), reduction, denominator)


def reduced(each: Loss, reduction: str, denominator: np.longdouble) -> Loss:
    """Sum or mean of the rows; a mean over nothing is 0."""
    if reduction == "none":
        return each
    if reduction == "mean" and denominator == 0:
        return Loss(LD(0), 0 * each.grad, LD(0), 0 * each.grad_size)
    n = denominator if reduction == "mean" else LD(1)
    return Loss(each.loss.sum() / n, each.grad / n, each.loss_size.sum() / n, each.grad_size / n)


def entropy(r: Rows) -> Exact:
    """-sum p log p with 0 log 0 = 0; (N,)."""
    return np.where(r.p > 0, -r.p * r.log_p, 0 * r.p).sum(axis=1)


@np.errstate(invalid="ignore")
def row_gradient(r: Rows, coef: dict[str, Any], hot: Any, probs: Any) -> tuple[Exact, Exact]:
    """Gradient of a nll + b dense + c lse + s lse^2 + k entropy, and the size of its terms.

    `coef` has some of nll, dense, lse, square and entropy, each (N,), with "_coef" behind.
    """
    a, b, c, s, k = (
        wide(coef.get(f"{name}_coef", np.zeros(len(r.p))))[:, None]
        for name in ("nll", "dense", "lse", "square", "entropy")
    )
    q = wide(probs)
    gap = np.where(r.p > 0, r.log_p.max(axis=1, keepdims=True) - r.log_p, 0 * r.p)
    terms = (
        a * np.where(hot, -r.complement, r.p),
        b * q.sum(axis=1, keepdims=True) * r.p,
        -b * q,
        c * r.p,
        2 * s * r.lse[:, None] * r.p,
        k * gap * r.p,  # dH/dz_j = p_j (gap_j - sum_i p_i gap_i)
        -k * (r.p * gap).sum(axis=1, keepdims=True) * r.p,
    )
    return sum(terms) * r.slope, sum(np.abs(t) for t in terms) * r.slope.max(axis=1, keepdims=True)


def one_vs_rest(r: Rows, target: NDArray[np.integer]) -> Exact:
    """-log p_y - sum over the others of log(1 - p_j); (N,)."""
    hot = np.arange(r.p.shape[1]) == np.asarray(target)[:, None]
    with np.errstate(divide="ignore"):
        log_rest = np.where(r.p < 0.5, np.log1p(-r.p), np.log(r.complement))
    return -np.where(hot, r.log_p, log_rest).sum(axis=1)


@np.errstate(divide="ignore", invalid="ignore")
def kl_divergence(target_probs: Any, r: Rows) -> tuple[Exact, Exact]:
    """sum t (log t - log p) with 0 log 0 = 0, and the sum of its absolute terms; both (N,)."""
    t = wide(target_probs)
    log_t = np.where(t > 0, np.log(t), LD(0))
    terms = np.where(t > 0, t * (log_t - r.log_p), LD(0))
    sizes = np.where(t > 0, t * (np.abs(log_t) + np.abs(r.log_p)), LD(0))
    return terms.sum(axis=1), sizes.sum(axis=1)


def softplus(x: Exact) -> Exact:
    """log(1 + e^x) without overflow, and with every digit where it is tiny."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@np.errstate(over="ignore")
def sigmoid(logits: Any) -> Exact:
    return 1 / (1 + np.exp(-wide(logits)))


@np.errstate(invalid="ignore")
def binary(logits: Any, target: Any, pos_weight: Any = 1.0) -> Loss:
    """Elementwise -(w t log s(x) + (1 - t) log s(-x)), s the sigmoid; 0 * inf = 0."""
    x, t, w = wide(logits), wide(target), wide(pos_weight)
    yes = np.where(w * t != 0, w * t * softplus(-x), LD(0))
    no = np.where(t != 1, (1 - t) * softplus(x), LD(0))
    up, down = w * t * sigmoid(-x), (1 - t) * sigmoid(x)
    return Loss(yes + no, down - up, np.abs(yes) + np.abs(no), np.abs(up) + np.abs(down))


# name: (bits of the mantissa after the point, exponent of the smallest normal number)
FORMATS = {
    "float64": (52, -1022),
    "float32": (23, -126),
    "float16": (10, -14),
    "bfloat16": (7, -126),
}


def smallest_normal(dtype: Any) -> np.longdouble:
    return np.ldexp(LD(1), FORMATS[np.dtype(dtype).name][1])


def ulp(exact: Any, dtype: Any) -> Exact:
    """The distance of neighbouring floats of `dtype` at each exact value."""
    bits, lowest = FORMATS[np.dtype(dtype).name]
    _, exponent = np.frexp(np.asarray(exact, LD))
    return np.ldexp(LD(1), np.maximum(exponent - 1, lowest) - bits)


def overflow(dtype: Any) -> np.longdouble:
    """The smallest number that is rounded to infinity."""
    bits, lowest = FORMATS[np.dtype(dtype).name]
    return np.ldexp(2 - np.ldexp(LD(1), -bits - 1), 1 - lowest)


@np.errstate(invalid="ignore", over="ignore")
def clearly_within(
    limit: float, actual: Any, exact: Any, dtype: Any, size: Any = None
) -> NDArray[np.bool_]:
    """Where `ulp_error` is at most `limit` for sure: a sixth of its work settles most entries.

    An ulp of x is more than |x| 2^-bits / 2. (0.49: the lines below round, too.)
    """
    want = np.asarray(exact, LD)
    at = np.abs(want if size is None else np.asarray(size, LD))
    share = LD(0.49) * limit * np.ldexp(LD(1), -FORMATS[np.dtype(dtype).name][0])
    near = np.abs(wide(actual) - want) <= share * at
    return near & (at < np.inf) & (np.abs(want) < overflow(dtype))


@np.errstate(invalid="ignore", over="ignore")
def ulp_error(actual: Any, exact: Any, dtype: Any, size: Any = None) -> Exact:
    """|actual - exact| in ulps of `dtype` at `exact` (at `size`, where terms cancel).

    inf for inf and nan for nan are 0 ulp off; anything else that is not finite is inf off. An
    exact value beyond the largest float of `dtype` counts as infinite.
    """
    have, want = wide(actual), np.asarray(exact, LD)
    want = np.where(np.abs(want) >= overflow(dtype), np.copysign(LD(np.inf), want), want)
    same = (have == want) | (np.isnan(have) & np.isnan(want))
    finite = np.isfinite(have) & np.isfinite(want)
    unit = ulp(want if size is None else np.asarray(size, LD), dtype)
    off = np.where(finite, np.abs(have - want) / unit, LD(np.inf))
    return np.where(same, LD(0), off)
