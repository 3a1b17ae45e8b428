"""Memory for results as large as the logits.

The system hands out fresh memory page by page and clears each page first: filling a new tensor of
256 MiB takes 120 ms, filling it again 25. torch returns such blocks to the system as soon as a
tensor dies, so a training loop pays this in every step. Here a block is kept and used again once
nothing refers to it, from the second time on that its size is asked for: a single large result
returns its memory as any tensor does.
"""

import itertools
import math
import weakref
from typing import Any

import numpy as np
import torch
from torch import Tensor

_LEAST = 1 << 20  # bytes; smaller blocks are kept by torch's own allocator
_ALIGNMENT = 64
_NUMPY = {torch.float64: np.float64, torch.float32: np.float32, torch.float16: np.float16}

_MOST_KEPT = 2  # the logits of a head's chunk, and the sums that halves need

# The last sizes, their blocks if these are kept, and their last users, numbered. A dictionary's pop
# is atomic: two threads never get the same.
_kept: dict[int, tuple[int, Any | None, weakref.ref[Any]]] = {}
_numbers = itertools.count()


def release_memory() -> None:
    """Return to the system the memory that is kept for the next large result.

    In a loop, results of a MiB and more (gradients, probabilities, chunks of a head's logits) use
    the memory of the step before: the system clears fresh pages, which takes longer than the
    arithmetic. At most two blocks stay after the last step, until this is called.

    Examples:
        >>> import torch, neglog.torch
        >>> logits, target = torch.zeros(8, 50000, requires_grad=True), torch.arange(8)
        >>> for _ in range(3):
        ...     neglog.torch.cross_entropy(logits, target).backward()
        ...     logits.grad = None
        >>> neglog.torch.release_memory()

    Differs from torch.cuda.empty_cache: it is about the memory of the CPU.
    """
    _kept.clear()


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A contiguous, uninitialized CPU tensor."""
    size = math.prod(shape) * dtype.itemsize
    if size < _LEAST:
        return torch.empty(shape, dtype=dtype, device="cpu")
    repeated, block = _free_block(size)
    if block is None:
        block = _new_block(size)
    # torch holds this very array for as long as the tensor's memory is in use.
    user = block[:size].view(_NUMPY.get(dtype, np.int16)).reshape(shape)
    _kept[next(_numbers)] = len(block), block if repeated else None, weakref.ref(user)
    for key in list(_kept)[:-_MOST_KEPT]:
        _kept.pop(key, None)
    tensor = torch.from_numpy(user)
    return tensor if dtype in _NUMPY else tensor.view(dtype)


def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros of float64 or float32; the system clears each large page on first use."""
    return torch.from_numpy(np.zeros(shape, _NUMPY[dtype]))


def _free_block(size: int) -> tuple[bool, Any | None]:
    """Whether about this size was in use before and is free, and its block if that was kept."""
    for key in list(_kept):
        mine = _kept.pop(key, None)  # taken before it is examined: other threads may want it
        if mine is None:
            continue
        largest, block, user = mine
        if user() is None and size <= largest <= 2 * size:
            return True, block
        _kept[key] = mine
    return False, None


def _new_block(size: int) -> Any:
    """NumPy asks the system for large pages; torch does not."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size]
