"""The head on any other device, by torch's own operators: chunks of logits, without autograd.

Sizes follow from shapes alone and no value is read, so that nothing waits for the device. Skipped
rows are therefore computed as well, from zeros in place of their hidden states: nan and infinities
in them do not reach the gradients.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ..._head import chunks
from ..._head.chunks import Gradients, chunk_of
from .._head_arguments import HeadArguments
from . import composed
from .composed import row_dtype
from .head_rows import HeadResults, RowArguments, Wanted, joined
from .kernels import RESULTS
from .products import DeviceProducts

Chunk = Callable[[Tensor, RowArguments, Tensor | None], None]  # logits, their rows, which count


def compute_results(
    arguments: HeadArguments, rows: RowArguments, *, entropy: bool
) -> tuple[Tensor | None, ...]:
    """nll, dense, lse, entropy, argmax and chosen log-probabilities of every row.

    Args:
        arguments: the head.
        rows: targets; the coefficients only say which rows count.
        entropy: whether to compute entropy and argmax.
    """
    parts: list[HeadResults] = []

    def one_chunk(logits: Tensor, part: RowArguments, keep: Tensor | None) -> None:
        found = composed.row_results(
            logits, 1, part.target, part.probs, keep=keep, temperature=part.temperature,
            softcap=part.softcap, entropy=entropy,
        )  # fmt: skip
        log_probs = None
        if part.chosen is not None:
            options = (part.temperature, part.softcap)
            log_probs = composed.log_probs(logits, 1, part.chosen, *options)
        parts.append(HeadResults(*found[:4], found.argmax if entropy else None, log_probs))

    shape = arguments.hidden.shape[:-1]
    flat = rows.flat(shape.numel())
    _run(arguments, flat, Gradients(None, None, None), one_chunk)
    return joined(parts, None, shape)


def compute_gradients(arguments: HeadArguments, rows: RowArguments, wanted: Wanted) -> Gradients:
    """Gradients with respect to hidden, classes and bias; None for those not wanted.

    Args:
        arguments: the head.
        rows: targets and coefficients.
        wanted: which gradients.
    """
    hidden, dtype = arguments.hidden, arguments.hidden.dtype
    flat = rows.flat(hidden.shape[:-1].numel())
    exponent = None
    if dtype == torch.float16:
        flat, exponent = _scaled(flat)

    def one_chunk(logits: Tensor, part: RowArguments, keep: Tensor | None) -> None:
        part = _with_chosen(part, logits)
        coefs = (part.nll_coef, part.dense_coef, part.lse_coef, part.entropy_coef)
        grad = composed.row_gradients(
            logits, 1, part.target, part.probs, keep, part.temperature, part.softcap, coefs
        )  # fmt: skip
        logits.copy_(grad)

    into = _places(arguments, wanted)
    _run(arguments, flat, into, one_chunk)
    if exponent is not None:
        for place in into:
            if place is not None:
                place.mul_(torch.ldexp(torch.ones_like(exponent, dtype=torch.float32), exponent))
    found = None if into.hidden is None else into.hidden.view(hidden.shape)
    return Gradients(found, *(None if x is None else x.to(dtype) for x in into[1:]))


def _run(arguments: HeadArguments, flat: RowArguments, into: Gradients, function: Chunk) -> None:
    """Call the function for every chunk of logits, and carry what it leaves there to `into`."""
    head, keep = arguments.flat(arguments.hidden.shape[:-1].numel()), flat.is_used()
    hidden, num_classes = head.hidden, len(head.classes)
    if keep is not None:
        hidden = hidden.masked_fill(keep.logical_not().unsqueeze(1), 0.0)

    def pass_(logits: Tensor, which: slice) -> None:
        function(logits, flat.of(which), None if keep is None else keep[which])

    most = chunk_of(num_classes, hidden.dtype.itemsize, arguments.memory)
    products = DeviceProducts(hidden)
    chunks.run(products, head._replace(hidden=hidden), into, most, pass_)
    if not len(hidden):  # no row: every result exists and is empty
        pass_(hidden.new_empty(0, num_classes), slice(0))


def _places(arguments: HeadArguments, wanted: Wanted) -> Gradients:
    """Zeros to which chunks add their parts, those of halves in float32."""
    hidden, classes, bias = arguments[:3]
    wide = RESULTS[hidden.dtype]
    return Gradients(
        torch.empty_like(hidden).view(-1, hidden.shape[-1]) if wanted[0] else None,
        torch.zeros_like(classes, dtype=wide) if wanted[1] else None,
        torch.zeros_like(bias, dtype=wide) if wanted[2] and bias is not None else None,
    )


def _scaled(flat: RowArguments) -> tuple[RowArguments, Tensor | None]:
    """Coefficients divided by a power of two, and its exponent: the largest is then below 1.

    float16 has too few exponents for logits' gradients times a loss scale. The largest coefficient
    is a value, and stays on the device.
    """
    names = ("nll_coef", "dense_coef", "lse_coef", "entropy_coef", "chosen_coef")
    coefs = {name: getattr(flat, name) for name in names}
    present = {name: x for name, x in coefs.items() if x is not None and x.numel()}
    if not present:
        return flat, None
    largest = torch.stack([x.abs().amax() for x in present.values()]).amax()
    exponent = torch.frexp(torch.where(largest.isfinite(), largest, 1.0)).exponent
    scaled: dict[str, Any] = {name: torch.ldexp(x, -exponent) for name, x in present.items()}
    return replace(flat, **scaled), exponent


def _with_chosen(part: RowArguments, logits: Tensor) -> RowArguments:
    """Log-probabilities of chosen classes as target probabilities: log p_k is minus such a loss."""
    if part.chosen is None or part.chosen_coef is None:
        return part
    probs = torch.zeros(logits.shape, dtype=RESULTS[logits.dtype], device=logits.device)
    inside = part.chosen.clamp(0, logits.shape[1] - 1)
    coef = part.chosen_coef.masked_fill(inside != part.chosen, float("nan"))
    probs.scatter_add_(1, inside, -coef.to(probs.dtype))
    ones = torch.ones(len(logits), dtype=row_dtype(logits.device), device=logits.device)
    return replace(part, probs=probs, dense_coef=ones)
