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

from .. import _problem
from .._contract import without_axis
from . import _engine, _ops
from ._array_ops import ArrayOps
from ._rows import rows
from ._way import is_batched, is_plain


class Task(_problem.Problem):
    """Checked arguments but for the large arrays. Options at their defaults cost no tensor."""

    dim: int  # the class axis
    dtype: torch.dtype  # of the loss
    keep: Tensor | None = None  # (...) bool: rows that count
    computed: torch.dtype  # of the target's probabilities, which may be softened a part at a time

    def scale(self, upstream: float, n: int) -> float:
        """What the gradient of the sum of n rows is multiplied by, without autograd."""
        if self.reduction != "mean":
            return upstream
        total = max(n, 1) if self.total is None else float(self.total)
        return upstream / total if total else 0.0


def loss(logits: Tensor, target: Tensor | None, probs: Tensor | None, task: Task) -> Tensor:
    """The loss: one number, or one a row."""
    recording = torch.is_grad_enabled()
    if is_plain(logits) and not (recording and _is_recorded(probs, task)):
        if not (recording and logits.requires_grad):
            return _pass(logits, target, probs, task, None)[0]
        upstream = None if task.reduction == "none" else expected_upstream()
        done = _pass(logits, target, probs, task, upstream)
        return in_graph(logits, target, probs, task, upstream, *done)
    numbers = rows(
        logits, task.dim, target, probs,
        keep=task.keep, temperature=task.temperature, softcap=task.softcap,
    )  # fmt: skip
    return combined(task, numbers.nll, numbers.dense, numbers.lse)


def _is_recorded(probs: Tensor | None, task: Task) -> bool:
    """Whether a derivative by anything but the logits may be asked for."""
    options = (probs, task.nll_coef, task.dense_coef, task.square_coef, task.temperature)
    return any(x is not None and x.requires_grad for x in options)


def combined(task: Task, nll: Tensor | None, dense: Tensor | None, lse: Tensor | None) -> Tensor:
    """Rows -> the loss, in the dtype of results."""
    some: Any = next(x for x in (nll, dense) if x is not None)
    ops = ArrayOps(some.device)
    losses = _problem.row_losses(task, ops, nll, dense, lse)
    return _problem.reduced(task, ops, losses).to(task.dtype)  # type: ignore[no-any-return]


def _pass(
    logits: Tensor, target: Tensor | None, probs: Tensor | None, task: Task, upstream: float | None
) -> tuple[Tensor, Tensor | None]:
    """The loss, and its gradient times `upstream` if that is given, in one pass."""
    n = logits.numel() // logits.shape[task.dim]
    scale = 0.0 if upstream is None else task.scale(upstream, n)
    result, grad = _engine.run(
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
    found = _problem.coefficients(
        task, ArrayOps(upstream.device), upstream, tuple(shape),
        nll=target is not None, dense=probs is not None, lse=lse,
    )  # fmt: skip
    return [*found, None]


def _lse(logits: Tensor, task: Task) -> Tensor:
    options: Any = {"temperature": task.temperature, "softcap": task.softcap}
    return rows(logits, task.dim, keep=task.keep, **options).lse


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
            grad = _ops.gradient(logits, task.dim, target, probs, *options, *coefs)
            return grad, None, None, None
        met = upstream.item()
        remember(met)
        prepared = ctx.prepared.pop() if ctx.prepared else None  # atomic: nobody else gets it
        if prepared is None or met != ctx.upstream:
            del prepared  # its memory is used again
            prepared = _pass(logits, target, probs, task, met)[1]
        return prepared, None, None, None
