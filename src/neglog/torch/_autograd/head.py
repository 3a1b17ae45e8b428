"""The loss of a head in autograd's graph: one node, whose gradients are computed with the loss.

They are computed for an upstream gradient of 1 and scaled in place by the one that comes: what that
takes is little beside three products. So nothing depends on what came before.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.library import custom_op

from ..._head.info import HeadInfo, fill
from .._engines.head_kernels import Sums, finished, summed
from .._engines.head_rows import RowArguments
from .._engines.kernels import check_used_classes
from .._head_arguments import HeadArguments
from .._operators.head import gradient, results, results_of_logits
from .._operators.inputs import as_tensors, given, inputs_of, keep_inputs
from .._problem import TorchProblem, coefficients, reduced, softened
from .._route import Path, Route, has_kernels, is_batched
from .prepared import is_packed
from .with_gradient import OPTIONS, is_wanted, options_of, problem_of, scaled


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
    if is_wanted(problem, head.hidden) and head.is_trained():
        return _with_gradients(head, target, probs, problem)
    nll, dense, lse, *_ = results(
        *head, target, probs, None, problem.keep, problem.temperature, problem.softcap
    )
    return reduced(problem, None if target is None else nll, None if probs is None else dense, lse)


class _Node(torch.autograd.Function):
    """A loss whose gradients are prepared for an upstream gradient of 1."""

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
        arguments = (HeadArguments(hidden, classes, bias, *ctx.limits), target, probs, ctx.problem)
        packed = is_packed()
        wanted = (False,) * 3 if packed else ctx.needs_input_grad
        value, sums = _solve(*arguments, 1.0, wanted, ctx.info)
        ctx.prepared = [] if packed else [sums]
        ctx.bound = None if ctx.info is None else ctx.info.bound
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        # raises if one was overwritten
        hidden, classes, bias, target, probs = ctx.saved_tensors
        arguments = (HeadArguments(hidden, classes, bias, *ctx.limits), target, probs, ctx.problem)
        if torch.is_grad_enabled() or is_batched(upstream):
            return *_differentiable(*arguments, upstream, ctx.needs_input_grad), None, None, None
        seen = upstream.item()
        sums = ctx.prepared.pop() if ctx.prepared else None  # atomic: only one thread gets it
        # 0 * inf would be nan in rows that are left out.
        unit, factor = (1.0, seen) if math.isfinite(seen) else (seen, 1.0)
        if sums is None or unit != 1.0:
            sums = None  # so that its memory is used again
            sums = _solve(*arguments, unit, ctx.needs_input_grad, ctx.info)[1]
            ctx.bound = None if ctx.info is None else ctx.info.bound
        if ctx.bound is not None and ctx.info.bound is ctx.bound:  # of this call, not a later one
            ctx.info.bound = ctx.bound * abs(factor)
        return *finished(sums, arguments[0], factor), None, None, None


def _solve(
    head: HeadArguments,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float,
    needed: Sequence[bool],
    info: HeadInfo | None,
) -> tuple[Tensor, Sums]:
    """The loss, and its gradients times `upstream`, unfinished."""
    scale = problem.scale(upstream, head.hidden.shape[:-1].numel())
    rows = RowArguments(
        target, probs, None, problem.temperature, problem.softcap, nll_coef=problem.nll_coef,
        dense_coef=problem.dense_coef, square_coef=problem.square_coef,
    )  # fmt: skip
    wanted = (needed[0], needed[1], needed[2])
    soften = (lambda part: softened(part, part.dim() - 1, problem)) if target is None else None
    found, sums = summed(head, rows, wanted, scale=scale, soften=soften, info=info)
    return reduced(problem, found.nll, found.dense, found.lse), sums


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


def _with_gradients(
    head: HeadArguments, target: Tensor | None, probs: Tensor | None, problem: TorchProblem
) -> Tensor:
    """The loss for a compiler, as an operator that computes the gradients, too: three products."""
    hidden, classes, bias, *limits = head
    wanted = [x is not None and x.requires_grad for x in (hidden, classes, bias)]
    options = options_of(hidden, target, probs, problem)
    some_bias = as_tensors(hidden, bias)
    found: Sequence[Tensor] = head_loss(hidden, classes, *limits, *some_bias, *options, wanted)
    return found[0].to(problem.dtype)


@custom_op(
    "neglog::head_loss",
    mutates_args=(),
    schema="(Tensor hidden, Tensor classes, SymInt memory, float tolerance, Tensor bias,"
    f" {OPTIONS}, bool[] wanted) -> (Tensor, Tensor, Tensor, Tensor)",
    device_types="cpu",
)
def head_loss(*inputs: Any) -> tuple[Tensor, ...]:
    """The loss in float64, and its gradients for an upstream gradient of 1; empty if not wanted."""
    arguments, wanted = _arguments_of(given(inputs))
    head, target, _, problem = arguments
    if target is not None:
        check_used_classes(target, problem.keep, len(head.classes))
    value, sums = _solve(*arguments, 1.0, wanted, None)
    grads = finished(sums, head, 1.0, _kept_dtype(head.hidden))
    return value, *(head.hidden.new_empty(0) if x is None else x for x in grads)


def _kept_dtype(hidden: Tensor) -> torch.dtype:
    """Of the gradients until the backward pass: float16 has too few exponents for a loss scale."""
    return torch.float32 if hidden.dtype == torch.float16 else hidden.dtype


@head_loss.register_fake
def _(*inputs: Any) -> tuple[Tensor, ...]:
    (head, *_), wanted = _arguments_of(given(inputs))
    kept = _kept_dtype(head.hidden)
    grads = (
        x.new_empty(x.shape, dtype=kept) if want and x is not None else head.hidden.new_empty(0)
        for x, want in zip(head[:3], wanted, strict=True)
    )
    return head.hidden.new_empty((), dtype=torch.float64), *grads


def _arguments_of(
    inputs: Sequence[Any],
) -> tuple[tuple[HeadArguments, Tensor | None, Tensor | None, TorchProblem], list[bool]]:
    """What `_solve` takes."""
    hidden, classes, memory, tolerance, bias, *options, wanted = inputs
    head = HeadArguments(hidden, classes, bias, memory, tolerance)
    return (head, *problem_of(hidden, options)), wanted


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Sequence[Tensor]) -> None:
    keep_inputs(ctx, (*inputs, *output[1:]), output)


def _backward(ctx: Any, upstream: Tensor | None, *_: Any) -> tuple[Any, ...]:
    *inputs, to_hidden, to_classes, to_bias = inputs_of(ctx)
    prepared: Sequence[Tensor | None] = (to_hidden, to_classes, to_bias)
    arguments, wanted = _arguments_of(inputs)
    if upstream is None:
        prepared = (None,) * 3
    elif torch.is_grad_enabled():
        prepared = _differentiable(*arguments, upstream, wanted)
    else:
        prepared = [
            scaled(x, upstream, inputs[0].dtype) if want and x is not None else None
            for x, want in zip(prepared, wanted, strict=True)
        ]
    hidden, classes, bias = prepared
    return hidden, classes, None, None, bias, *[None] * 11


head_loss.register_autograd(_backward, setup_context=_keep)
