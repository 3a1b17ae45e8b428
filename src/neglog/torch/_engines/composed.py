"""Rows by torch's own operators: any device, any order of derivative.

The kernels are faster and carry rounding errors along. This keeps the same contract (exact tail,
infinities, ignored rows, nan only in its own row) wherever torch runs, can be differentiated any
number of times, and is transparent to torch.func and to compilers.
"""

from typing import NamedTuple

import torch
from torch import Tensor

_INF = float("inf")


class RowResults(NamedTuple):
    """One number per row each; None where not requested."""

    nll: Tensor | None
    dense: Tensor | None
    lse: Tensor
    entropy: Tensor | None
    argmax: Tensor


class Shares(NamedTuple):
    """The classes of every row relative to the largest: all results follow from these."""

    z: Tensor  # (..., V, ...) in the dtype of the computation, after a softcap
    divisor: Tensor | None  # of the gaps: the temperature, unless z contains it
    top: Tensor  # (..., 1, ...) like those below: the largest class
    largest: Tensor  # its logit
    is_top: Tensor  # (..., V, ...)
    gap: Tensor  # (..., V, ...), inf at the largest itself
    share: Tensor  # (..., V, ...) exp(-gap)
    others: Tensor  # sum of the shares without the largest, whose share is 1
    log_sum: Tensor  # log(1 + others)


def row_dtype(device: torch.device) -> torch.dtype:
    """The dtype of row results: float64, or float32 on Apple's GPU, which has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


def along(numbers: Tensor, dim: int) -> Tensor:
    """One number per row, to be broadcast over the class axis; a single number as it is."""
    return numbers.unsqueeze(dim) if numbers.dim() else numbers


def over_classes(numbers: Tensor, like: Tensor, dim: int) -> Tensor:
    """(V,) as (1, V, 1, 1): one number per class, to be broadcast over the rows."""
    return numbers.view([-1 if axis == dim else 1 for axis in range(like.dim())])


def row_results(
    logits: Tensor,  # (..., V, ...)
    dim: int,
    target: Tensor | None,  # (...)
    probs: Tensor | None,  # (..., V, ...), or (V,) for all rows
    *,
    keep: Tensor | None = None,  # (...) bool
    temperature: Tensor | None = None,  # () or (...)
    softcap: float | None = None,
    entropy: bool = True,
    ignored: Tensor | None = None,  # (...) bool
) -> RowResults:
    """nll, dense, lse, entropy and argmax of every row, differentiable.

    The largest logit is left out of the sum. Its own part of the loss and of the gradient is then
    log1p(others) and others / (1 + others), not a difference of numbers near 1.

    The nll of an ignored row is nobody's, and its derivative is 0, whatever the row holds; the
    other results are those of every row.
    """
    s = own = shares(logits, dim, keep, temperature, softcap)
    if ignored is not None:  # logits of its own: the nan of a derivative times 0 would be nan
        own = shares(logits, dim, ignored.logical_not(), temperature, softcap)
    nll = None if target is None else _nll(own, dim, target, keep)
    dense = None
    if probs is not None:
        q = over_classes(probs, s.z, dim) if probs.dim() == 1 else probs
        dense = _dense(s, q.to(s.z.dtype).expand(s.z.shape), dim)
    uncertainty = None
    if entropy:
        uncertainty = s.log_sum + (s.share * _finite(s)).sum(dim, keepdim=True) / (1 + s.others)
    lse = _divided(s.largest, s.divisor) + s.log_sum
    wide = row_dtype(s.z.device)
    results = (nll, dense, lse, uncertainty)
    wider = (None if x is None else x.squeeze(dim).to(wide) for x in results)
    return RowResults(*wider, s.top.squeeze(dim))  # type: ignore[call-arg, arg-type]


def softmax(logits: Tensor, dim: int, *, log: bool) -> Tensor:
    """Probabilities or their logarithms, in the logits' dtype."""
    s = shares(logits, dim)
    if log:
        return (-_linear(s, s.is_top) - s.log_sum).to(logits.dtype)
    return (torch.where(s.is_top, 1.0, s.share) / (1 + s.others)).to(logits.dtype)


def log_probs(
    logits: Tensor,
    dim: int,
    chosen: Tensor,  # (..., K, ...)
    temperature: Tensor | None = None,
    softcap: float | None = None,
) -> Tensor:
    """Log-probabilities of a few classes of every row, differentiable."""
    s = shares(logits, dim, None, temperature, softcap)
    return -_minus_log(s, dim, chosen).to(row_dtype(s.z.device))


def shares(
    logits: Tensor,
    dim: int,
    keep: Tensor | None = None,
    temperature: Tensor | None = None,
    softcap: float | None = None,
) -> Shares:
    """A temperature divides the gaps: z / T would be rounded before the subtraction."""
    z = adjusted(logits, dim, keep, None if softcap is None else temperature, softcap)
    divisor = None
    if softcap is None and temperature is not None:
        divisor = along(temperature, dim).to(z.dtype)
    # Two +inf have no probabilities: nan in the whole row, and in its derivatives.
    infinite = (z == _INF).sum(dim, keepdim=True)
    z = z * torch.ones_like(infinite, dtype=z.dtype).masked_fill(infinite > 1, float("nan"))
    top = z.detach().argmax(dim, keepdim=True)
    largest = z.gather(dim, top)
    is_top = over_classes(torch.arange(z.shape[dim], device=z.device), z, dim) == top
    # inf at the largest itself: its exponential is 0. No infinity enters a derivative.
    gap = largest - z
    nothing = is_top | (gap == _INF)
    gap = torch.where(nothing, _INF, _divided(torch.where(nothing, 0.0, gap), divisor))
    share = torch.exp(-gap)
    others = share.sum(dim, keepdim=True)
    others = torch.where(largest == -_INF, float("nan"), others)
    return Shares(z, divisor, top, largest, is_top, gap, share, others, torch.log1p(others))


def adjusted(
    logits: Tensor,
    dim: int,
    keep: Tensor | None = None,
    temperature: Tensor | None = None,
    softcap: float | None = None,
) -> Tensor:
    """Logits in the dtype of the computation, after temperature and softcap; 0 in skipped rows."""
    z = logits if logits.dtype == torch.float64 else logits.float()
    if keep is not None:
        z = torch.where(along(keep, dim), z, 0.0)
    if temperature is None and softcap is None:
        return z
    nothing = z == -_INF  # stays -inf, and does not enter derivatives
    z = z.masked_fill(nothing, 0.0)
    if temperature is not None:
        z = z / along(temperature, dim).to(z.dtype)
    if softcap is not None:
        z = softcap * torch.tanh(z / softcap)
    return z.masked_fill(nothing, -_INF)


def _divided(values: Tensor, divisor: Tensor | None) -> Tensor:
    return values if divisor is None else values / divisor


def _finite(s: Shares) -> Tensor:
    """Gaps, and 0 where the share is 0, so that 0 times inf is 0, also in derivatives."""
    return torch.where(s.gap == _INF, 0.0, s.gap)


def _linear(s: Shares, zero: Tensor) -> Tensor:
    """Gaps whose derivative counts even where they are inf; 0 where `zero` holds."""
    return _divided(torch.where(zero, 0.0, s.largest - s.z), s.divisor)


def _nll(s: Shares, dim: int, target: Tensor, keep: Tensor | None) -> Tensor:
    y = target if keep is None else target.masked_fill(keep.logical_not(), 0)
    return _minus_log(s, dim, y.unsqueeze(dim))


def _minus_log(s: Shares, dim: int, y: Tensor) -> Tensor:
    """log(sum) + (max - z_y) / T; nan where y is not a class, never a read out of bounds."""
    inside = y.clamp(0, s.z.shape[dim] - 1)
    gap = torch.where(inside == s.top, 0.0, s.largest - s.z.gather(dim, inside))
    # A factor, so that the derivative is nan as well.
    wrong = torch.zeros_like(gap).masked_fill(inside != y, float("nan"))
    return (s.log_sum + _divided(gap, s.divisor)) * (1 + wrong)


def _dense(s: Shares, probs: Tensor, dim: int) -> Tensor:
    """sum_j t_j (-log p_j); t_j = 0 contributes 0 even at a logit of -inf."""
    cross = probs * _linear(s, s.is_top | ((probs == 0) & (s.gap == _INF)))
    return cross.sum(dim, keepdim=True) + probs.sum(dim, keepdim=True) * s.log_sum


def row_gradients(
    logits: Tensor,
    dim: int,
    target: Tensor | None,
    probs: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    coefs: tuple[Tensor | None, ...],
) -> Tensor:
    """Gradient of coefs . (nll, dense, lse, entropy) with respect to the logits, in closed form.

    P p_j - a [j = y] - b q_j + c p_j (gap_j - mean gap), with P = a + b sum(q) + h.  Where the
    largest class is the target or has most of the probability, 1 - p is others / (1 + others);
    elsewhere it has the bits of its twins.
    """
    s = shares(logits, dim, keep, temperature, softcap)
    a, b, h, c = (_coefficient(x, s, dim, keep) for x in coefs)
    p, rest = 1 / (1 + s.others), s.others / (1 + s.others)
    finite = _finite(s)
    mean_gap = (s.share * finite).sum(dim, keepdim=True) * p
    total, at_top = a + h, (h - c * mean_gap) * p
    alone = s.others < 1 / 3
    if target is not None:
        y = (target if keep is None else target.masked_fill(keep.logical_not(), 0)).unsqueeze(dim)
        inside = y.clamp(0, s.z.shape[dim] - 1)
        a = a.masked_fill(inside != y, float("nan"))
        hit = inside == s.top
        at_top = at_top + torch.where(hit, -a * rest, a * p)
        total, alone = a + h, alone | hit
    share = torch.where(s.is_top, 1.0, s.share)
    grad = share * p * (c * (finite - mean_gap) + total)
    if probs is not None:
        q = (over_classes(probs, s.z, dim) if probs.dim() == 1 else probs).to(s.z.dtype)
        q_top = q.expand(s.z.shape).gather(dim, s.top)
        mass = torch.where(s.is_top, 0.0, q).sum(dim, keepdim=True)
        grad = grad + b * ((mass + q_top) * p * share - q)
        at_top = at_top + b * (mass * p - q_top * rest)
    if target is not None:
        grad = grad.scatter_add(dim, inside, -a)
    grad = torch.where(s.is_top & alone, at_top, grad)
    if softcap is not None:
        grad = grad * torch.where(s.z == -_INF, 0.0, 1 - (s.z / softcap) ** 2)
    if temperature is not None:
        grad = grad / along(temperature, dim).to(grad.dtype)
    return grad.to(logits.dtype)


def _coefficient(coef: Tensor | None, s: Shares, dim: int, keep: Tensor | None) -> Tensor:
    """One factor per row; 0 where the row is skipped or the result was not requested."""
    if coef is None:
        return torch.zeros((), dtype=s.z.dtype, device=s.z.device)
    kept = coef if keep is None else coef.masked_fill(keep.logical_not(), 0)
    return along(kept, dim).to(s.z.dtype)
