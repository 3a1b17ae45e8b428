"""Problems for the tests of the loss in autograd's graph."""

from typing import Any

import torch
from torch import Tensor

from torch_helpers import DTYPES, by_torch, elsewhere, steady  # noqa: F401

# Gradients of a MiB and more are written into memory that is used again.
LARGE = (520, 1024)


def problem(
    shape: tuple[int, ...], dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Logits that want a gradient, and classes of which the first is ignored."""
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, dtype=torch.float64, generator=random).to(dtype)
    target = torch.randint(0, shape[1], shape[:1] + shape[2:], generator=random)
    target.view(-1)[0] = -100
    return logits.requires_grad_(), target


def backward(loss: Tensor, leaf: Tensor, upstream: float, **options: Any) -> Tensor:
    (slope,) = torch.autograd.grad(loss, leaf, torch.full_like(loss, upstream), **options)
    return slope
