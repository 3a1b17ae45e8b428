"""Memory for results as large as the logits.

The system hands out fresh memory page by page and clears each page first: filling a new tensor of
256 MiB takes 120 ms, filling it again 25. torch returns such blocks to the system as soon as a
tensor dies, so a training loop pays this in every step. Here the blocks of the last two large
results are kept, and used again once nothing refers to them.
"""

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

# Kept blocks and their last users. A dictionary's pop is atomic: two threads never get the same.
_kept: dict[int, tuple[Any, weakref.ref[Any]]] = {}


def empty(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """A contiguous, uninitialized CPU tensor."""
    size = math.prod(shape) * dtype.itemsize
    if size < _LEAST:
        return torch.empty(shape, dtype=dtype, device="cpu")
    block = _free_block(size)
    # torch holds this very array for as long as the tensor's memory is in use.
    user = block[:size].view(_NUMPY.get(dtype, np.int16)).reshape(shape)
    _kept[id(block)] = block, weakref.ref(user)
    for key in list(_kept)[:-_MOST_KEPT]:
        _kept.pop(key, None)
    tensor = torch.from_numpy(user)
    return tensor if dtype in _NUMPY else tensor.view(dtype)


def zeros(shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
    """Zeros of float64 or float32; the system clears each large page on first use."""
    return torch.from_numpy(np.zeros(shape, _NUMPY[dtype]))


def _free_block(size: int) -> Any:
    """A kept block that is free and of about this size, else a new one."""
    for key in list(_kept):
        mine = _kept.pop(key, None)  # taken before it is examined: other threads may want it
        if mine is None:
            continue
        block, user = mine
        if user() is None and size <= len(block) <= 2 * size:
            return block
        _kept[key] = mine
    return _new_block(size)


def _new_block(size: int) -> Any:
    """NumPy asks the system for large pages; torch does not."""
    memory = np.empty(size + _ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % _ALIGNMENT
    return memory[start : start + size]
