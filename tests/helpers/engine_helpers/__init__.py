"""What the tests of `neglog.torch` share: three routes to the rows, and torch's own answer.

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
from torch.utils._python_dispatch import TorchDispatchMode

from neglog.torch._operators import head as head_operators
from neglog.torch._operators import rows as row_operators

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)

# Kernels: an eager CPU tensor. Device: as on any other device, the operators' other implementation.
# Func: inside of torch.func, composed without an operator.
ROUTES = ("kernels", "device", "func")


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


class OtherDevice(TorchDispatchMode):
    """CPU tensors pose as tensors of a device without kernels, whose values nobody may read.

    Our operators run the implementation that every device but the CPU has, and each operation
    inside of it is seen here, too. `largest` is how many entries the largest result has memory for.
    """

    largest = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if function in _DEFAULTS:
            with self:
                return _DEFAULTS[function](*args, **(kwargs or {}))
        masks = function is torch.ops.aten.index.Tensor and any(
            x is not None and x.dtype == torch.bool for x in args[1]
        )
        assert not masks, "an index that is a mask waits for the device"
        assert function not in _READS_VALUES, f"{function} waits for the device"
        result = function(*args, **(kwargs or {}))
        for x in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(x, Tensor) and x.device.type != "meta":
                self.largest = max(self.largest, x.untyped_storage().nbytes() // x.itemsize)
        return result


_DEFAULTS = {
    operator._opoverload: operator._init_fn
    for operator in (
        row_operators.row_results,
        row_operators.row_gradients,
        row_operators.softmax,
        head_operators.head_results,
        head_operators.head_gradients,
    )
}
_READS_VALUES = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.equal.default,
    torch.ops.aten.is_nonzero.default,
    torch.ops.aten.masked_select.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten._unique2.default,
}


@contextlib.contextmanager
def elsewhere() -> Iterator[OtherDevice]:
    """Inside of it CPU tensors pose as tensors of another device."""

    def refuse(tensor: Tensor, *_: Any, **__: Any) -> Any:
        raise AssertionError("the memory of another device cannot be read")

    torch.Tensor.is_cpu = property(lambda _: False)  # type: ignore[assignment,method-assign]
    torch.Tensor.numpy = refuse  # type: ignore[method-assign]
    try:
        with OtherDevice() as device:
            yield device
    finally:
        del torch.Tensor.is_cpu, torch.Tensor.numpy  # what they hid comes back


def loss_and_grad(
    route: str, function: Callable[[Tensor], Tensor], logits: Tensor, upstream: float = 1.0
) -> tuple[Tensor, Tensor]:
    """`function(logits)` and its gradient, for this upstream gradient of every result."""
    if route == "func":
        loss, pull = torch.func.vjp(function, logits)
        return loss, pull(torch.full_like(loss, upstream))[0]
    with elsewhere() if route == "device" else contextlib.nullcontext():
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
