"""The loss in autograd's graph.

For eager CPU tensors one autograd node is the whole loss, and its gradient is computed in the same
pass over the logits, for an upstream gradient that `prepared` expects. Scaled, or computed again
from the logits, it has the same bits whatever was expected: that affects the time alone.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

from ..._contract import without_axis
from ..._engine import Array
from .._engines import kernels, states
from .._operators import rows
from .._operators.inputs import given, inputs_of, keep_inputs
from .._operators.routed import row_results
from .._problem import TorchProblem, coefficients, reduced
from .._route import Path, Route, is_batched, is_recorded, require_grad, route_of
from .prepared import expected, met, serves, unit_for
from .with_gradient import OPTIONS, is_wanted, options_of, problem_of, scaled


def loss(
    route: Route,
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
) -> Tensor:
    """The loss: one number, or one per row."""
    if route.path is not Path.NODE:
        if _takes_both(logits, probs, problem):
            return _with_gradient(logits, target, probs, problem)
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
            grad = _differentiable(logits, target, probs, problem, upstream)
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


def _differentiable(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    problem: TorchProblem,
    upstream: Tensor,
) -> Tensor:
    """The gradient as a function of everything."""
    shape = without_axis(logits.shape, problem.dim)
    coefs = coefficients(problem, shape, target, probs, upstream, lambda: _lse(logits, problem))
    options = (problem.keep, problem.temperature, problem.softcap)
    return rows.gradient(logits, problem.dim, target, probs, *options, *coefs)


# A compiler's gradient is computed for this upstream gradient, so that entries are there that would
# be flushed to 0 for 1, and scaled down. With a larger one a row's weight of 1e31 would overflow.
_UNIT = 2.0**24


def _takes_both(logits: Tensor, probs: Tensor | None, problem: TorchProblem) -> bool:
    """Whether a compiler takes loss and gradient together; halves are rounded once, so they wait.

    Kept for an upstream gradient that came before, as by `prepared`, they would have to be copied.
    """
    coefs = (problem.nll_coef, problem.dense_coef, problem.square_coef, problem.total)
    trained = is_recorded(logits) and not require_grad(probs, *coefs)
    return trained and logits.dtype.itemsize > 2 and is_wanted(problem, logits)


def _with_gradient(
    logits: Tensor, target: Tensor | None, probs: Tensor | None, problem: TorchProblem
) -> Tensor:
    """The loss for a compiler, as an operator that computes the gradient in the same pass."""
    options = options_of(logits, target, probs, problem)
    found: Sequence[Tensor] = row_loss(logits, problem.dim, *options)
    return found[0].to(problem.dtype)


@custom_op(
    "neglog::row_loss",
    mutates_args=(),
    schema=f"(Tensor logits, SymInt dim, {OPTIONS}) -> (Tensor, Tensor)",
    device_types="cpu",
)
def row_loss(*inputs: Any) -> tuple[Tensor, Tensor]:
    """The loss in float64, and its gradient for an upstream gradient of `_UNIT`."""
    logits, target, probs, problem = _arguments_of(given(inputs))
    if target is not None:
        kernels.check_used_classes(target, problem.keep, logits.shape[problem.dim])
    value, grad = _run(logits, target, probs, problem, _UNIT)
    assert grad is not None
    return value, grad


@row_loss.register_fake
def _(logits: Tensor, dim: int, *_: Any) -> tuple[Tensor, Tensor]:
    return logits.new_empty((), dtype=torch.float64), kernels.place(logits, dim)


def _arguments_of(
    inputs: Sequence[Any],
) -> tuple[Tensor, Tensor | None, Tensor | None, TorchProblem]:
    """What `_run` takes."""
    logits, dim, *options = inputs
    target, probs, problem = problem_of(logits, options)
    problem.dim = dim
    return logits, target, probs, problem


def _keep(ctx: Any, inputs: tuple[Any, ...], output: Sequence[Tensor]) -> None:
    keep_inputs(ctx, (*inputs, output[1]), output)


def _backward(ctx: Any, upstream: Tensor | None, _: Any) -> tuple[Any, ...]:
    *inputs, prepared = inputs_of(ctx)
    if upstream is None:
        grad = None
    elif torch.is_grad_enabled():
        grad = _differentiable(*_arguments_of(inputs), upstream)
    else:
        grad = scaled(prepared, upstream / _UNIT, prepared.dtype)
    return grad, *[None] * 11


row_loss.register_autograd(_backward, setup_context=_keep)
