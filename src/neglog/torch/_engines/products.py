"""Products of a chunk: on a CPU a block of classes at a time; gradients of halves in float32."""

import torch
from torch import Tensor

from ..._head.chunks import blocks
from ..._head.products import Which
from .._memory import empty
from .kernels import RESULTS, Array, as_array

_BLOCK = 1024  # classes whose part of a product stays in the cache


class CpuProducts:
    """The products of one head on a CPU; the roles are those of `_head.products.CpuProducts`."""

    def __init__(self, dtype: torch.dtype) -> None:
        self._dtype = dtype  # of the logits, hidden and classes

    def empty(self, shape: tuple[int, int]) -> Tensor:
        return empty(shape, self._dtype)

    def sums(self, shape: tuple[int, int]) -> Tensor:
        return empty(shape, RESULTS[self._dtype])

    def logits(self, hidden: Tensor, classes: Tensor, bias: Tensor | None, out: Tensor) -> None:
        """Rounded once. With all classes at once bfloat16 takes a third longer, float32 3 %."""
        for block in blocks(len(classes), _BLOCK):
            if bias is None:
                torch.mm(hidden, classes[block].T, out=out[:, block])
            else:
                torch.addmm(bias[block], hidden, classes[block].T, out=out[:, block])

    def times_classes(self, a: Tensor, classes: Tensor, out: Tensor, at: Which) -> None:
        if isinstance(at, slice):
            torch.mm(a, classes, out=out[at])
        else:
            out[at] = torch.mm(a, classes, out=a.new_empty(len(a), classes.shape[1]))

    def add_times_classes(self, a: Tensor, classes: Tensor, out: Tensor, at: Which) -> None:
        """float16 goes as float32, so that the sum is rounded once, a block at a time."""
        # `out=` keeps autocast from rounding to its own dtype.
        if self._dtype == torch.float16:
            product = out.new_empty(len(a), out.shape[1])
            for block in blocks(len(classes), _BLOCK):
                out[at] += torch.mm(a[:, block].float(), classes[block].float(), out=product)
        else:
            out[at] += torch.mm(a, classes, out=a.new_empty(len(a), classes.shape[1]))

    def add_times_hidden(self, a: Tensor, hidden: Tensor, out: Tensor, *, begun: bool) -> None:
        """Halves go a block at a time.

        float16 goes as float32, because its sums would overflow. bfloat16 is rounded before it is
        added, because torch has no product of bfloat16 into float32 on a CPU.
        """
        if self._dtype in (torch.float64, torch.float32):
            out.addmm_(a.T, hidden, beta=begun)
            return
        wide = hidden.float() if self._dtype == torch.float16 else hidden
        for block in blocks(len(out), _BLOCK):
            part = a[:, block].T
            if self._dtype == torch.float16:
                out[block].addmm_(part.float(), wide, beta=begun)
            elif begun:
                out[block] += torch.mm(part, wide)
            else:
                out[block] = torch.mm(part, wide)

    def add_sum(self, a: Tensor, out: Tensor) -> None:
        """Halves in float32, a few rows at a time: torch has no fast sum of halves."""
        if a.dtype == out.dtype:
            out += a.sum(0)
        else:
            for start in range(0, len(a), 64):
                out += a[start : start + 64].to(out.dtype).sum(0)

    def memory_of(self, x: Tensor) -> Array:
        return as_array(x if x.stride(-1) == 1 else x.contiguous())

    def widened(self, x: Tensor) -> Array:
        return as_array(x.to(RESULTS[self._dtype]))

    def narrowed(self, array: Array, like: Tensor) -> Tensor:
        return torch.from_numpy(array).to(like.dtype)

    # `out=` keeps autocast from rounding these to halves.

    def weighted(self, weights: Array, x: Tensor) -> Tensor:
        wide = RESULTS[self._dtype]
        total = torch.empty(len(weights), x.shape[1], dtype=wide, device="cpu")
        return torch.mm(torch.from_numpy(weights), x.to(wide), out=total)

    def add_outer(self, weights: Array, x: Tensor, out: Tensor) -> None:
        product = torch.empty(out.shape, dtype=x.dtype, device="cpu")
        out += torch.mm(torch.from_numpy(weights).T, x, out=product)


class DeviceProducts:
    """The products of a chunk on any other device, each one call; the roles are `Products`'."""

    def __init__(self, like: Tensor) -> None:
        self._like = like  # of the dtype and on the device of logits, hidden and classes

    def empty(self, shape: tuple[int, int]) -> Tensor:
        return self._like.new_empty(shape)

    def logits(self, hidden: Tensor, classes: Tensor, bias: Tensor | None, out: Tensor) -> None:
        if bias is None:
            torch.mm(hidden, classes.T, out=out)
        else:
            torch.addmm(bias, hidden, classes.T, out=out)

    def times_classes(self, a: Tensor, classes: Tensor, out: Tensor, at: Which) -> None:
        torch.mm(a, classes, out=out[at])

    def add_times_hidden(self, a: Tensor, hidden: Tensor, out: Tensor, *, begun: bool) -> None:
        """float16 as float32, for its sums would overflow; bfloat16 is rounded before it is added.

        torch has no product of halves into float32 that works on every device.
        """
        if a.dtype == out.dtype:
            out.addmm_(a.T, hidden, beta=begun)
        elif a.dtype == torch.float16:
            out.addmm_(a.T.to(out.dtype), hidden.to(out.dtype), beta=begun)
        elif begun:
            out += torch.mm(a.T, hidden)
        else:
            out.copy_(torch.mm(a.T, hidden))

    def add_sum(self, a: Tensor, out: Tensor) -> None:
        out += a.sum(0, dtype=out.dtype)
