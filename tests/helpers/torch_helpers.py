"""What the tests of `neglog.torch` share: the three ways to the rows, and torch's own answer.

A file that imports `steady` has it for all of its tests.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from budgets import RESULT_DTYPE
from torch import Tensor

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)

# Kernels: an ordinary tensor on the CPU. Device: as on any other device, an operator that composes.
# Func: inside of torch.func, the composition itself.
WAYS = ("kernels", "device", "func")


@pytest.fixture(autouse=True)
def steady() -> Iterator[None]:
    """One seed, and one thread: for tiny tensors torch's threads mostly wait for each other."""
    before = torch.get_num_threads()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def result_dtype(dtype: torch.dtype) -> torch.dtype:
    """The dtype of losses and statistics of logits of this dtype."""
    return getattr(torch, RESULT_DTYPE[str(dtype).removeprefix("torch.")])  # type: ignore[no-any-return]


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """CPU tensors pass for tensors on a device without kernels, whose values nobody may look at."""
    torch.Tensor.is_cpu = property(lambda _: False)  # type: ignore[assignment,method-assign]
    try:
        yield
    finally:
        del torch.Tensor.is_cpu  # what it hid comes back


def loss_and_grad(
    way: str, function: Callable[[Tensor], Tensor], logits: Tensor, upstream: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`function(logits)`, and what it is by the logits times this number for every result."""
    if way == "func":
        loss, pull = torch.func.vjp(function, logits)
        return loss, pull(torch.full_like(loss, upstream))[0]
    with elsewhere() if way == "device" else contextlib.nullcontext():
        leaf = logits.clone().requires_grad_()
        loss = function(leaf)
        (grad,) = torch.autograd.grad(loss, leaf, torch.full_like(loss, upstream))
        return loss.detach(), grad


def by_torch(
    logits: Tensor,
    target: Tensor,
    *,
    weight: Tensor | None = None,
    row_weight: Tensor | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: Any = 1.0,
    softcap: float | None = None,
    reduction: str = "mean",
) -> Tensor:
    """cross_entropy with every option, in a few of torch's operators: differentiable by all.

    Where numbers are ordinary; a mean over no row is 0, as documented.
    """
    dim = min(1, logits.dim() - 1)
    spread = [-1 if axis == dim else 1 for axis in range(logits.dim())]
    per_row = isinstance(temperature, Tensor) and temperature.dim() > 0
    z = logits / (temperature.unsqueeze(dim) if per_row else temperature)
    z = z if softcap is None else softcap * torch.tanh(z / softcap)
    log_p = F.log_softmax(z, dim)
    own = torch.ones_like(log_p.sum(dim)) if row_weight is None else row_weight
    classes = torch.ones_like(log_p) if weight is None else weight.view(spread).expand_as(log_p)
    if target.is_floating_point():
        soft, total = (1 - label_smoothing) * target + label_smoothing / log_p.shape[dim], own
    else:
        own = own * (target != ignore_index)
        hot = F.one_hot(target.where(target != ignore_index, 0), log_p.shape[dim])
        hot = hot.movedim(-1, dim).to(log_p.dtype)
        soft = (1 - label_smoothing) * hot + label_smoothing / log_p.shape[dim]
        total = own * (hot * classes).sum(dim)
    losses = own * (-(soft * classes * log_p).sum(dim) + z_loss * z.logsumexp(dim) ** 2)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    count = total.sum()
    return torch.where(count == 0, 0.0, losses.sum() / torch.where(count == 0, 1.0, count))
