"""The loss in autograd's graph.

For eager CPU tensors one autograd node is the whole loss, and its gradient is computed in the same
pass over the logits. That gradient is for the last upstream gradient seen: in a training loop the
guess is right in every step but the first. If it is wrong, or if the gradient is wanted a second
time, it is computed from the logits again, to the same bits.
"""

from typing import Any

import torch
from torch import Tensor

from ..._contract import without_axis
from ..._engine import Array
from .._engines import kernels
from .._operators import rows
from .._operators.routed import row_results
from .._problem import TorchProblem, coefficients, reduced
from .._route import Path, Route, is_batched, route_of


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
    if not (logits.requires_grad and torch.is_grad_enabled()):
        return _run(logits, target, probs, problem, None)[0]
    upstream = None if problem.reduction == "none" else expected_upstream()
    done = _run(logits, target, probs, problem, upstream)
    return in_graph(logits, target, probs, problem, upstream, *done)


def _run(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float | None,
) -> tuple[Tensor, Tensor | None]:
    """The loss, and its gradient times `upstream` if that is given, in one pass."""
    n = logits.numel() // logits.shape[problem.dim]
    scale = 0.0 if upstream is None else problem.scale(upstream, n)
    found, grad = kernels.run(
        logits, problem.dim, target, probs, nll_coef=problem.nll_coef,
        dense_coef=problem.dense_coef, square_coef=problem.square_coef, scale=scale,
        temperature=problem.temperature, softcap=problem.softcap, gradient=upstream is not None,
    )  # fmt: skip
    shape = without_axis(logits.shape, problem.dim)
    nll, dense = _shaped(found.nll, shape), _shaped(found.dense, shape)
    return reduced(problem, nll, dense, _shaped(found.lse, shape)), grad


def _shaped(numbers: Array | None, shape: tuple[int, ...]) -> Tensor | None:
    return None if numbers is None else torch.from_numpy(numbers).view(shape)


def _lse(logits: Tensor, problem: TorchProblem) -> Tensor:
    route = route_of(logits, temperature=problem.temperature)
    return row_results(
        route, logits, problem.dim,
        keep=problem.keep, temperature=problem.temperature, softcap=problem.softcap,
    ).lse  # fmt: skip


_last_upstream = 1.0


def expected_upstream() -> float:
    """The last upstream gradient seen: gradients are prepared for it."""
    return _last_upstream


def remember(upstream: float) -> None:
    """Expect this upstream gradient from now on."""
    global _last_upstream
    _last_upstream = upstream


def in_graph(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: float | None,
    value: Tensor,
    grad: Tensor | None,
) -> Tensor:
    """`value` as a function of the logits; `grad` is their gradient for `upstream`."""
    node: Any = _Node
    return node.apply(logits, target, probs, (value, problem, upstream, grad))  # type: ignore[no-any-return]


class _Node(torch.autograd.Function):
    """The loss, which is computed before the node is made."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor | None,
        probs: Tensor | None,
        done: tuple[Tensor, TorchProblem, float | None, Tensor | None],
    ) -> Tensor:
        ctx.save_for_backward(logits, target, probs)
        value, ctx.problem, ctx.upstream, grad = done
        ctx.prepared = [grad]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        logits, target, probs = ctx.saved_tensors  # raises if one was overwritten
        problem = ctx.problem
        if ctx.upstream is None or torch.is_grad_enabled() or is_batched(upstream):
            shape = without_axis(logits.shape, problem.dim)
            coefs = coefficients(
                problem, shape, target, probs, upstream, lambda: _lse(logits, problem)
            )
            options = (problem.keep, problem.temperature, problem.softcap)
            grad = rows.gradient(logits, problem.dim, target, probs, *options, *coefs)
            return grad, None, None, None
        seen = upstream.item()
        remember(seen)
        prepared = ctx.prepared.pop() if ctx.prepared else None  # atomic: only one thread gets it
        if prepared is None or seen != ctx.upstream:
            del prepared  # so that its memory is used again
            prepared = _run(logits, target, probs, problem, seen)[1]
        return prepared, None, None, None
