"""Torch's `ArrayOps`: the operations that the algebra of the loss is made of, for a device."""

from typing import Any

import torch
from torch import Tensor

from .composed import row_dtype


class ArrayOps:
    """Operations on tensors of one device."""

    def __init__(self, device: torch.device) -> None:
        self._device, self.row_dtype = device, row_dtype(device)

    def full(self, shape: tuple[int, ...], fill_value: float) -> Tensor:
        # Not torch.full: a compiler would make a graph of its own for every fill_value.
        return torch.ones(shape, dtype=self.row_dtype, device=self._device) * fill_value

    def astype(self, x: Tensor, dtype: torch.dtype) -> Tensor:
        return x.to(dtype)

    def where(self, condition: Tensor, x1: Any, x2: Any) -> Tensor:
        if not isinstance(x1, Tensor):
            return x2.masked_fill(condition, x1)  # type: ignore[no-any-return]
        if not isinstance(x2, Tensor):
            return x1.masked_fill(condition.logical_not(), x2)
        return torch.where(condition, x1, x2)

    def isfinite(self, x: Tensor) -> Tensor:
        return x.isfinite()

    def sum(self, x: Tensor) -> Tensor:
        return x.sum()

    def take(self, x: Tensor, indices: Tensor) -> Tensor:
        # Flat: an index of no axis would have to be known to the CPU.
        return x[indices.reshape(-1)].reshape(indices.shape)

    def clip(self, x: Tensor, low: int, high: int) -> Tensor:
        return x.clamp(low, high)

    def broadcast_to(self, x: Tensor, shape: tuple[int, ...]) -> Tensor:
        return x.expand(shape)
