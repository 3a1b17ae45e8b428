"""The head as torch operators: results of its rows, and their gradients.

They keep nothing between the passes but the head itself, so that the backward pass computes the
logits again: four products instead of three. They serve every call that asks for more than one
number: one loss per row, or statistics. Compilers see them, but for losses that
`_autograd.head.head_loss` computes with their gradients. On a CPU they are the kernels, on any
other device torch's own operators; either way in chunks. Further derivatives are those of the
composition, with all logits.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.library import custom_op

from .._engines import composed, head_composed, head_kernels, kernels
from .._engines.composed import row_dtype
from .._engines.head_rows import RowArguments, Wanted
from .._head_arguments import HeadArguments
from .._route import is_forward_mode
from .derivatives import derivatives_again
from .inputs import as_tensors, given, inputs_of, keep_inputs

_Results = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def _complete(hidden: Tensor, results: Any) -> Any:
    """An operator returns only tensors: an empty one for each result not requested."""
    return tuple(hidden.new_empty(0) if x is None else x for x in results)


_PROBLEM = (
    "Tensor hidden, Tensor classes, Tensor bias, SymInt memory, float tolerance, Tensor target,"
    " Tensor probs, Tensor chosen, Tensor keep, Tensor temperature, float? softcap"
)


@custom_op(
    "neglog::head_results",
    mutates_args=(),
    schema=f"({_PROBLEM}, bool entropy) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)",
)
def head_results(*inputs: Any) -> _Results:
    """nll, dense, lse, entropy, argmax and log-probabilities of the chosen classes of every row.

    A result that was not requested is an empty tensor; argmax comes with the entropy.
    """
    *problem, entropy = given(inputs)
    found = head_composed.compute_results(*_rows_that_count(problem), entropy=entropy)
    return _complete(problem[0], found)  # type: ignore[no-any-return]


@head_results.register_kernel("cpu")
def _(*inputs: Any) -> _Results:
    *problem, entropy = given(inputs)
    hidden, classes, _, _, _, target, _, chosen, keep, _, _ = problem
    if target is not None:
        problem[5] = kernels.check_used_classes(target, keep, classes.shape[0])
    if chosen is not None:
        kernels.check_classes(chosen, classes.shape[0])
    found, _ = head_kernels.compute(
        *_rows_that_count(problem), lse=True, entropy=entropy, argmax=entropy
    )
    return _complete(hidden, found)  # type: ignore[no-any-return]


def _rows_that_count(problem: Sequence[Any]) -> tuple[HeadArguments, RowArguments]:
    """The head, and its rows with `keep` as their coefficients."""
    *head, target, probs, chosen, keep, temperature, softcap = problem
    rows = RowArguments(
        target, probs, chosen, temperature, softcap, nll_coef=keep, dense_coef=keep
    )  # fmt: skip
    return HeadArguments(*head), rows


@head_results.register_fake
def _(*inputs: Any) -> _Results:
    hidden: Tensor
    hidden, _, _, _, _, target, probs, chosen, _, _, _, entropy = given(inputs)
    shape, wide = hidden.shape[:-1], row_dtype(hidden.device)

    def result(asked: bool, dtype: torch.dtype = wide) -> Tensor:
        return hidden.new_empty(shape, dtype=dtype) if asked else hidden.new_empty(0)

    log_probs = result(False) if chosen is None else chosen.new_empty(chosen.shape, dtype=wide)
    return (
        result(target is not None),
        result(probs is not None),
        result(True),
        result(entropy),
        result(entropy, torch.int64),
        log_probs,
    )


@custom_op(
    "neglog::head_gradients",
    mutates_args=(),
    schema=f"({_PROBLEM}, Tensor nll_coef, Tensor dense_coef, Tensor lse_coef, Tensor entropy_coef,"
    " Tensor chosen_coef, bool[] wanted) -> (Tensor, Tensor, Tensor)",
)
def head_gradients(*inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of `head_results` with respect to hidden, classes and bias.

    Each result is multiplied by its coefficient. A gradient that is not wanted is an empty tensor.
    """
    head, rows, wanted = _with_coefficients(inputs)
    found = head_composed.compute_gradients(head, rows, wanted)
    return _complete(head.hidden, found)  # type: ignore[no-any-return]


@head_gradients.register_kernel("cpu")
def _(*inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    head, rows, wanted = _with_coefficients(inputs)
    found = head_kernels.compute(head, rows, wanted)[1]
    return _complete(head.hidden, found)  # type: ignore[no-any-return]


def _with_coefficients(inputs: Sequence[Any]) -> tuple[HeadArguments, RowArguments, Wanted]:
    """Targets that have a coefficient; it is 0 in skipped rows."""
    *problem, wanted = given(inputs)
    *head, target, probs, chosen, keep, temperature, softcap = problem[:11]
    nll, dense, lse, entropy, picked = (
        x if x is None or keep is None else x.masked_fill(keep.logical_not(), 0)
        for x in problem[11:]
    )
    rows = RowArguments(
        None if nll is None else target,
        None if dense is None else probs,
        None if picked is None else chosen,
        temperature, softcap, nll_coef=nll, dense_coef=dense, lse_coef=lse, entropy_coef=entropy,
        chosen_coef=picked,
    )  # fmt: skip
    return HeadArguments(*head), rows, tuple(wanted)


@head_gradients.register_fake
def _(*inputs: Any) -> tuple[Tensor, Tensor, Tensor]:
    head, wanted = given(inputs[:3]), inputs[-1]
    return tuple(
        x.new_empty(x.shape) if want and x is not None else head[0].new_empty(0)
        for x, want in zip(head, wanted, strict=True)
    )


def _as_inputs(problem: Sequence[Any]) -> list[Any]:
    """The problem, and coefficients if there are any, as the operators take them."""
    hidden, classes, bias, memory, tolerance, *rows, softcap = problem[:11]
    tensors = as_tensors(hidden, bias, *rows, *problem[11:])
    return [hidden, classes, tensors[0], memory, tolerance, *tensors[1:6], softcap, *tensors[6:]]


def results(*problem: Any, entropy: bool = False) -> _Results:
    """`head_results`, whose inputs may be None here."""
    found: _Results = head_results(*_as_inputs(problem), entropy)
    return found


def gradient(inputs: Sequence[Any]) -> Sequence[Tensor | None]:
    """`head_gradients`; composed in forward mode, which does not know the operator."""
    if is_forward_mode():
        return _composed_gradient(inputs, create_graph=torch.is_grad_enabled())
    *problem, wanted = inputs
    found: Sequence[Tensor] = head_gradients(*_as_inputs(problem), wanted)
    return [x if want else None for x, want in zip(found, wanted, strict=True)]


def _composed_gradient(inputs: Sequence[Any], *, create_graph: bool) -> list[Tensor | None]:
    """The same by differentiating the composition, so that it can be differentiated again."""
    *head, _, _, target, probs, chosen, keep, temperature, softcap = inputs[:11]
    *coefs, chosen_coef, wanted = inputs[11:]
    with torch.enable_grad():
        # Tensors of their own: the graph from the head to the coefficients is not followed here.
        head = [
            None if x is None else x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
            for x in head
        ]
        logits = F.linear(*head)
        found = results_of_logits(
            logits, target, probs, chosen, keep, temperature, softcap, coefs[3] is not None
        )
        pairs = zip((*found[:4], found[5]), (*coefs, chosen_coef), strict=True)
        parts = [(x * coef).sum() for x, coef in pairs if x is not None and coef is not None]
        places = [x for x, want in zip(head, wanted, strict=True) if want]
        total = torch.stack(parts).sum()
        grads = iter(torch.autograd.grad(total, places, create_graph=create_graph))
    return [next(grads) if want else None for want in wanted]


def results_of_logits(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    chosen: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
    ignored: Tensor | None = None,
) -> tuple[Tensor | None, ...]:
    """The results of `head_results` from all logits; None for those not requested."""
    dim = logits.dim() - 1
    found = composed.row_results(
        logits, dim, target, probs,
        keep=keep, temperature=temperature, softcap=softcap, entropy=entropy, ignored=ignored,
    )  # fmt: skip
    if chosen is None:
        return *found, None
    return *found, composed.log_probs(logits, dim, chosen, temperature, softcap)


def _results_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    *problem, entropy = inputs_of(ctx)
    target, probs, chosen = problem[5:8]
    # Compilers pass a gradient for every result, also for those that were not requested.
    asked = (target is not None, probs is not None, True, entropy, False, chosen is not None)
    coefs = [x if want else None for x, want in zip(upstream, asked, strict=True)]
    del coefs[4]  # argmax
    wanted = list(ctx.needs_input_grad[:3])
    found: Sequence[Tensor | None] = (None, None, None)
    if any(x is not None for x in coefs):
        found = gradient([*problem, *coefs, wanted])
    return *found, *[None] * 9


head_results.register_autograd(_results_backward, setup_context=keep_inputs)


def _gradients_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    return derivatives_again(
        ctx, upstream, lambda inputs: _composed_gradient(inputs, create_graph=True)
    )


head_gradients.register_autograd(_gradients_backward, setup_context=keep_inputs)


@head_gradients.register_vmap
def _(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
    """One problem after another: each computes its own logits."""
    each = [
        head_gradients(
            *(
                x.select(at, k) if isinstance(x, Tensor) and at is not None else x
                for x, at in zip(inputs, in_dims, strict=True)
            )
        )
        for k in range(info.batch_size)
    ]
    return tuple(map(torch.stack, zip(*each, strict=True))), (0, 0, 0)
