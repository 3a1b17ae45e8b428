"""The head on CPU tensors: chunks of logits go through the kernels; nothing here is recorded.

Rows that count nothing are left out before the products. Gradients of halves are added up in
float32 and rounded once, after the factor that they are for. float16 has few exponents: its logits'
gradients are written with the largest row weight between 1/2 and 1, and the power of two that this
takes is put right at the end.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .. import _head
from .._head import Add, Gradients, Head
from .._remainder import HeadInfo, Remainder, fill
from .._rows import RowResult, Sweep
from . import _compose, _engine
from ._engine import RESULTS
from ._layer import Layer
from ._memory import zeros
from ._products import Library

Wanted = tuple[bool, bool, bool]  # a gradient by hidden, by classes, by the bias


@dataclass(frozen=True)
class Rows:
    """What goes along with the rows, (...) each; coefficients as for the engine."""

    target: Tensor | None = None
    probs: Tensor | None = None  # (..., V), or (V,) for all rows
    chosen: Tensor | None = None  # (..., K)
    temperature: Tensor | None = None  # or ()
    softcap: float | None = None
    nll_coef: Tensor | None = None
    dense_coef: Tensor | None = None
    lse_coef: Tensor | None = None
    square_coef: Tensor | None = None
    entropy_coef: Tensor | None = None
    chosen_coef: Tensor | None = None  # (..., K)

    def flat(self, n: int) -> "Rows":
        """(N,) or (N, V) each."""
        return self._each(lambda name, x: x.reshape(n, *x.shape[-1:] * (name in _WIDE)))

    def of(self, rows: slice | Tensor) -> "Rows":
        """The same of some of the rows; of flat ones."""
        return self._each(lambda _, x: x[rows])

    def _each(self, function: Callable[[str, Tensor], Tensor]) -> "Rows":
        parts: dict[str, Any] = {}
        for name in _TENSORS:
            x = getattr(self, name)
            shared = {"probs": 1, "temperature": 0}.get(name)
            if x is not None and x.dim() != shared:
                parts[name] = function(name, x)
        return replace(self, **parts)

    def coefs(self) -> list[Tensor | None]:
        """The factors of what the rows' loss is made of; None: 1."""
        used = (
            [self.nll_coef] * (self.target is not None)
            + [self.dense_coef] * (self.probs is not None)
            + [self.chosen_coef] * (self.chosen_coef is not None)
        )
        others = (self.lse_coef, self.square_coef, self.entropy_coef)
        return used + [x for x in others if x is not None]

    def may_sweep(self, soften: Any) -> bool:
        """Whether the engine takes a panel of classes at a time of such rows."""
        shared = self.probs is None or (self.probs.dim() == 1 and soften is None)
        return self.softcap is None and self.chosen is None and shared

    def useful(self) -> Tensor | None:
        """The flat rows with a coefficient that is not 0; None: all."""
        coefs = self.coefs()
        if not coefs or any(x is None for x in coefs):
            return None
        used = [(x != 0) if x.dim() == 1 else (x != 0).any(1) for x in coefs if x is not None]
        some = torch.stack(used).any(0)
        return None if some.all() else some.nonzero().squeeze(1)


_WIDE = ("probs", "chosen", "chosen_coef")
_TENSORS = tuple(field.name for field in fields(Rows) if field.name != "softcap")


class Numbers(NamedTuple):
    """One number a row each, (...); None where not asked for."""

    nll: Tensor | None
    dense: Tensor | None
    lse: Tensor | None
    entropy: Tensor | None
    argmax: Tensor | None
    log_probs: Tensor | None  # (..., K)


def compute(
    layer: Layer,
    rows: Rows,
    wanted: Wanted = (False, False, False),
    *,
    scale: float = 1.0,
    soften: Callable[[Tensor], Tensor] | None = None,
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
    n, width = layer.hidden.shape[:-1].numel(), layer.hidden.shape[-1]
    hidden, flat = layer.hidden.detach().reshape(n, width), rows.flat(n)
    order = flat.useful()
    count = n if order is None else len(order)
    bias = None if layer.bias is None else layer.bias.detach()
    head = Head(hidden, layer.classes.detach(), bias)
    (most, groups), approximate = layer.plan(), layer.tolerance > 0 and any(wanted) and count > 0
    into = _places(head, wanted, count <= most, order is None, approximate)
    power = _power(hidden.dtype, scale, flat) if any(wanted) else 0
    library, remainder = Library(hidden.dtype, begun=approximate), None
    if approximate:
        units = math.ldexp(scale, -power) * _units(flat, n, soften, most)
        useful = None if order is None else order.numpy()
        remainder = Remainder(library, head, into, layer.tolerance, units, useful, groups)
        order = torch.from_numpy(remainder.order)
    passed: list[Numbers] = []
    if not any(wanted) and flat.may_sweep(soften):
        found = _swept(library, head, layer.memory, flat, order, asked)
        numbers = _joined(found, order, layer.hidden.shape[:-1], n)
        return numbers, into

    def one_chunk(logits: Tensor, which: slice | Tensor) -> None:
        out = logits if any(wanted) else None
        passed.append(_pass(logits, flat.of(which), out, math.ldexp(scale, -power), soften, asked))

    _head.run(library, head, into, most, one_chunk, order, remainder)
    if not passed:  # of no row every number is there, and empty
        one_chunk(hidden.new_empty(0, len(head.classes)), slice(0))
        into = Gradients(*(None if place is None else place.zero_() for place in into))
    if info is not None:
        fill(info, remainder, tuple(layer.hidden.shape[:-1]), 2.0**power)
    numbers = _joined(passed, order, layer.hidden.shape[:-1], n)
    return numbers, _finished(into, layer, power)


def _swept(
    library: Library, head: Head, memory: int, rows: Rows, order: Tensor | None, asked: Any
) -> list[Numbers]:
    """Numbers of all rows, a panel of classes at a time."""
    sweeps: list[Sweep] = []
    num_classes, dtype = len(head.classes), head.hidden.dtype

    def begin(which: slice | Tensor) -> Add:
        part, n = rows.of(which), len(head.hidden[which])
        sweep = _engine.sweep(
            n, num_classes, part.target, part.probs, part.temperature, dtype, **asked
        )
        sweeps.append(sweep)
        return lambda logits, first: sweep.add(_engine.as_array(logits), first)

    _head.run_numbers(library, head, memory, dtype.itemsize, begin, order)
    if not sweeps:
        begin(slice(0))
    return [_as_numbers(sweep.result) for sweep in sweeps]


def _as_numbers(result: RowResult, log_probs: Tensor | None = None) -> Numbers:
    nll, dense, lse, entropy, argmax = (None if x is None else torch.from_numpy(x) for x in result)
    return Numbers(nll, dense, lse, entropy, argmax, log_probs)


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
    dtype, wide = head.hidden.dtype, RESULTS[head.hidden.dtype]
    narrow = once and dtype != torch.float16 and not approximate
    hidden, classes = head.hidden, head.classes
    sums = torch.empty_like(classes) if narrow and by_classes else None
    return Gradients(
        (torch.empty_like if every else torch.zeros_like)(hidden) if by_hidden else None,
        zeros(classes.shape, wide) if by_classes and sums is None else sums,
        torch.zeros(len(classes), dtype=wide) if by_bias else None,
    )


def _units(
    rows: Rows, n: int, soften: Callable[[Tensor], Tensor] | None, most: int
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The weight of every row's target, over the temperature: what p - y is multiplied by."""
    unit = torch.zeros(n, dtype=torch.float64)
    if rows.target is not None:
        unit += 1.0 if rows.nll_coef is None else rows.nll_coef
    if rows.probs is not None:
        mass = rows.probs.new_zeros(n, dtype=torch.float64)
        for part in _head.chunks(n, most):
            probs = rows.probs if rows.probs.dim() == 1 else rows.probs[part]
            mass[part] = (probs if soften is None else soften(probs)).sum(-1, dtype=mass.dtype)
        unit += mass if rows.dense_coef is None else rows.dense_coef * mass
    unit /= 1.0 if rows.temperature is None else rows.temperature
    return unit.numpy()


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
    soften: Callable[[Tensor], Tensor] | None,
    asked: Any,
) -> Numbers:
    """The kernels' one pass over a chunk; `out` may be the logits themselves."""
    probs, dense_coef = rows.probs, rows.dense_coef
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
        logits, 1, rows.target, probs, nll_coef=rows.nll_coef, dense_coef=dense_coef,
        lse_coef=rows.lse_coef, square_coef=rows.square_coef, entropy_coef=rows.entropy_coef,
        scale=scale, out=out, **options, **asked,
    )  # fmt: skip
    return _as_numbers(result, log_probs)


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


def _joined(parts: list[Numbers], useful: Tensor | None, shape: torch.Size, n: int) -> Numbers:
    """One chunk after another, 0 in rows that were left out."""

    def whole(pieces: tuple[Tensor | None, ...]) -> Tensor | None:
        given = [piece for piece in pieces if piece is not None]
        if not given:
            return None
        x = given[0] if len(given) == 1 else torch.cat(given)
        if useful is not None:
            x = x.new_zeros(n, *x.shape[1:]).index_copy_(0, useful, x)
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
