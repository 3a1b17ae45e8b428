"""The loss of a head in autograd's graph: one node, whose gradients are computed with the loss."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from ..._head.chunks import Gradients
from ..._head.info import HeadInfo, fill
from .._engines.head_kernels import compute
from .._engines.head_rows import RowArguments
from .._head_arguments import HeadArguments
from .._operators.head import gradient, results, results_of_logits
from .._problem import TorchProblem, coefficients, reduced, softened
from .._route import Path, Route, has_kernels, is_batched
from .loss import expected_upstream, remember


def loss(
    route: Route,
    head: HeadArguments,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    info: HeadInfo | None = None,
) -> Tensor:
    """The loss: one number, or one per row; probabilities as passed."""
    if route.path is Path.NODE:
        node: Any = _Node
        return node.apply(*head[:3], target, probs, (head[3:], problem, info))  # type: ignore[no-any-return]
    if info is not None and has_kernels(head.hidden) and head.is_trained():
        raise ValueError(
            "info must be None where the gradients are computed in the backward pass, with"
            ' reduction="none" and under torch.compile; call with "mean" or "sum", uncompiled'
        )
    if info is not None:
        fill(info, None, tuple(head.hidden.shape[:-1]))
    if target is None and probs is not None:
        probs = softened(probs, probs.dim() - 1, problem)
    nll, dense, lse, *_ = results(
        *head, target, probs, None, problem.keep, problem.temperature, problem.softcap
    )
    return reduced(problem, None if target is None else nll, None if probs is None else dense, lse)


class _Node(torch.autograd.Function):
    """A loss whose gradients are prepared for the last upstream gradient seen."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        classes: Tensor,
        bias: Tensor | None,
        target: Tensor | None,
        probs: Tensor | None,
        others: tuple[tuple[int, float], TorchProblem, HeadInfo | None],
    ) -> Tensor:
        ctx.save_for_backward(hidden, classes, bias, target, probs)
        ctx.limits, ctx.problem, ctx.info = others
        ctx.upstream = expected_upstream()
        arguments = (HeadArguments(hidden, classes, bias, *ctx.limits), target, probs, ctx.problem)
        value, grads = _solve(*arguments, ctx.upstream, ctx.needs_input_grad, ctx.info)
        ctx.prepared = [grads]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        # raises if one was overwritten
        hidden, classes, bias, target, probs = ctx.saved_tensors
        arguments = (HeadArguments(hidden, classes, bias, *ctx.limits), target, probs, ctx.problem)
        if torch.is_grad_enabled() or is_batched(upstream):
            return *_differentiable(*arguments, upstream, ctx.needs_input_grad), None, None, None
        seen = upstream.item()
        remember(seen)
        prepared = ctx.prepared.pop() if ctx.prepared else None  # atomic: only one thread gets it
        if prepared is None or seen != ctx.upstream:
            del prepared  # so that its memory is used again
            prepared = _solve(*arguments, seen, ctx.needs_input_grad, ctx.info)[1]
        return *prepared, None, None, None


def _solve(
    head: HeadArguments,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float,
    needed: Sequence[bool],
    info: HeadInfo | None,
) -> tuple[Tensor, Gradients]:
    """The loss, and its gradients times `upstream`."""
    scale = problem.scale(upstream, head.hidden.shape[:-1].numel())
    rows = RowArguments(
        target, probs, None, problem.temperature, problem.softcap, nll_coef=problem.nll_coef,
        dense_coef=problem.dense_coef, square_coef=problem.square_coef,
    )  # fmt: skip
    wanted = (needed[0], needed[1], needed[2])
    soften = (lambda part: softened(part, part.dim() - 1, problem)) if target is None else None
    found, grads = compute(head, rows, wanted, scale=scale, soften=soften, info=info)
    return reduced(problem, found.nll, found.dense, found.lse), grads


def _differentiable(
    head: HeadArguments,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: Tensor,
    needed: Sequence[bool],
) -> Sequence[Tensor | None]:
    """The gradients as functions of everything."""
    if target is None and probs is not None:
        probs = softened(probs, probs.dim() - 1, problem)
    options = (problem.keep, problem.temperature, problem.softcap)

    def lse() -> Tensor:
        logits = F.linear(*head[:3])
        found = results_of_logits(logits, None, None, None, *options, False)[2]
        assert found is not None
        return found

    coefs = coefficients(problem, head.hidden.shape[:-1], target, probs, upstream, lse)
    return gradient([*head, target, probs, None, *options, *coefs, None, list(needed[:3])])
