"""Products of a chunk: in place, and halves added up in float32."""

import torch
from torch import Tensor

from .._head import Library
from ._memory import empty

_BLOCK = 1024  # classes whose part of a product stays in the cache until it is added up


def _product(a: Tensor, b: Tensor, out: Tensor, plus: Tensor | None = None) -> None:
    """out = a @ b + plus, rounded once."""
    if plus is None:
        torch.mm(a, b, out=out)
    else:
        torch.addmm(plus, a, b, out=out)


def _add_product(a: Tensor, b: Tensor, out: Tensor, begun: bool) -> None:
    """out += a @ b, where a is a view of its columns; the first product overwrites what is there.

    Halves go in parts that stay in the cache: float16 as float32, for it has too few exponents for
    a sum, and bfloat16 turned, which takes the processor half the time.
    """
    if a.dtype in (torch.float64, torch.float32):
        out.addmm_(a, b, beta=begun)
        return
    b = b.float() if a.dtype == torch.float16 else b.T.contiguous()
    for start in range(0, len(a), _BLOCK):
        place, part = out[start : start + _BLOCK], a[start : start + _BLOCK]
        if a.dtype == torch.float16:
            place.addmm_(part.float(), b, beta=begun)
        elif begun:
            place += torch.mm(b, part.T).T.contiguous()
        else:
            place.copy_(torch.mm(b, part.T).T.contiguous())


def _add_sum(a: Tensor, out: Tensor) -> None:
    """out += a.sum(0); a sum of halves in float32, which torch has no quick one of."""
    if a.dtype == out.dtype:
        out += a.sum(0)
    else:
        for start in range(0, len(a), 64):
            out += a[start : start + 64].to(out.dtype).sum(0)


def library(dtype: torch.dtype) -> Library:
    """What one head is computed with, for logits of this dtype."""
    begun = False

    def add_product(a: Tensor, b: Tensor, out: Tensor) -> None:
        nonlocal begun
        _add_product(a, b, out, begun)
        begun = True

    return Library(_product, add_product, _add_sum, lambda shape: empty(shape, dtype))
