"""The engine as torch operators: what autograd, compilers and exporters see of it.

On a CPU the operators are the kernels; elsewhere they are the composition, computed again in the
backward pass. Either way nothing is held between the passes but the logits and a few numbers a
row. `rows_gradient` is an operator of its own so that it can be differentiated again.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

from . import _compose, _engine
from ._compose import along, row_dtype
from ._way import is_forward_mode

_Numbers = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def _complete(logits: Tensor, numbers: Any) -> _Numbers:
    """An operator returns tensors only: an empty one for each number that was not asked for."""
    wide = row_dtype(logits.device)
    return tuple(logits.new_empty(0, dtype=wide) if x is None else x for x in numbers)  # type: ignore[return-value]


@custom_op("neglog::rows", mutates_args=())
def rows(
    logits: Tensor,
    dim: int,
    target: Tensor | None,
    probs: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
) -> _Numbers:
    """nll, dense, lse, entropy and argmax of every row, as `_compose.rows`."""
    if not logits.is_cpu:
        found = _compose.rows(
            logits, dim, target, probs,
            keep=keep, temperature=temperature, softcap=softcap, entropy=entropy,
        )  # fmt: skip
        return _complete(logits, found)
    if target is not None:
        target = target if keep is None else target.masked_fill(keep.logical_not(), 0)
        _engine.check_classes(target, logits.shape[dim])
    arrays, _ = _engine.run(
        logits, dim, target, probs, nll_coef=keep, dense_coef=keep, temperature=temperature,
        softcap=softcap, lse=True, entropy=entropy, argmax=True,
    )  # fmt: skip
    shape = _rows_shape(logits, dim)
    tensors = [None if x is None else torch.from_numpy(x).view(shape) for x in arrays]
    return _complete(logits, tensors)


def _rows_shape(logits: Tensor, dim: int) -> list[int]:
    return [size for axis, size in enumerate(logits.shape) if axis != dim]


@rows.register_fake
def _(
    logits: Tensor,
    dim: int,
    target: Tensor | None,
    probs: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
) -> _Numbers:
    shape, wide = _rows_shape(logits, dim), row_dtype(logits.device)
    asked = (target is not None, probs is not None, True, entropy)
    numbers = [logits.new_empty(shape, dtype=wide) if want else None for want in asked]
    return _complete(logits, [*numbers, logits.new_empty(shape, dtype=torch.int64)])


@custom_op("neglog::rows_gradient", mutates_args=())
def rows_gradient(
    logits: Tensor,
    dim: int,
    target: Tensor | None,
    probs: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    nll_coef: Tensor | None,
    dense_coef: Tensor | None,
    lse_coef: Tensor | None,
    entropy_coef: Tensor | None,
) -> Tensor:
    """What `rows` is by the logits, each number weighted by its coefficient: shape of the logits.

    A row whose coefficients are all 0 is not looked at: its gradient is 0.
    """
    coefs = (nll_coef, dense_coef, lse_coef, entropy_coef)
    if not logits.is_cpu:
        return _compose.gradient(
            logits, dim, target, probs, keep, temperature, softcap, coefs
        )  # fmt: skip
    # To the kernels a target without a coefficient has the coefficient 1.
    target, probs = None if nll_coef is None else target, None if dense_coef is None else probs
    _, grad = _engine.run(
        logits, dim, target, probs, temperature=temperature, softcap=softcap,
        nll_coef=nll_coef, dense_coef=dense_coef, lse_coef=lse_coef, entropy_coef=entropy_coef,
        gradient=True,
    )  # fmt: skip
    assert grad is not None
    return grad


@rows_gradient.register_fake
def _(logits: Tensor, dim: int, *others: Any) -> Tensor:
    return _engine.place(logits, dim)


def gradient(*inputs: Any) -> Tensor:
    """`rows_gradient`, composed in forward mode, which does not know the operator."""
    if is_forward_mode():
        return _composed_gradient(inputs, create_graph=torch.is_grad_enabled())
    grad: Tensor = rows_gradient(*inputs)
    return grad


def _composed_gradient(inputs: Sequence[Any], *, create_graph: bool) -> Tensor:
    """The same by differentiating the composition, so that it can be differentiated again."""
    logits, dim, target, probs, keep, temperature, softcap, *coefs = inputs
    with torch.enable_grad():
        # A tensor of its own: what coefficients are of the logits is not this derivative's matter.
        z = logits.view_as(logits) if logits.requires_grad else logits.detach().requires_grad_()
        found = _compose.rows(
            z, dim, target, probs, keep=keep, temperature=temperature, softcap=softcap,
            entropy=coefs[3] is not None,
        )  # fmt: skip
        numbers = (found.nll, found.dense, found.lse, found.entropy)
        pairs = zip(numbers, coefs, strict=True)
        parts = [(x * coef).sum() for x, coef in pairs if x is not None and coef is not None]
        total = torch.stack(parts).sum()
        grad: Tensor = torch.autograd.grad(total, z, create_graph=create_graph)[0]
        return grad


def keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    tensors = [x if isinstance(x, Tensor) else None for x in inputs]
    ctx.save_for_backward(*tensors)
    ctx.others = [None if isinstance(x, Tensor) else x for x in inputs]
    ctx.set_materialize_grads(False)


def inputs_of(ctx: Any) -> list[Any]:
    return [o if t is None else t for t, o in zip(ctx.saved_tensors, ctx.others, strict=True)]


def _rows_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    *problem, entropy = inputs_of(ctx)
    logits, dim, target, probs, _, temperature, softcap = problem
    # Compilers pass a gradient for each result, also for those that were not asked for.
    asked = (target is not None, probs is not None, True, entropy)
    coefs = [x if want else None for x, want in zip(upstream, asked, strict=False)]
    by_logits = by_probs = None
    if ctx.needs_input_grad[0] and any(x is not None for x in coefs):
        by_logits = gradient(*problem, *coefs)
    if ctx.needs_input_grad[3] and coefs[1] is not None:
        by_probs = _by_probs(logits, dim, probs, temperature, softcap, coefs[1])
    return by_logits, None, None, by_probs, None, None, None, None


def _by_probs(
    logits: Tensor,
    dim: int,
    probs: Tensor,
    temperature: Tensor | None,
    softcap: float | None,
    coef: Tensor,
) -> Tensor:
    """What dense is by its probabilities: -log p."""
    shaped = along(coef, dim)
    keep = coef != 0
    z = _compose.adjusted(logits, dim, keep, temperature, softcap)
    grad: Tensor = -(shaped * softmax(z, dim, True)).to(probs.dtype)
    if probs.dim() == logits.dim():
        return grad
    return grad.movedim(dim, -1).reshape(-1, probs.shape[0]).sum(0)


rows.register_autograd(_rows_backward, setup_context=keep_inputs)


def derivatives_again(
    ctx: Any, upstream: Sequence[Tensor | None], composed: Callable[[list[Any]], Sequence[Any]]
) -> tuple[Any, ...]:
    """The backward pass of an operator that gives gradients: by way of the composition.

    `composed` gives the same gradients of these inputs, None for those that were not wanted.
    """
    inputs = inputs_of(ctx)
    results: list[Any] = [None] * len(inputs)
    wanted = [at for at, needed in enumerate(ctx.needs_input_grad) if needed is True]
    if all(x is None for x in upstream):
        return tuple(results)
    with torch.enable_grad():
        for at in wanted:
            inputs[at] = inputs[at].view_as(inputs[at])
        grads = composed(inputs)
    pairs = [
        (g, u) for g, u in zip(grads, upstream, strict=True) if g is not None and u is not None
    ]
    if not pairs:
        return tuple(results)
    found = torch.autograd.grad(
        [g for g, _ in pairs], [inputs[at] for at in wanted], [u for _, u in pairs],
        create_graph=torch.is_grad_enabled(), allow_unused=True,
    )  # fmt: skip
    for at, value in zip(wanted, found, strict=True):
        results[at] = value
    return tuple(results)


def _rows_gradient_backward(ctx: Any, upstream: Tensor | None) -> tuple[Any, ...]:
    return derivatives_again(
        ctx, [upstream], lambda inputs: [_composed_gradient(inputs, create_graph=True)]
    )


rows_gradient.register_autograd(_rows_gradient_backward, setup_context=keep_inputs)


@custom_op("neglog::softmax", mutates_args=())
def softmax(logits: Tensor, dim: int, log: bool) -> Tensor:
    """Probabilities, or their logarithms."""
    if logits.is_cpu:
        return _engine.softmax(logits, dim, log=log)
    return _compose.softmax(logits, dim, log=log)


@softmax.register_fake
def _(logits: Tensor, dim: int, log: bool) -> Tensor:
    return _engine.place(logits, dim)


def _keep_softmax(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    logits, ctx.dim, ctx.log = inputs
    ctx.save_for_backward(logits, None if ctx.log else output)


def _softmax_backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
    """q - p sum(q), q = upstream (log_softmax) or upstream * p (softmax): what the loss with
    target probabilities q is by the logits, but for its sign, and so as exact in the tail."""
    logits, p = ctx.saved_tensors
    q = upstream if ctx.log else upstream * p
    shape = _rows_shape(logits, ctx.dim)
    minus = logits.new_full(shape, -1.0, dtype=row_dtype(logits.device))
    none = (None, None, None, None)
    return gradient(logits, ctx.dim, None, q, *none, minus, None, None), None, None


softmax.register_autograd(_softmax_backward, setup_context=_keep_softmax)


@rows_gradient.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
    """A batch of problems is a problem with one more axis of rows."""
    logits, dim, _, probs, *_ = inputs
    size = logits.dim() - (in_dims[0] is not None)

    def batched(x: Any, at: int | None) -> Any:
        if not isinstance(x, Tensor) or (at is None and x.dim() not in (size, size - 1)):
            return x  # one number for all
        return x.expand(info.batch_size, *x.shape) if at is None else x.movedim(at, 0)

    everything = [batched(x, at) for x, at in zip(inputs, in_dims, strict=True)]
    everything[1] = dim + 1
    if in_dims[3] is None and probs is not None and probs.dim() == 1 < size:
        everything[3] = probs  # one number a class
    return rows_gradient(*everything), 0
