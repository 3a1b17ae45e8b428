"""Rows as torch operators: results, their gradients, softmax.

On a CPU the operators are the kernels. On any other device they are torch's own operators, and the
backward pass computes again what it needs. Either way nothing is kept between the passes but the
logits and a few numbers per row. `row_gradients` is an operator of its own so that it can be
differentiated again.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.library import custom_op

from ..._problem import is_used
from .._engines import composed, kernels
from .._engines.composed import along, row_dtype
from .._route import are_eager_cpu, is_forward_mode
from .derivatives import derivatives_again
from .inputs import as_tensors, given, inputs_of, keep_inputs

_Results = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def _complete(logits: Tensor, results: Any) -> _Results:
    """An operator returns only tensors: an empty one for each result not requested."""
    wide = row_dtype(logits.device)
    return tuple(logits.new_empty(0, dtype=wide) if x is None else x for x in results)  # type: ignore[return-value]


_PROBLEM = (
    "Tensor logits, SymInt dim, Tensor target, Tensor probs, Tensor keep, Tensor temperature,"
    " float? softcap"
)


@custom_op(
    "neglog::row_results",
    mutates_args=(),
    schema=f"({_PROBLEM}, bool entropy) -> (Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def row_results(*inputs: Any) -> _Results:
    """nll, dense, lse, entropy and argmax of every row, as `composed.row_results`."""
    logits, dim, target, probs, keep, temperature, softcap, entropy = given(inputs)
    found = composed.row_results(
        logits, dim, target, probs,
        keep=keep, temperature=temperature, softcap=softcap, entropy=entropy,
    )  # fmt: skip
    return _complete(logits, found)


@row_results.register_kernel("cpu")
def _(*inputs: Any) -> _Results:
    logits, *others = given(inputs)
    return _complete(logits, kernels.row_results(logits, *others))


def _rows_shape(logits: Tensor, dim: int) -> list[int]:
    return [size for axis, size in enumerate(logits.shape) if axis != dim]


@row_results.register_fake
def _(*inputs: Any) -> _Results:
    logits, dim, target, probs, _keep, _temperature, _softcap, entropy = given(inputs)
    shape, wide = _rows_shape(logits, dim), row_dtype(logits.device)
    asked = (target is not None, probs is not None, True, entropy)
    results = [logits.new_empty(shape, dtype=wide) if want else None for want in asked]
    return _complete(logits, [*results, logits.new_empty(shape, dtype=torch.int64)])


@custom_op(
    "neglog::row_gradients",
    mutates_args=(),
    schema=f"({_PROBLEM}, Tensor nll_coef, Tensor dense_coef, Tensor lse_coef, Tensor entropy_coef)"
    " -> Tensor",
)
def row_gradients(*inputs: Any) -> Tensor:
    """Gradient of `row_results` with respect to the logits, each result times its coefficient.

    A row whose coefficients are all 0 is not read: its gradient is 0.
    """
    logits, dim, target, probs, keep, temperature, softcap, *coefs = given(inputs)
    if keep is None and coefs[0] is not None:  # statistics; a loss says which rows it keeps
        keep = is_used([x for x in coefs if x is not None])
    return composed.row_gradients(
        logits, dim, target, probs, keep, temperature, softcap, tuple(coefs)
    )  # fmt: skip


@row_gradients.register_kernel("cpu")
def _(*inputs: Any) -> Tensor:
    return _of_kernels(given(inputs))


def _of_kernels(inputs: Sequence[Any]) -> Tensor:
    logits, dim, target, probs, _keep, temperature, softcap, *coefs = inputs
    nll_coef, dense_coef, lse_coef, entropy_coef = coefs
    # To the kernels a target without a coefficient has the coefficient 1.
    target, probs = None if nll_coef is None else target, None if dense_coef is None else probs
    _, grad = kernels.run(
        logits, dim, target, probs, temperature=temperature, softcap=softcap,
        nll_coef=nll_coef, dense_coef=dense_coef, lse_coef=lse_coef, entropy_coef=entropy_coef,
        gradient=True,
    )  # fmt: skip
    assert grad is not None
    return grad


@row_gradients.register_fake
def _(logits: Tensor, dim: int, *others: Any) -> Tensor:
    return kernels.place(logits, dim)


def gradient(*inputs: Any) -> Tensor:
    """`row_gradients`; composed in forward mode, which does not know the operator.

    Where nobody looks on, the kernels are called without the operator, which would take ten times
    as long as the arithmetic of a few rows.
    """
    if is_forward_mode():
        return _composed_gradient(inputs, create_graph=torch.is_grad_enabled())
    if not torch.is_grad_enabled() and are_eager_cpu(*inputs):
        return _of_kernels(inputs)
    logits, dim, *tensors, softcap = inputs[:7]
    coefs = as_tensors(logits, *inputs[7:])
    grad: Tensor = row_gradients(logits, dim, *as_tensors(logits, *tensors), softcap, *coefs)
    return grad


def _composed_gradient(inputs: Sequence[Any], *, create_graph: bool) -> Tensor:
    """The same by differentiating the composition, so that it can be differentiated again."""
    logits, dim, target, probs, keep, temperature, softcap, *coefs = inputs
    with torch.enable_grad():
        # A tensor of its own: the graph from the logits to the coefficients is not followed here.
        z = logits.view_as(logits) if logits.requires_grad else logits.detach().requires_grad_()
        found = composed.row_results(
            z, dim, target, probs, keep=keep, temperature=temperature, softcap=softcap,
            entropy=coefs[3] is not None,
        )  # fmt: skip
        results = (found.nll, found.dense, found.lse, found.entropy)
        pairs = zip(results, coefs, strict=True)
        parts = [(x * coef).sum() for x, coef in pairs if x is not None and coef is not None]
        total = torch.stack(parts).sum()
        grad: Tensor = torch.autograd.grad(total, z, create_graph=create_graph)[0]
        return grad


def _results_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    *problem, entropy = inputs_of(ctx)
    logits, dim, target, probs, _, temperature, softcap = problem
    # Compilers pass a gradient for every result, also for those that were not requested.
    asked = (target is not None, probs is not None, True, entropy)
    coefs = [x if want else None for x, want in zip(upstream, asked, strict=False)]
    grad_logits = grad_probs = None
    if ctx.needs_input_grad[0] and any(x is not None for x in coefs):
        grad_logits = gradient(*problem, *coefs)
    if ctx.needs_input_grad[3] and coefs[1] is not None:
        grad_probs = _probs_gradient(logits, dim, probs, temperature, softcap, coefs[1])
    return grad_logits, None, None, grad_probs, None, None, None, None


def _probs_gradient(
    logits: Tensor,
    dim: int,
    probs: Tensor,
    temperature: Tensor | None,
    softcap: float | None,
    coef: Tensor,
) -> Tensor:
    """Gradient of dense with respect to its probabilities: -log p."""
    shaped = along(coef, dim)
    keep = coef != 0
    z = composed.adjusted(logits, dim, keep, temperature, softcap)
    grad: Tensor = -(shaped * softmax(z, dim, True)).to(probs.dtype)
    if probs.dim() == logits.dim():
        return grad
    return grad.movedim(dim, -1).reshape(-1, probs.shape[0]).sum(0)


row_results.register_autograd(_results_backward, setup_context=keep_inputs)


def _gradients_backward(ctx: Any, upstream: Tensor | None) -> tuple[Any, ...]:
    return derivatives_again(
        ctx, [upstream], lambda inputs: [_composed_gradient(inputs, create_graph=True)]
    )


row_gradients.register_autograd(_gradients_backward, setup_context=keep_inputs)


@custom_op("neglog::softmax", mutates_args=())
def softmax(logits: Tensor, dim: int, log: bool) -> Tensor:
    """Probabilities, or their logarithms."""
    return composed.softmax(logits, dim, log=log)


@softmax.register_kernel("cpu")
def _(logits: Tensor, dim: int, log: bool) -> Tensor:
    return kernels.softmax(logits, dim, log=log)


@softmax.register_fake
def _(logits: Tensor, dim: int, log: bool) -> Tensor:
    return kernels.place(logits, dim)


def _keep_softmax(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    logits, ctx.dim, ctx.log = inputs
    ctx.save_for_backward(logits, None if ctx.log else output)


def _softmax_backward(ctx: Any, upstream: Tensor) -> tuple[Any, ...]:
    """q - p sum(q) with q = upstream (log_softmax) or upstream * p (softmax).

    Except for its sign this is the gradient of the loss with target probabilities q, and so it is
    as exact in the tail.
    """
    logits, p = ctx.saved_tensors
    q = upstream if ctx.log else upstream * p
    shape = _rows_shape(logits, ctx.dim)
    minus = logits.new_full(shape, -1.0, dtype=row_dtype(logits.device))
    none = (None, None, None, None)
    return gradient(logits, ctx.dim, None, q, *none, minus, None, None), None, None


softmax.register_autograd(_softmax_backward, setup_context=_keep_softmax)


@row_gradients.register_vmap
def _(info: Any, in_dims: tuple[int | None, ...], *inputs: Any) -> tuple[Tensor, int]:
    """A batch of problems is one problem with another axis of rows."""
    logits, dim, _, probs, *_ = inputs
    size = logits.dim() - (in_dims[0] is not None)

    def batched(x: Any, at: int | None) -> Any:
        if not isinstance(x, Tensor) or (at is None and x.dim() not in (size, size - 1)):
            return x  # a single number
        return x.expand(info.batch_size, *x.shape) if at is None else x.movedim(at, 0)

    everything = [batched(x, at) for x, at in zip(inputs, in_dims, strict=True)]
    everything[1] = dim + 1
    if in_dims[3] is None and probs is not None and probs.dim() == 1 < size:
        everything[3] = probs  # one number per class
    return row_gradients(*everything), 0
