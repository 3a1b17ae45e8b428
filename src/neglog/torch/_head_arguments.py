"""The linear layer in front of the loss, checked."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._contract import as_integer, check_shape
from .._head.chunks import Head, default_memory
from .._head.remainder import as_grad_tolerance, plan
from ._arguments import as_floats
from ._route import require_grad


class HeadArguments(NamedTuple):
    """Tensors of one dtype and device, and limits; the operators take them in this order."""

    hidden: Tensor  # (..., D)
    classes: Tensor  # (V, D)
    bias: Tensor | None  # (V,)
    memory: int  # bytes for a chunk
    tolerance: float  # entries of the logits' gradient up to here are combined

    def plan(self) -> tuple[int, int]:
        """How many rows a chunk has, and how many groups of rows share a remainder."""
        itemsize = self.hidden.dtype.itemsize
        return plan(len(self.classes), itemsize, self.memory, self.tolerance)

    def flat(self, n: int) -> Head:
        """The same with n rows of hidden, without autograd."""
        bias = None if self.bias is None else self.bias.detach()
        hidden = self.hidden.detach().reshape(n, self.hidden.shape[-1])
        return Head(hidden, self.classes.detach(), bias)

    def is_trained(self) -> bool:
        """Whether gradients are wanted."""
        return torch.is_grad_enabled() and require_grad(*self[:3])


def as_head(
    input: Any, linear_weight: Any, linear_bias: Any, memory: Any, grad_tolerance: Any = 0.0
) -> HeadArguments:
    """The head, checked; under autocast in autocast's dtype."""
    hidden = as_floats("input", input)
    classes = as_floats("linear_weight", linear_weight)
    bias = None if linear_bias is None else as_floats("linear_bias", linear_bias)
    if not hidden.dim():
        raise ValueError("input must have shape (..., D), got a single number")
    width = hidden.shape[-1]
    if classes.dim() != 2 or classes.shape[1] != width:
        transposed = classes.dim() == 2 and classes.shape[0] == width
        way = "; pass linear_weight.T" if transposed else ""
        raise ValueError(
            f"linear_weight must have shape (V, {width}), one row per class with as many numbers as"
            f" the last axis of input {tuple(hidden.shape)}, got {tuple(classes.shape)}{way}"
        )
    num_classes = classes.shape[0]
    if not num_classes:
        raise ValueError(
            f"linear_weight must have at least one class, got shape {tuple(classes.shape)}"
        )
    if bias is not None:
        check_shape("linear_bias", tuple(bias.shape), (num_classes,), "one number per class")
    hidden, classes, bias = _cast(hidden), _cast(classes), None if bias is None else _cast(bias)
    for name, x in (("linear_weight", classes), ("linear_bias", bias)):
        _check_alike(name, x, hidden)
    room = default_memory(num_classes, width, classes.dtype.itemsize)
    if memory is not None:
        room = as_integer("memory", memory)
    head = HeadArguments(hidden, classes, bias, room, as_grad_tolerance(grad_tolerance))
    head.plan()  # raises if not even one row fits
    return head


def _cast(x: Tensor) -> Tensor:
    """Under autocast in its dtype for products."""
    kind = x.device.type
    if x.dtype == torch.float64 or not torch.amp.is_autocast_available(kind):
        return x
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


def _check_alike(name: str, x: Tensor | None, hidden: Tensor) -> None:
    for what in ("device", "dtype"):
        if x is not None and getattr(x, what) != getattr(hidden, what):
            kind = TypeError if what == "dtype" else ValueError
            have, want = getattr(x, what), getattr(hidden, what)
            raise kind(f"{name} must have input's {what}, {want}, got {have}; pass {name}.to(...)")


def shape_of_logits(head: HeadArguments) -> Tensor:
    """One number expanded to the shape of all logits: for checks, which do not read values."""
    like = head.hidden.detach().new_zeros(())
    return like.expand(*head.hidden.shape[:-1], head.classes.shape[0])
