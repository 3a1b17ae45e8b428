"""The head on CPU tensors: the kernels compute chunks of its logits, without autograd.

Where no row needs all of its logits at once, results come from panels of classes. So do the
gradients of halves in more than one chunk: in a fourth product, but without float32 sums of the
size of all classes, and the gradient for the classes is rounded once.

Rows without a weight are skipped before the products. Gradients of halves are summed in float32 and
rounded when they are finished, after the upstream gradient was multiplied in. Those of bfloat16
that need no sums are rounded before as well: one in 512, where the logits were rounded to the same
digits and moved p by more. float16 has few exponents: its logits' gradients are scaled by a power
of two so that the largest row weight lies between 1/2 and 1.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..._head import chunks
from ..._head.chunks import Gradients, Head
from ..._head.info import HeadInfo, fill
from ..._head.panels import Plan, reduce_panels, write_panels
from ..._head.remainder import Remainder
from .._engines import composed, kernels
from .._engines.head_rows import HeadResults, RowArguments, Soften, Wanted, as_results, joined
from .._engines.kernels import RESULTS
from .._engines.products import CpuProducts
from .._head_arguments import HeadArguments
from .._memory import empty, zeros

_COEFFICIENTS = ("nll_coef", "dense_coef", "lse_coef", "square_coef", "entropy_coef")


class Sums(NamedTuple):
    """Gradients that `finished` has not multiplied by an upstream gradient yet."""

    places: Gradients
    power: int  # they are divided by 2 to this power


def compute(
    arguments: HeadArguments,
    rows: RowArguments,
    wanted: Wanted = (False, False, False),
    **options: Any,
) -> tuple[HeadResults, Gradients]:
    """Results of all rows, and the gradients, finished; the arguments are those of `summed`."""
    results, sums = summed(arguments, rows, wanted, **options)
    return results, finished(sums, arguments, 1.0)


def summed(
    arguments: HeadArguments,
    rows: RowArguments,
    wanted: Wanted,
    *,
    scale: float = 1.0,
    soften: Soften | None = None,
    info: HeadInfo | None = None,
    **asked: bool,
) -> tuple[HeadResults, Sums]:
    """Results of all rows, and the gradients of scale * sum of their losses.

    Args:
        arguments: the head; for halves its logits are halves.
        rows: targets and coefficients.
        wanted: which gradients.
        scale: multiplies the gradients.
        soften: smooths and weights probabilities (n, V) as passed.
        info: filled in for a head with a tolerance.
        asked: lse, entropy, argmax: results in addition to those of the targets.
    """
    shape = arguments.hidden.shape[:-1]
    n, flat = shape.numel(), rows.flat(shape.numel())
    order = flat.used()
    head = arguments.flat(n)
    (most, groups), count = arguments.plan(), n if order is None else len(order)
    approximate = arguments.tolerance > 0 and any(wanted) and count > 0
    power = _power(head.hidden.dtype, scale, flat) if any(wanted) else 0
    scale = math.ldexp(scale, -power)
    # Halves in several chunks would need sums in float32 of the size of all classes.
    sums = head.hidden.dtype.itemsize == 2 and count > most and not approximate
    if flat.may_use_panels(soften) and (sums or not any(wanted)):
        begin = _begin_panels(head, flat, scale, any(wanted), asked)
        found, into = _by_panels(head, arguments.memory, order, wanted, begin)
        if info is not None:
            fill(info, None, tuple(shape))
        return joined(found, order, shape), Sums(into, power)
    into = _places(head, wanted, count <= most, order is None, approximate)
    products, remainder = CpuProducts(head.hidden.dtype), None
    if approximate:
        weights = scale * flat.row_scale(n, soften, most)
        used = None if order is None else order.numpy()
        remainder = Remainder(products, head, into, arguments.tolerance, weights, used, groups)
        order = torch.from_numpy(remainder.order)
    passed: list[HeadResults] = []

    def one_chunk(logits: Tensor, which: slice | Tensor) -> None:
        out = logits if any(wanted) else None
        passed.append(_run_chunk(logits, flat.of(which), out, scale, soften, asked))

    with kernels.on_torchs_threads():  # sparse products
        chunks.run(products, head, into, most, one_chunk, order, remainder)
    if not passed:  # no row: every result exists and is empty
        one_chunk(head.hidden.new_empty(0, len(head.classes)), slice(0))
        into = Gradients(*(None if place is None else place.zero_() for place in into))
    if info is not None:
        fill(info, remainder, tuple(shape), 2.0**power)
    return joined(passed, order, shape), Sums(into, power)


def finished(
    sums: Sums, arguments: HeadArguments, upstream: float, dtype: torch.dtype | None = None
) -> Gradients:
    """The gradients times `upstream` in the shapes of the head's tensors; the sums are used up.

    `dtype` is the tensors' own, or a wider one, in which the factor then is multiplied in.
    """
    if dtype is None:
        dtype, places = arguments.hidden.dtype, sums.places
    else:
        places = Gradients(*(None if x is None else x.to(dtype) for x in sums.places))
    factor, (hidden, *others) = math.ldexp(upstream, sums.power), places
    if factor != 1.0:
        for place in places:
            if place is not None:
                place.mul_(factor)
    if hidden is not None:
        hidden = hidden.view(arguments.hidden.shape).to(dtype)
    return Gradients(hidden, *(None if x is None else x.to(dtype) for x in others))


def _begin_panels(
    head: Head, rows: RowArguments, scale: float, gradient: bool, asked: Any
) -> Callable[[slice | Tensor], kernels.Panels]:
    """What makes the states of some rows; with coefficients where a gradient is wanted."""
    num_classes, dtype = len(head.classes), head.hidden.dtype

    def begin(which: slice | Tensor) -> kernels.Panels:
        part, n = rows.of(which), len(head.hidden[which])
        coefs = {name: getattr(part, name) for name in _COEFFICIENTS * gradient}
        return kernels.Panels(
            n, num_classes, dtype, part.target, part.probs, part.temperature,
            **coefs, scale=scale, **asked,
        )  # fmt: skip

    return begin


def _by_panels(
    head: Head,
    memory: int,
    order: Tensor | None,
    wanted: Wanted,
    begin: Callable[[slice | Tensor], kernels.Panels],
) -> tuple[list[HeadResults], Gradients]:
    """Results and gradients of all rows, from a panel of classes at a time."""
    num_classes, dtype = len(head.classes), head.hidden.dtype
    plan, products = Plan.of(num_classes, dtype.itemsize, memory), CpuProducts(dtype)
    parts = reduce_panels(products, head, plan, begin, order)
    results = [as_results(states.finish()) for _, states in parts or [(None, begin(slice(0)))]]
    if not any(wanted):
        return results, Gradients(None, None, None)
    to_hidden, to_classes, to_bias = wanted
    wide = RESULTS[dtype]
    # float16 waits for the upstream gradient, a loss scale, with more exponents than it has.
    for_classes = wide if dtype == torch.float16 else dtype
    into = Gradients(
        torch.zeros(head.hidden.shape, dtype=wide, device="cpu") if to_hidden else None,
        torch.empty(head.classes.shape, dtype=for_classes, device="cpu") if to_classes else None,
        torch.zeros(num_classes, dtype=wide, device="cpu") if to_bias else None,
    )
    write_panels(products, head, into, plan, parts)
    return results, into


def _places(head: Head, wanted: Wanted, once: bool, every: bool, approximate: bool) -> Gradients:
    """Where chunks add their parts, in a dtype wide enough; uninitialized where all is written.

    Args:
        head: the gradients are with respect to its tensors.
        wanted: which of them.
        once: whether there is one chunk.
        every: whether every row is in a chunk.
        approximate: whether sparse products add to the place, in the dtype of the computation.
    """
    to_hidden, to_classes, to_bias = wanted
    narrow = once and head.hidden.dtype != torch.float16 and not approximate
    wide = RESULTS[head.hidden.dtype]
    like = torch.empty_like if every else torch.zeros_like
    return Gradients(
        like(head.hidden) if to_hidden else None,
        _classes_place(head.classes, narrow, approximate) if to_classes else None,
        head.classes.new_zeros(len(head.classes), dtype=wide) if to_bias else None,
    )


def _classes_place(classes: Tensor, narrow: bool, approximate: bool) -> Tensor:
    wide = RESULTS[classes.dtype]
    if narrow:
        return torch.empty_like(classes)
    if classes.dtype == wide:
        return zeros(classes.shape, wide)
    sums = empty(classes.shape, wide)  # rounded at the end, so that its memory can be used again
    return sums.zero_() if approximate else sums


def _power(dtype: torch.dtype, scale: float, rows: RowArguments) -> int:
    """The gradients are divided by 2 to this power until the end."""
    if dtype != torch.float16:
        return 0
    present = [x for x in rows.coefs() if x is None or x.numel()]
    coefs = [1.0 if x is None else x.abs().max().item() for x in present]
    largest = abs(scale) * max(coefs, default=0.0)
    return math.frexp(largest)[1] if math.isfinite(largest) else 0


def _run_chunk(
    logits: Tensor,
    rows: RowArguments,
    out: Tensor | None,
    scale: float,
    soften: Soften | None,
    asked: Any,
) -> HeadResults:
    """The kernels' one pass over a chunk; `out` may be the logits themselves."""
    probs = rows.probs
    if probs is not None and soften is not None:
        probs = soften(probs)
    if rows.chosen_coef is not None and rows.chosen is not None:
        # log p_k is minus the loss of a target with all its probability on k.
        probs = torch.zeros(logits.shape, dtype=RESULTS[logits.dtype], device="cpu")
        probs.scatter_add_(1, rows.chosen, -rows.chosen_coef.to(probs.dtype))
    options: Any = {"temperature": rows.temperature, "softcap": rows.softcap}
    log_probs = None
    if rows.chosen is not None and rows.chosen_coef is None:
        log_probs = _log_probs(logits, rows, options)
    result, _ = kernels.run(
        logits, 1, rows.target, probs, nll_coef=rows.nll_coef, dense_coef=rows.dense_coef,
        lse_coef=rows.lse_coef, square_coef=rows.square_coef, entropy_coef=rows.entropy_coef,
        scale=scale, out=out, **options, **asked,
    )  # fmt: skip
    return as_results(result, log_probs)


def _log_probs(logits: Tensor, rows: RowArguments, options: Any) -> Tensor:
    """(n, K): the gap to the likeliest class below its log p, which keeps its digits."""
    assert rows.chosen is not None
    found, _ = kernels.run(logits, 1, **options, argmax=True)
    assert found.argmax is not None
    top = torch.from_numpy(found.argmax).unsqueeze(1)
    likeliest, _ = kernels.run(logits, 1, top, **options)
    z = logits.gather(1, torch.cat((top, rows.chosen), 1)).double()
    z = composed.adjusted(z, 1, None, rows.temperature, rows.softcap)
    gap = torch.where(rows.chosen == top, 0.0, z[:, :1] - z[:, 1:])
    return -torch.from_numpy(likeliest.nll).unsqueeze(1) - gap
