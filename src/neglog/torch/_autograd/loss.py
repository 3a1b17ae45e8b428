"""The loss in autograd's graph.

For eager CPU tensors one autograd node is the whole loss, and its gradient is computed in the same
pass over the logits, for an upstream gradient that `prepared` expects. Scaled, or computed again
from the logits, it has the same bits whatever was expected: that affects the time alone.
"""

import math
from typing import Any

import torch
from torch import Tensor

from ..._contract import without_axis
from ..._engine import Array
from .._engines import kernels, states
from .._operators import rows
from .._operators.routed import row_results
from .._problem import TorchProblem, coefficients, reduced
from .._route import Path, Route, is_batched, is_recorded, route_of
from .prepared import expected, met, serves, unit_for


def loss(
    route: Route,
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
) -> Tensor:
    """The loss: one number, or one per row."""
    if route.path is not Path.NODE:
        found = row_results(
            route, logits, problem.dim, target, probs,
            keep=problem.keep, temperature=problem.temperature, softcap=problem.softcap,
        )  # fmt: skip
        return reduced(problem, found.nll, found.dense, found.lse)
    if not is_recorded(logits):
        return _run(logits, target, probs, problem, None)[0]
    upstream = left = None
    if problem.reduction != "none":
        upstream = expected(logits.dtype)
        if upstream is None:
            left = states.new_states(logits, problem.dim, probs, problem.softcap)
    done = _run(logits, target, probs, problem, upstream, left)
    return in_graph(logits, target, probs, problem, upstream, *done, left)


def _run(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float | None,
    left: Tensor | None = None,
) -> tuple[Tensor, Tensor | None]:
    """The loss, and its gradient times `upstream` if that is given, in one pass."""
    n = logits.numel() // logits.shape[problem.dim]
    scale = 0.0 if upstream is None else problem.scale(upstream, n)
    found, grad = kernels.run(
        logits, problem.dim, target, probs, nll_coef=problem.nll_coef,
        dense_coef=problem.dense_coef, square_coef=problem.square_coef, scale=scale,
        temperature=problem.temperature, softcap=problem.softcap, gradient=upstream is not None,
        states=left,
    )  # fmt: skip
    shape = without_axis(logits.shape, problem.dim)
    nll, dense = _shaped(found.nll, shape), _shaped(found.dense, shape)
    return reduced(problem, nll, dense, _shaped(found.lse, shape)), grad


def _of_states(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float,
    left: Tensor,
) -> Tensor:
    """The gradient of `_run`, from the states of the rows."""
    return states.gradient(
        logits, problem.dim, left, target, probs, problem.temperature, nll_coef=problem.nll_coef,
        dense_coef=problem.dense_coef, square_coef=problem.square_coef,
        scale=problem.scale(upstream, len(left)),
    )  # fmt: skip


def _shaped(numbers: Array | None, shape: tuple[int, ...]) -> Tensor | None:
    return None if numbers is None else torch.from_numpy(numbers).view(shape)


def _lse(logits: Tensor, problem: TorchProblem) -> Tensor:
    route = route_of(logits, temperature=problem.temperature)
    return row_results(
        route, logits, problem.dim,
        keep=problem.keep, temperature=problem.temperature, softcap=problem.softcap,
    ).lse  # fmt: skip


def in_graph(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float | None,
    value: Tensor,
    grad: Tensor | None,
    left: Tensor | None = None,
) -> Tensor:
    """`value` as a function of the logits.

    `grad` is their gradient for `upstream`; without it there may be the states of the rows.
    """
    node: Any = _Node
    return node.apply(logits, target, probs, left, (value, problem, upstream, grad))  # type: ignore[no-any-return]


class _Node(torch.autograd.Function):
    """The loss, which is computed before the node is made."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor | None,
        probs: Tensor | None,
        left: Tensor | None,
        done: tuple[Tensor, TorchProblem, float | None, Tensor | None],
    ) -> Tensor:
        ctx.save_for_backward(logits, target, probs, left)
        value, ctx.problem, ctx.upstream, grad = done
        ctx.prepared = [grad]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        logits, target, probs, left = ctx.saved_tensors  # raises if one was overwritten
        problem = ctx.problem
        if problem.reduction == "none" or torch.is_grad_enabled() or is_batched(upstream):
            shape = without_axis(logits.shape, problem.dim)
            coefs = coefficients(
                problem, shape, target, probs, upstream, lambda: _lse(logits, problem)
            )
            options = (problem.keep, problem.temperature, problem.softcap)
            grad = rows.gradient(logits, problem.dim, target, probs, *options, *coefs)
            return grad, None, None, None, None
        seen, unit = upstream.item(), ctx.upstream
        met(seen)
        # Atomic: only one thread gets it.
        slope: Tensor | None = ctx.prepared.pop() if ctx.prepared else None
        if not serves(unit, seen, logits.dtype):
            slope, unit = None, unit_for(seen, logits.dtype)  # its memory is used again
        if slope is None and left is not None:
            slope = _of_states(logits, target, probs, problem, unit, left)
        elif slope is None:
            slope = _run(logits, target, probs, problem, unit)[1]
        if slope is not None and unit != seen and not math.isnan(seen):
            slope.mul_(seen / unit)
        return slope, None, None, None, None
