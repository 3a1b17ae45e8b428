"""The linear layer in front of the loss: what is passed as one, and which way it takes."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .._contract import as_integer, check_shape
from .._head.chunks import MEMORY
from .._head.remainder import as_grad_tolerance, plan
from ._arguments import as_floats
from ._way import is_composed, is_plain


class Layer(NamedTuple):
    """Checked: tensors of one dtype and device; what goes along to the operators in this order."""

    hidden: Tensor  # (..., D)
    classes: Tensor  # (V, D)
    bias: Tensor | None  # (V,)
    memory: int  # bytes for a chunk
    tolerance: float  # entries of the logits' gradient up to here are put together

    def plan(self) -> tuple[int, int]:
        """How many rows go at once, and how many groups there are where something is left out."""
        itemsize = self.hidden.dtype.itemsize
        return plan(len(self.classes), itemsize, self.memory, self.tolerance)


def as_layer(
    input: Any, linear_weight: Any, linear_bias: Any, memory: Any, grad_tolerance: Any = 0.0
) -> Layer:
    """The head, checked; under autocast in its dtype."""
    hidden = as_floats("input", input)
    classes = as_floats("linear_weight", linear_weight)
    bias = None if linear_bias is None else as_floats("linear_bias", linear_bias)
    if not hidden.dim():
        raise ValueError("input must have shape (..., D), got a single number")
    width = hidden.shape[-1]
    if classes.dim() != 2 or classes.shape[1] != width:
        turned = classes.dim() == 2 and classes.shape[0] == width
        way = "; pass linear_weight.T" if turned else ""
        raise ValueError(
            f"linear_weight must have shape (V, {width}), one row a class, as many numbers as input"
            f" {tuple(hidden.shape)} has in its last axis, got {tuple(classes.shape)}{way}"
        )
    num_classes = classes.shape[0]
    if not num_classes:
        raise ValueError(
            f"linear_weight must have at least one class, got shape {tuple(classes.shape)}"
        )
    if bias is not None:
        check_shape("linear_bias", tuple(bias.shape), (num_classes,), "one number a class")
    hidden, classes, bias = _cast(hidden), _cast(classes), None if bias is None else _cast(bias)
    for name, x in (("linear_weight", classes), ("linear_bias", bias)):
        _check_alike(name, x, hidden)
    room = MEMORY if memory is None else as_integer("memory", memory)
    layer = Layer(hidden, classes, bias, room, as_grad_tolerance(grad_tolerance))
    layer.plan()  # one row at least
    return layer


def _cast(x: Tensor) -> Tensor:
    """In the dtype that autocast, where it is on, has for products."""
    if x.dtype == torch.float64 or not torch.is_autocast_enabled(x.device.type):
        return x
    return x.to(torch.get_autocast_dtype(x.device.type))


def _check_alike(name: str, x: Tensor | None, hidden: Tensor) -> None:
    for what in ("device", "dtype"):
        if x is not None and getattr(x, what) != getattr(hidden, what):
            kind = TypeError if what == "dtype" else ValueError
            have, want = getattr(x, what), getattr(hidden, what)
            raise kind(f"{name} must have input's {what}, {want}, got {have}; pass {name}.to(...)")


def is_plain_layer(layer: Layer) -> bool:
    return all(x is None or is_plain(x) for x in layer[:3])


def is_composed_layer(layer: Layer, *options: Any) -> bool:
    """Where nothing but torch's own operators has what is asked for."""
    if is_composed(layer.hidden) or not layer.hidden.is_cpu:
        return True
    recorded = any(isinstance(x, Tensor) and x.requires_grad for x in options)
    return recorded and torch.is_grad_enabled()


def shape_of_logits(layer: Layer) -> Tensor:
    """One number in the guise of all logits: for checks, which do not look at their values."""
    like = layer.hidden.detach().new_zeros(())
    return like.expand(*layer.hidden.shape[:-1], layer.classes.shape[0])
