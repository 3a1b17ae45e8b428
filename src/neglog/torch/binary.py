"""The binary cross-entropy: every element is a yes-or-no question."""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn._reduction import legacy_get_string

from .. import _engine
from .._contract import check_reduction, check_shape
from ._arguments import as_floats, check_tensor
from ._engines.composed import row_dtype
from ._engines.kernels import RESULTS, as_array, on_torchs_threads
from ._errors import as_torch_raises
from ._route import is_eager_cpu
from .activations import sigmoid


@as_torch_raises
def binary_cross_entropy_with_logits(
    input: Tensor,  # any shape
    target: Tensor,  # the same shape
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Negative log-likelihood of yes and no: `-(t log s(z) + (1-t) log(1 - s(z)))`, s the sigmoid.

    With weights: w_i (q t -log s(z) + (1-t) -log s(-z)), where q is `pos_weight`. Differentiable to
    any order with respect to all four.

    Args:
        input: logits of any shape; float64, float32, float16 or bfloat16.
        target: the input's shape, numbers in [0, 1] of any real dtype or bool.
        weight: broadcasts to the input's shape, a factor for each element. An element of weight 0
            is skipped: a NaN there does not affect the others.
        size_average: deprecated, as in torch; use `reduction`.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean" (over all elements, whatever their weights), "sum" or "none".
        pos_weight: broadcasts to the input's shape (most often (V,)), a factor for yes.

    Returns:
        A scalar, or with "none" the input's shape; float64 for float64 logits, else float32. In
        nats.

    Raises:
        TypeError, ValueError: an argument does not fit; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> z, t = torch.tensor([0.0, 2.0]), torch.tensor([1.0, 0.0])
        >>> binary_cross_entropy_with_logits(z, t)
        tensor(1.4100)
        >>> z, t = torch.tensor([-40.0, 40.0]), torch.tensor([0.0, 1.0])
        >>> binary_cross_entropy_with_logits(z, t, reduction="none")
        tensor([4.2484e-18, 4.2484e-18])

    Differs from torch.nn.functional.binary_cross_entropy_with_logits: a confident no keeps its
    digits as a confident yes does (torch gives 0 for the -40 above); an infinite logit that is
    right costs 0, not nan; a mean over no element is 0, not nan; the loss of half-precision logits
    is float32; targets may be integers or bool.

    References:
        M. Maechler (2012), "Accurately computing log(1 - exp(-|a|))", vignette of the R package
        Rmpfr.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    check_reduction(reduction)
    z = as_floats("input", input).to(RESULTS[input.dtype])
    check_tensor("target", target, input)
    check_shape("target", tuple(target.shape), tuple(input.shape), "that of the input")
    goal = _real("target", target, z)
    positive = None if pos_weight is None else _as_factor("pos_weight", pos_weight, z)
    if weight is not None:
        weight = _as_factor("weight", weight, z)
        # Only what would be nan: any other element's weight may have a derivative at 0.
        skipped = (weight == 0) & (z * goal).isfinite().logical_not()
        z = z.masked_fill(skipped, 0.0)
    losses = _losses(z, goal, positive)
    if weight is not None:
        losses = (weight * losses).masked_fill(skipped, 0.0)
    if reduction == "none":
        return losses
    total = losses.sum(dtype=row_dtype(z.device))
    return (total / max(losses.numel(), 1) if reduction == "mean" else total).to(z.dtype)


def _real(name: str, value: Tensor, z: Tensor) -> Tensor:
    """Real numbers, in the dtype and on the device of the logits."""
    if value.is_complex():
        raise TypeError(f"{name} must be real numbers or bool, got {value.dtype}")
    return value.to(z)


def _as_factor(name: str, value: Any, z: Tensor) -> Tensor:
    """Checked factors that broadcast to the logits' shape."""
    check_tensor(name, value, z)
    factor = _real(name, value, z)
    pairs = zip(reversed(factor.shape), reversed(z.shape), strict=False)
    if factor.dim() > z.dim() or any(own not in (1, size) for own, size in pairs):
        raise ValueError(
            f"{name} must broadcast to the input's shape {tuple(z.shape)}, got"
            f" {tuple(factor.shape)}"
        )
    return factor


def _losses(z: Tensor, target: Tensor, positive: Tensor | None) -> Tensor:
    """q t -log s(z) + (1 - t) -log s(-z), element by element."""
    others = [target] if positive is None else [target, positive]
    recorded = torch.is_grad_enabled() and any(x.requires_grad for x in others)
    if not recorded and all(map(is_eager_cpu, [z, *others])):
        node: Any = _Binary
        return node.apply(z, target, positive)  # type: ignore[no-any-return]
    yes, no = _answers(target, positive)
    # An answer without weight is moved to where it costs nothing, so that 0 * inf does not occur.
    for_yes = z.masked_fill((yes == 0) & (z == -math.inf), math.inf)
    for_no = z.masked_fill((no == 0) & (z == math.inf), -math.inf)
    # 0 - x, because -x would be -0.0 for a right infinite answer.
    return 0.0 - (yes * functional.logsigmoid(for_yes) + no * functional.logsigmoid(-for_no))


def _answers(target: Tensor, positive: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weights of yes and no."""
    return target if positive is None else positive * target, 1 - target


class _Binary(torch.autograd.Function):
    """The kernel, which computes losses and derivatives in one pass."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, target: Tensor, positive: Tensor | None) -> Tensor:
        flat, factors = z.contiguous().view(1, -1), None
        slope = torch.empty_like(flat) if ctx.needs_input_grad[0] else None
        if positive is not None:
            factors = as_array(positive.expand(z.shape).reshape(-1).double().contiguous())
        with on_torchs_threads(flat.numel()):
            losses = _engine.binary(
                as_array(flat),
                as_array(target.contiguous().view(1, -1)),
                pos_weight=factors,
                grad=None if slope is None else as_array(slope),
            )
        ctx.save_for_backward(z, target, positive, None if slope is None else slope.view(z.shape))
        return torch.from_numpy(losses).view(z.shape).to(z.dtype)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        z, target, positive, slope = ctx.saved_tensors
        if torch.is_grad_enabled():  # the backward pass is to be differentiated
            yes, no = _answers(target, positive)
            slope = no * sigmoid(z) - yes * sigmoid(-z)
        return slope * upstream, None, None
