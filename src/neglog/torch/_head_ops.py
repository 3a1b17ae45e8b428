"""The head as torch operators, `neglog::linear_rows` and `neglog::linear_gradient`.

They hold nothing between the passes but the head itself, so that the backward pass makes the logits
once more: four products in place of three. A compiler sees them, and whoever asks for something
else than one loss: one loss a row, or statistics. Derivatives beyond the first are those of the
composition, with all logits.
"""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.library import custom_op

from . import _compose, _engine
from ._chunks import compute
from ._head_rows import Rows
from ._layer import Layer
from ._ops import derivatives_again, inputs_of, keep_inputs
from ._way import is_forward_mode

_Numbers = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


@custom_op("neglog::linear_rows", mutates_args=())
def linear_rows(
    hidden: Tensor,
    classes: Tensor,
    bias: Tensor | None,
    memory: int,
    tolerance: float,
    target: Tensor | None,
    probs: Tensor | None,
    chosen: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
) -> _Numbers:
    """nll, dense, lse, entropy, argmax and log-probabilities of the chosen classes of every row.

    A number that was not asked for is an empty tensor; argmax comes with the entropy.
    """
    if target is not None:
        target = target if keep is None else target.masked_fill(keep.logical_not(), 0)
        _engine.check_classes(target, classes.shape[0])
    if chosen is not None:
        _engine.check_classes(chosen, classes.shape[0])
    rows = Rows(target, probs, chosen, temperature, softcap, nll_coef=keep, dense_coef=keep)
    layer = Layer(hidden, classes, bias, memory, tolerance)
    found, _ = compute(layer, rows, lse=True, entropy=entropy, argmax=entropy)
    return tuple(hidden.new_empty(0) if x is None else x for x in found)  # type: ignore[return-value]


@linear_rows.register_fake
def _(
    hidden: Tensor,
    classes: Tensor,
    bias: Tensor | None,
    memory: int,
    tolerance: float,
    target: Tensor | None,
    probs: Tensor | None,
    chosen: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
) -> _Numbers:
    shape, wide = hidden.shape[:-1], torch.float64

    def number(asked: bool, dtype: torch.dtype = wide) -> Tensor:
        return hidden.new_empty(shape, dtype=dtype) if asked else hidden.new_empty(0)

    log_probs = number(False) if chosen is None else chosen.new_empty(chosen.shape, dtype=wide)
    return (
        number(target is not None),
        number(probs is not None),
        number(True),
        number(entropy),
        number(entropy, torch.int64),
        log_probs,
    )


@custom_op("neglog::linear_gradient", mutates_args=())
def linear_gradient(
    hidden: Tensor,
    classes: Tensor,
    bias: Tensor | None,
    memory: int,
    tolerance: float,
    target: Tensor | None,
    probs: Tensor | None,
    chosen: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    nll_coef: Tensor | None,
    dense_coef: Tensor | None,
    lse_coef: Tensor | None,
    entropy_coef: Tensor | None,
    chosen_coef: Tensor | None,
    wanted: Sequence[bool],
) -> tuple[Tensor, Tensor, Tensor]:
    """What `linear_rows` is by hidden, classes and bias, each number weighted by its coefficient.

    A gradient that is not wanted is an empty tensor.
    """
    coefs = [_kept(x, keep) for x in (nll_coef, dense_coef, lse_coef, entropy_coef, chosen_coef)]
    rows = Rows(
        None if nll_coef is None else target,
        None if dense_coef is None else probs,
        None if chosen_coef is None else chosen,
        temperature, softcap, nll_coef=coefs[0], dense_coef=coefs[1], lse_coef=coefs[2],
        entropy_coef=coefs[3], chosen_coef=coefs[4],
    )  # fmt: skip
    layer = Layer(hidden, classes, bias, memory, tolerance)
    found = compute(layer, rows, tuple(wanted))[1]  # type: ignore[arg-type]
    return tuple(hidden.new_empty(0) if x is None else x for x in found)  # type: ignore[return-value]


def _kept(coef: Tensor | None, keep: Tensor | None) -> Tensor | None:
    if coef is None or keep is None:
        return coef
    return coef.masked_fill(keep.logical_not(), 0)


@linear_gradient.register_fake
def _(
    hidden: Tensor, classes: Tensor, bias: Tensor | None, memory: int, *others: Any
) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(  # type: ignore[return-value]
        x.new_empty(x.shape) if want and x is not None else hidden.new_empty(0)
        for x, want in zip((hidden, classes, bias), others[-1], strict=True)
    )


def gradient(inputs: Sequence[Any]) -> Sequence[Tensor | None]:
    """`linear_gradient`, composed in forward mode, which does not know the operator."""
    if is_forward_mode():
        return _composed_gradient(inputs, create_graph=torch.is_grad_enabled())
    found: Sequence[Tensor] = linear_gradient(*inputs)
    return [x if want else None for x, want in zip(found, inputs[-1], strict=True)]


def _composed_gradient(inputs: Sequence[Any], *, create_graph: bool) -> list[Tensor | None]:
    """The same by differentiating the composition, so that it can be differentiated again."""
    *head, _, _, target, probs, chosen, keep, temperature, softcap = inputs[:11]
    *coefs, chosen_coef, wanted = inputs[11:]
    with torch.enable_grad():
        # Tensors of their own: what coefficients are of the head is not this derivative's matter.
        head = [
            None if x is None else x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
            for x in head
        ]
        logits = F.linear(*head)
        found = composed(
            logits, target, probs, chosen, keep, temperature, softcap, coefs[3] is not None
        )
        pairs = zip((*found[:4], found[5]), (*coefs, chosen_coef), strict=True)
        parts = [(x * coef).sum() for x, coef in pairs if x is not None and coef is not None]
        places = [x for x, want in zip(head, wanted, strict=True) if want]
        total = torch.stack(parts).sum()
        grads = iter(torch.autograd.grad(total, places, create_graph=create_graph))
    return [next(grads) if want else None for want in wanted]


def composed(
    logits: Tensor,
    target: Tensor | None,
    probs: Tensor | None,
    chosen: Tensor | None,
    keep: Tensor | None,
    temperature: Tensor | None,
    softcap: float | None,
    entropy: bool,
) -> tuple[Tensor | None, ...]:
    """What `linear_rows` gives of logits that exist, None for what was not asked for."""
    dim = logits.dim() - 1
    found = _compose.rows(
        logits, dim, target, probs,
        keep=keep, temperature=temperature, softcap=softcap, entropy=entropy,
    )  # fmt: skip
    if chosen is None:
        return *found, None
    return *found, _compose.log_probs(logits, dim, chosen, temperature, softcap)


def _rows_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    *problem, entropy = inputs_of(ctx)
    target, probs, chosen = problem[5:8]
    # Compilers pass a gradient for each result, also for those that were not asked for.
    asked = (target is not None, probs is not None, True, entropy, False, chosen is not None)
    coefs = [x if want else None for x, want in zip(upstream, asked, strict=True)]
    del coefs[4]  # argmax
    wanted = list(ctx.needs_input_grad[:3])
    found: Sequence[Tensor | None] = (None, None, None)
    if any(x is not None for x in coefs):
        found = gradient([*problem, *coefs, wanted])
    return *found, *[None] * 9


linear_rows.register_autograd(_rows_backward, setup_context=keep_inputs)


def _gradient_backward(ctx: Any, *upstream: Tensor | None) -> tuple[Any, ...]:
    return derivatives_again(
        ctx, upstream, lambda inputs: _composed_gradient(inputs, create_graph=True)
    )


linear_gradient.register_autograd(_gradient_backward, setup_context=keep_inputs)


@linear_gradient.register_vmap
def _(info: Any, in_dims: tuple[Any, ...], *inputs: Any) -> tuple[Any, Any]:
    """One problem after another: each makes its own logits."""
    each = [
        linear_gradient(
            *(
                x.select(at, k) if isinstance(x, Tensor) and at is not None else x
                for x, at in zip(inputs, in_dims, strict=True)
            )
        )
        for k in range(info.batch_size)
    ]
    return tuple(map(torch.stack, zip(*each, strict=True))), (0, 0, 0)
