"""The head on CPU tensors: chunks of logits go through the kernels; nothing here is recorded.

Rows that count nothing are left out before the products. Gradients of halves are added up in
float32 and rounded once, after the factor that they are for. float16 has few exponents: its logits'
gradients are written with the largest row weight between 1/2 and 1, and the power of two that this
takes is put right at the end.
"""

import math
from typing import Any

import torch
from torch import Tensor

from .._engine import Panels
from .._head import chunks
from .._head.chunks import Add, Gradients, Head
from .._head.info import HeadInfo, fill
from .._head.remainder import Remainder
from . import _compose, _engine
from ._engine import RESULTS
from ._head_rows import Numbers, Rows, Soften, Wanted, as_numbers
from ._layer import Layer
from ._memory import empty, zeros
from ._products import Library


def compute(
    layer: Layer,
    rows: Rows,
    wanted: Wanted = (False, False, False),
    *,
    scale: float = 1.0,
    soften: Soften | None = None,
    info: HeadInfo | None = None,
    **asked: bool,
) -> tuple[Numbers, Gradients]:
    """Numbers of all rows, and the gradients of scale * sum of their losses.

    Args:
        layer: the head; in halves its logits are halves.
        rows: targets and coefficients.
        wanted: which gradients.
        scale: a factor of the gradients.
        soften: what turns probabilities (n, V) as given into those computed with.
        info: what to say of a layer with a tolerance.
        asked: lse, entropy, argmax: numbers beside those of the targets.
    """
    shape = layer.hidden.shape[:-1]
    n, flat = shape.numel(), rows.flat(shape.numel())
    order = flat.useful()
    bias = None if layer.bias is None else layer.bias.detach()
    head = Head(
        layer.hidden.detach().reshape(n, layer.hidden.shape[-1]), layer.classes.detach(), bias
    )
    if not any(wanted) and flat.may_sweep(soften):
        found = _swept(head, layer.memory, flat, order, asked)
        return _joined(found, order, shape), Gradients(None, None, None)
    (most, groups), count = layer.plan(), n if order is None else len(order)
    approximate = layer.tolerance > 0 and any(wanted) and count > 0
    into = _places(head, wanted, count <= most, order is None, approximate)
    power = _power(head.hidden.dtype, scale, flat) if any(wanted) else 0
    scale = math.ldexp(scale, -power)
    library, remainder = Library(head.hidden.dtype, begun=approximate), None
    if approximate:
        units = scale * flat.units(n, soften, most)
        useful = None if order is None else order.numpy()
        remainder = Remainder(library, head, into, layer.tolerance, units, useful, groups)
        order = torch.from_numpy(remainder.order)
    passed: list[Numbers] = []

    def one_chunk(logits: Tensor, which: slice | Tensor) -> None:
        out = logits if any(wanted) else None
        passed.append(_pass(logits, flat.of(which), out, scale, soften, asked))

    chunks.run(library, head, into, most, one_chunk, order, remainder)
    if not passed:  # of no row every number is there, and empty
        one_chunk(head.hidden.new_empty(0, len(head.classes)), slice(0))
        into = Gradients(*(None if place is None else place.zero_() for place in into))
    if info is not None:
        fill(info, remainder, tuple(shape), 2.0**power)
    return _joined(passed, order, shape), _finished(into, layer, power)


def _swept(head: Head, memory: int, rows: Rows, order: Tensor | None, asked: Any) -> list[Numbers]:
    """Numbers of all rows, a panel of classes at a time."""
    sweeps: list[Panels] = []
    num_classes, dtype = len(head.classes), head.hidden.dtype

    def begin(which: slice | Tensor) -> Add:
        part, n = rows.of(which), len(head.hidden[which])
        sweep = _engine.sweep(
            n, num_classes, part.target, part.probs, part.temperature, dtype, **asked
        )
        sweeps.append(sweep)
        return lambda logits, first: sweep.reduce(_engine.as_array(logits), first)

    library = Library(dtype, begun=False)
    chunks.run_numbers(library, head, memory, dtype.itemsize, begin, order)
    if not sweeps:
        begin(slice(0))
    return [as_numbers(sweep.finish()) for sweep in sweeps]


def _places(head: Head, wanted: Wanted, once: bool, every: bool, approximate: bool) -> Gradients:
    """Where chunks add up their parts, as wide as that needs; uninitialized where all is written.

    Args:
        head: what the gradients are by.
        wanted: which of them.
        once: whether there is one chunk.
        every: whether all rows go through one.
        approximate: whether sparse products add to what is there, in the type computed in.
    """
    by_hidden, by_classes, by_bias = wanted
    narrow = once and head.hidden.dtype != torch.float16 and not approximate
    like = torch.empty_like if every else torch.zeros_like
    return Gradients(
        like(head.hidden) if by_hidden else None,
        _place_by_classes(head.classes, narrow, approximate) if by_classes else None,
        torch.zeros(len(head.classes), dtype=RESULTS[head.hidden.dtype]) if by_bias else None,
    )


def _place_by_classes(classes: Tensor, narrow: bool, approximate: bool) -> Tensor:
    wide = RESULTS[classes.dtype]
    if narrow:
        return torch.empty_like(classes)
    if classes.dtype == wide:
        return zeros(classes.shape, wide)
    sums = empty(classes.shape, wide)  # rounded at the end, so that the memory is used again
    return sums.zero_() if approximate else sums


def _power(dtype: torch.dtype, scale: float, rows: Rows) -> int:
    """What the gradients are divided by on the way, as a power of two."""
    if dtype != torch.float16:
        return 0
    given = [x for x in rows.coefs() if x is None or x.numel()]
    coefs = [1.0 if x is None else x.abs().max().item() for x in given]
    largest = abs(scale) * max(coefs, default=0.0)
    return math.frexp(largest)[1] if math.isfinite(largest) else 0


def _pass(
    logits: Tensor,
    rows: Rows,
    out: Tensor | None,
    scale: float,
    soften: Soften | None,
    asked: Any,
) -> Numbers:
    """The kernels' one pass over a chunk; `out` may be the logits themselves."""
    probs = rows.probs
    if probs is not None and soften is not None:
        probs = soften(probs)
    if rows.chosen_coef is not None and rows.chosen is not None:
        # log p_k is minus a loss with all of the target on k.
        probs = torch.zeros(logits.shape, dtype=RESULTS[logits.dtype])
        probs.scatter_add_(1, rows.chosen, -rows.chosen_coef.to(probs.dtype))
    options: Any = {"temperature": rows.temperature, "softcap": rows.softcap}
    log_probs = None
    if rows.chosen is not None and rows.chosen_coef is None:
        log_probs = _log_probs(logits, rows, options)
    result, _ = _engine.run(
        logits, 1, rows.target, probs, nll_coef=rows.nll_coef, dense_coef=rows.dense_coef,
        lse_coef=rows.lse_coef, square_coef=rows.square_coef, entropy_coef=rows.entropy_coef,
        scale=scale, out=out, **options, **asked,
    )  # fmt: skip
    return as_numbers(result, log_probs)


def _log_probs(logits: Tensor, rows: Rows, options: Any) -> Tensor:
    """(n, K): how far below the likeliest class, whose own log p keeps its digits."""
    assert rows.chosen is not None
    found, _ = _engine.run(logits, 1, **options, argmax=True)
    assert found.argmax is not None
    top = torch.from_numpy(found.argmax).unsqueeze(1)
    likeliest, _ = _engine.run(logits, 1, top, **options)
    z = logits.gather(1, torch.cat((top, rows.chosen), 1)).double()
    z = _compose.adjusted(z, 1, None, rows.temperature, rows.softcap)
    gap = torch.where(rows.chosen == top, 0.0, z[:, :1] - z[:, 1:])
    return -torch.from_numpy(likeliest.nll).unsqueeze(1) - gap


def _joined(parts: list[Numbers], order: Tensor | None, shape: torch.Size) -> Numbers:
    """One chunk after another, 0 in rows that were left out."""

    def whole(pieces: tuple[Tensor | None, ...]) -> Tensor | None:
        given = [piece for piece in pieces if piece is not None]
        if not given:
            return None
        x = given[0] if len(given) == 1 else torch.cat(given)
        if order is not None:
            x = x.new_zeros(shape.numel(), *x.shape[1:]).index_copy_(0, order, x)
        return x.view((*shape, *x.shape[1:]))

    return Numbers(*map(whole, zip(*parts, strict=True)))


def _finished(into: Gradients, layer: Layer, power: int) -> Gradients:
    """With the factor that was left out, in the dtypes and shapes of what they belong to."""
    hidden = into.hidden
    if power:
        for place in into:
            if place is not None:
                place.mul_(2.0**power)
    if hidden is not None:
        hidden = hidden.view(layer.hidden.shape)
    dtype = layer.classes.dtype
    others = (None if x is None else x.to(dtype) for x in into[1:])
    return Gradients(hidden, *others)
