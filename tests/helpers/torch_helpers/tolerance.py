"""A head with a tolerance, and NumPy's numbers for it."""

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

import neglog
from neglog.torch import (
    linear_cross_entropy,
)
from torch_helpers import elsewhere, steady  # noqa: F401

N, D, V, T = 40, 12, 1300, 1e-3


TIGHT = 9 * V * 10  # bytes: chunks of about nine rows of float64


def head(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """(input, linear_weight, linear_bias); few classes have nearly all of a row's mass."""
    random = torch.Generator().manual_seed(1)
    hidden, weight, bias = (
        torch.randn(shape, dtype=torch.float64, generator=random)
        for shape in ((N, D), (V, D), (V,))
    )
    return [x.to(dtype).requires_grad_() for x in (hidden, 2 * weight, bias)]


def targets() -> Tensor:
    """Half of them what the head itself says, every eighth left out."""
    target = torch.arange(N) * 7 % V
    with torch.no_grad():
        target[::2] = F.linear(*head()).argmax(1)[::2]
    target[3::8] = -100
    return target


TARGET = targets()


def ours(leaves: Any, target: Tensor = TARGET, t: float = T, **options: Any) -> Tensor:
    hidden, weight, bias = leaves
    options = {"memory": TIGHT} | options
    return linear_cross_entropy(
        hidden, weight, target, linear_bias=bias, grad_tolerance=t, **options
    )  # fmt: skip


def grads(loss: Tensor, leaves: Any, upstream: float = 1.0, **how: Any) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, leaves, torch.full_like(loss, upstream), **how)


def by_numpy(leaves: Any, target: Tensor = TARGET, t: float = T, **options: Any) -> Any:
    """Loss and gradients of the face for arrays."""
    hidden, weight, bias = (x.detach().double().numpy() for x in leaves)
    options = {k: x.numpy() if isinstance(x, Tensor) else x for k, x in options.items()}
    return neglog.linear_cross_entropy_and_grad(
        hidden, weight, target.numpy(), bias=bias, grad_tolerance=t, **{"memory": TIGHT} | options
    )  # fmt: skip


def assert_near(have: Any, want: Any, rtol: float) -> None:
    """Relative to the norm of all that is wanted."""
    for x, y in zip(have, want, strict=True):
        y = torch.as_tensor(y).double()
        assert torch.linalg.norm(x.double() - y) <= rtol * torch.linalg.norm(y)
