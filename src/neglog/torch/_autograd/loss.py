"""From rows to the loss: one number a row for every option, then a sum.

On plain CPU tensors one autograd node does all of it, and computes the gradient in the same
reading of the logits as the loss. That gradient is for the upstream gradient that was met last: in
a training loop the guess is right in every step but the first. Where it is wrong, or the gradient
is wanted twice, it is computed again from the logits, to the same bits.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..._contract import without_axis
from .._engines import kernels
from .._operators import rows
from .._route import Path, Route, is_batched, route_of
from .._row_results import row_results


class Task:
    """Checked arguments but for the large arrays. Options at their defaults cost no tensor."""

    dim: int  # the class axis
    dtype: torch.dtype  # of the loss
    reduction: str
    total: float | Tensor  # what a mean divides by
    keep: Tensor | None = None  # (...) bool; like all below but softcap, one a row
    nll_coef: Tensor | None = None
    dense_coef: Tensor | None = None
    square_coef: Tensor | None = None  # of lse^2
    temperature: Tensor | None = None  # or ()
    softcap: float | None = None
    # For a target of probabilities, which may be softened a part at a time:
    smoothing: float
    class_weight: Tensor | None
    computed: torch.dtype


def loss(
    route: Route, logits: Tensor, target: Tensor | None, probs: Tensor | None, task: Task
) -> Tensor:
    """The loss: one number, or one per row."""
    if route.path is not Path.NODE:
        found = row_results(
            route, logits, task.dim, target, probs,
            keep=task.keep, temperature=task.temperature, softcap=task.softcap,
        )  # fmt: skip
        return combined(task, found.nll, found.dense, found.lse)
    if not (logits.requires_grad and torch.is_grad_enabled()):
        return _pass(logits, target, probs, task, None)[0]
    upstream = None if task.reduction == "none" else expected_upstream()
    done = _pass(logits, target, probs, task, upstream)
    return in_graph(logits, target, probs, task, upstream, *done)


def combined(task: Task, nll: Tensor | None, dense: Tensor | None, lse: Tensor | None) -> Tensor:
    """L = nll_coef nll + dense_coef dense + square_coef lse^2 for every row, and their sum."""
    parts = []
    if nll is not None:
        parts.append(_weighted(task.nll_coef, nll))
    if dense is not None:
        parts.append(_weighted(task.dense_coef, dense))
    if task.square_coef is not None and lse is not None:
        parts.append(_weighted(task.square_coef, lse * lse))
    losses = parts[0] if len(parts) == 1 else torch.stack(parts).sum(0)
    if task.reduction != "none":
        losses = losses.sum()
    if task.reduction == "mean":
        losses = _divided(losses, task.total)
    return losses.to(task.dtype)


def _weighted(coef: Tensor | None, values: Tensor) -> Tensor:
    """coef * values, where a coefficient of 0 silences even inf and nan."""
    if coef is None:
        return values
    # The product is right where it is a number: a derivative by a weight of 0 is not 0.
    return (coef * values).masked_fill((coef == 0) & values.isfinite().logical_not(), 0.0)


def _divided(losses: Tensor, total: float | Tensor) -> Tensor:
    """losses / total; a mean over no row at all is 0."""
    if not isinstance(total, Tensor):
        return losses / total if total else losses * 0.0
    nothing = total == 0
    return (losses / total.masked_fill(nothing, 1.0)).masked_fill(nothing, 0.0)


def _pass(
    logits: Tensor, target: Tensor | None, probs: Tensor | None, task: Task, upstream: float | None
) -> tuple[Tensor, Tensor | None]:
    """The loss, and its gradient times `upstream` if that is given, in one pass."""
    scale = 0.0 if upstream is None else upstream
    if task.reduction == "mean":
        total = float(task.total)
        scale = scale / total if total else 0.0
    result, grad = kernels.run(
        logits, task.dim, target, probs, nll_coef=task.nll_coef, dense_coef=task.dense_coef,
        square_coef=task.square_coef, scale=scale, temperature=task.temperature,
        softcap=task.softcap, gradient=upstream is not None,
    )  # fmt: skip
    shape = [size for axis, size in enumerate(logits.shape) if axis != task.dim]
    arrays = (result.nll, result.dense, result.lse)
    numbers = (None if x is None else torch.from_numpy(x).view(shape) for x in arrays)
    return combined(task, *numbers), grad


def coefficients(
    task: Task,
    shape: Sequence[int],
    target: Tensor | None,
    probs: Tensor | None,
    upstream: Tensor,
    lse: Callable[[], Tensor],
) -> list[Tensor | None]:
    """dL/dnll, dL/ddense, dL/dlse of every row, differentiable; `shape` is that of the rows."""
    share = upstream.to(torch.float64)
    if task.reduction == "mean":
        share = _divided(share, task.total)
    share = share.expand(shape)

    def of(coef: Tensor | None) -> Tensor:
        return share if coef is None else _weighted(coef, share)

    return [
        None if target is None else of(task.nll_coef),
        None if probs is None else of(task.dense_coef),
        None if task.square_coef is None else _weighted(of(task.square_coef), 2 * lse()),
        None,
    ]


def _lse(logits: Tensor, task: Task) -> Tensor:
    options: Any = {"temperature": task.temperature, "softcap": task.softcap}
    route = route_of(logits, temperature=task.temperature)
    return row_results(route, logits, task.dim, keep=task.keep, **options).lse


_upstream_met = 1.0


def expected_upstream() -> float:
    """The upstream gradient that was met last: what a gradient is prepared for."""
    return _upstream_met


def remember(upstream: float) -> None:
    """What is expected from now on."""
    global _upstream_met
    _upstream_met = upstream


def in_graph(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    task: Task,
    upstream: float | None,
    value: Tensor,
    grad: Tensor | None,
) -> Tensor:
    """`value` with a way back to the logits; `grad` is their gradient if `upstream` comes."""
    node: Any = _Node
    return node.apply(logits, target, probs, (value, task, upstream, grad))  # type: ignore[no-any-return]


class _Node(torch.autograd.Function):
    """The loss in autograd's graph, which is computed before the node is made."""

    @staticmethod
    def forward(
        ctx: Any,
        logits: Tensor,
        target: Tensor | None,
        probs: Tensor | None,
        done: tuple[Tensor, Task, float | None, Tensor | None],
    ) -> Tensor:
        ctx.save_for_backward(logits, target, probs)
        value, ctx.task, ctx.upstream, grad = done
        ctx.prepared = [grad]
        return value

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        logits, target, probs = ctx.saved_tensors  # raises where they were overwritten
        task = ctx.task
        if ctx.upstream is None or torch.is_grad_enabled() or is_batched(upstream):
            shape = without_axis(logits.shape, task.dim)
            coefs = coefficients(task, shape, target, probs, upstream, lambda: _lse(logits, task))
            options = (task.keep, task.temperature, task.softcap)
            grad = rows.gradient(logits, task.dim, target, probs, *options, *coefs)
            return grad, None, None, None
        met = upstream.item()
        remember(met)
        prepared = ctx.prepared.pop() if ctx.prepared else None  # atomic: nobody else gets it
        if prepared is None or met != ctx.upstream:
            del prepared  # its memory is used again
            prepared = _pass(logits, target, probs, task, met)[1]
        return prepared, None, None, None
