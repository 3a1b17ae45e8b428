"""Single arguments: checked tensors, or an error that says what would fit."""

from typing import Any

import torch
from torch import Tensor

from .._contract import as_positive, check_mask, check_shape, refuse_target
from ._engines.composed import row_dtype
from ._engines.kernels import RESULTS
from ._route import is_eager_cpu

_CLASS_DTYPES = frozenset(
    {torch.int64, torch.int32, torch.uint8, torch.int16, torch.int8}
    | {torch.uint16, torch.uint32, torch.uint64}
)


def as_logits(value: Any, name: str = "input") -> tuple[int, ...]:
    """The shape of a tensor of real numbers, with a class axis of at least one class."""
    as_floats(name, value)
    shape = tuple(value.shape)
    if not shape:
        raise ValueError(f"{name} must have a class axis, got a single number; pass shape (V,)")
    if not shape[min(1, len(shape) - 1)]:
        raise ValueError(f"{name} must have at least one class, got shape {shape}")
    return shape


def as_tensor(name: str, value: Any) -> Tensor:
    """A dense tensor of any dtype that lies in one process."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{name} must be a tensor, got {type(value).__name__}; torch.as_tensor makes one"
        )
    if type(value).__name__ == "DTensor":
        raise NotImplementedError(
            f"{name} must lie in one process, got a DTensor, which is not supported; pass"
            f" {name}.full_tensor() (each process computes all rows) or {name}.to_local()"
        )
    if value.layout is not torch.strided:
        raise TypeError(
            f"{name} must be a dense tensor, got {value.layout}; pass {name}.to_dense()"
        )
    return value


def as_floats(name: str, value: Any) -> Tensor:
    """A tensor of real numbers in a supported dtype."""
    tensor = as_tensor(name, value)
    if tensor.dtype not in RESULTS:
        raise TypeError(
            f"{name} must be float64, float32, float16 or bfloat16, got {tensor.dtype};"
            f" pass {name}.to(torch.float32)"
        )
    return tensor


def check_tensor(name: str, value: Any, logits: Tensor) -> None:
    """A tensor on the logits' device; a single number may stay on the CPU, as in torch."""
    as_tensor(name, value)
    single = value.is_cpu and not value.dim() and name != "target"
    if value.device != logits.device and not single:
        raise ValueError(
            f"{name} must be on the device of the logits, {logits.device}, got {value.device};"
            f" pass {name}.to({str(logits.device)!r})"
        )


def as_numbers(
    name: str, value: Any, shape: tuple[int, ...], meaning: str, logits: Tensor
) -> Tensor | None:
    """Real numbers of exactly this shape, in the dtype of row results; None stays None."""
    if value is None:
        return None
    check_tensor(name, value, logits)
    if value.is_complex():
        raise TypeError(f"{name} must be real numbers, got {value.dtype}")
    check_shape(name, tuple(value.shape), shape, meaning)
    # A copy, so that the backward pass sees what the forward pass saw.
    return value.to(row_dtype(logits.device), copy=True)  # type: ignore[no-any-return]


def as_temperature(value: Any, rows_shape: tuple[int, ...], logits: Tensor) -> Tensor | None:
    """One number as a tensor without axes, or one per row; None for 1."""
    wide = row_dtype(logits.device)
    if not isinstance(value, Tensor):
        if type(value) is float and value == 1.0:
            return None
        return torch.tensor(as_positive("temperature", value, "1.0"), dtype=wide, device="cpu")
    meaning = "one number per row" if value.dim() else "one number"
    tensor = as_numbers("temperature", value, rows_shape if value.dim() else (), meaning, logits)
    if is_eager_cpu(value) and not ((value > 0) & value.isfinite()).all():
        raise ValueError(f"temperature must be finite and above 0, got {value}; 1.0 turns it off")
    return tensor


def as_masked(name: str, value: Any, where: Tensor | None) -> Tensor:
    """The logits with -inf outside of the mask; derivatives are 0 there."""
    logits = as_floats(name, value)
    if where is None:
        return logits
    check_tensor("where", where, logits)
    is_bool = where.dtype == torch.bool
    check_mask(is_bool, str(where.dtype), tuple(where.shape), tuple(logits.shape))
    return logits.masked_fill(where.logical_not(), float("-inf"))


def check_class_target(
    target: Tensor, rows_shape: tuple[int, ...], shape: tuple[int, ...] | None = None
) -> None:
    """Integers of any width, one per row; `shape`: the logits', if probabilities are allowed."""
    if target.dtype not in _CLASS_DTYPES:
        also = "" if shape is None else " or probabilities (floats)"
        raise TypeError(
            f"target must be classes (integers){also}, got {target.dtype};"
            " pass target.to(torch.int64) if every value is a whole number"
        )
    if tuple(target.shape) == rows_shape:
        return
    if shape is None:
        check_shape("target", tuple(target.shape), rows_shape, "the input's without the class axis")
    else:
        refuse_target(tuple(target.shape), "integers", shape, rows_shape)


def as_int64(target: Tensor, ignore: int = -100) -> Tensor:
    """Every width as int64; values that do not fit stay out of range and are not ignored."""
    wide = target.to(torch.int64)
    if target.dtype == torch.uint64:
        wide = wide.masked_fill(wide < 0, -1 if ignore != -1 else -2)
    return wide
