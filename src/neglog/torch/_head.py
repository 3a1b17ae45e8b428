"""The loss of a head in autograd's graph: one node, whose gradients come with the loss."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from .._head.chunks import Gradients
from .._head.info import HeadInfo, fill
from ._chunks import compute
from ._head_ops import composed, gradient, linear_rows
from ._head_rows import Rows
from ._layer import Layer
from ._loss import Task, coefficients, combined, expected_upstream, remember
from ._task import softened
from ._way import is_batched


def loss(
    layer: Layer,
    target: Tensor | None,
    probs: Tensor | None,
    task: Task,
    info: HeadInfo | None = None,
    *,
    plain: bool,
) -> Tensor:
    """The loss: one number, or one a row; probabilities as they came."""
    wanted = tuple(x is not None and x.requires_grad for x in layer[:3])
    if plain and task.reduction != "none" and torch.is_grad_enabled() and any(wanted):
        node: Any = _Node
        return node.apply(*layer[:3], target, probs, (layer[3:], task, info))  # type: ignore[no-any-return]
    if info is not None and torch.is_grad_enabled() and any(wanted):
        raise ValueError(
            "info must be None where the gradients are computed in the backward pass, with"
            ' reduction="none" and under torch.compile; call with "mean" or "sum", uncompiled'
        )
    if info is not None:
        fill(info, None, tuple(layer.hidden.shape[:-1]))
    if target is None and probs is not None:
        probs = softened(probs, probs.dim() - 1, task)
    nll, dense, lse, *_ = linear_rows(
        *layer, target, probs, None, task.keep, task.temperature, task.softcap, False
    )
    return combined(task, None if target is None else nll, None if probs is None else dense, lse)


class _Node(torch.autograd.Function):
    """A loss whose gradients are prepared for the upstream gradient that was met last."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        classes: Tensor,
        bias: Tensor | None,
        target: Tensor | None,
        probs: Tensor | None,
        others: tuple[tuple[int, float], Task, HeadInfo | None],
    ) -> Tensor:
        ctx.save_for_backward(hidden, classes, bias, target, probs)
        ctx.limits, ctx.task, ctx.info = others
        ctx.upstream = expected_upstream()
        problem = (Layer(hidden, classes, bias, *ctx.limits), target, probs, ctx.task)
        value, grads = _solve(*problem, ctx.upstream, ctx.needs_input_grad, ctx.info)
        ctx.prepared = [grads]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        # raises where they were overwritten
        hidden, classes, bias, target, probs = ctx.saved_tensors
        problem = (Layer(hidden, classes, bias, *ctx.limits), target, probs, ctx.task)
        if torch.is_grad_enabled() or is_batched(upstream):
            return *_differentiable(*problem, upstream, ctx.needs_input_grad), None, None, None
        met = upstream.item()
        remember(met)
        prepared = ctx.prepared.pop() if ctx.prepared else None  # atomic: nobody else gets it
        if prepared is None or met != ctx.upstream:
            del prepared  # its memory is used again
            prepared = _solve(*problem, met, ctx.needs_input_grad, ctx.info)[1]
        return *prepared, None, None, None


def _solve(
    layer: Layer,
    target: Tensor | None,
    probs: Tensor | None,
    task: Task,
    upstream: float,
    needed: Sequence[bool],
    info: HeadInfo | None,
) -> tuple[Tensor, Gradients]:
    """The loss, and its gradients times `upstream`."""
    scale = task.scale(upstream, layer.hidden.shape[:-1].numel())
    rows = Rows(
        target, probs, None, task.temperature, task.softcap, nll_coef=task.nll_coef,
        dense_coef=task.dense_coef, square_coef=task.square_coef,
    )  # fmt: skip
    wanted = (needed[0], needed[1], needed[2])
    soften = (lambda part: softened(part, part.dim() - 1, task)) if target is None else None
    found, grads = compute(layer, rows, wanted, scale=scale, soften=soften, info=info)
    return combined(task, found.nll, found.dense, found.lse), grads


def _differentiable(
    layer: Layer,
    target: Tensor | None,
    probs: Tensor | None,
    task: Task,
    upstream: Tensor,
    needed: Sequence[bool],
) -> Sequence[Tensor | None]:
    """The gradients as functions of everything."""
    if target is None and probs is not None:
        probs = softened(probs, probs.dim() - 1, task)
    options = (task.keep, task.temperature, task.softcap)

    def lse() -> Tensor:
        logits = F.linear(*layer[:3])
        found = composed(logits, None, None, None, *options, False)[2]
        assert found is not None
        return found

    coefs = coefficients(task, layer.hidden.shape[:-1], target, probs, upstream, lse)
    return gradient([*layer, target, probs, None, *options, *coefs, None, list(needed[:3])])
