"""What the arguments of the losses mean: checked, and turned into one number a row."""

import math
from typing import Any

import torch
from torch import Tensor

from .._contract import (
    as_factor,
    as_integer,
    as_positive,
    as_share,
    check_reduction,
    check_shape,
    refuse_target,
    row_weights,
    warn_input_kind,
    without_axis,
)
from . import _engine
from ._compose import over_classes, row_dtype
from ._engine import RESULTS
from ._loss import Task
from ._way import is_plain, is_watched

_CLASS_DTYPES = frozenset(
    {torch.int64, torch.int32, torch.uint8, torch.int16, torch.int8}
    | {torch.uint16, torch.uint32, torch.uint64}
)


def prepare(
    logits: Any,
    target: Any,
    weight: Any,
    row_weight: Any,
    ignore_index: Any,
    label_smoothing: Any,
    z_loss: Any,
    temperature: Any,
    softcap: Any,
    reduction: Any,
) -> tuple[Tensor | None, Tensor | None, Task]:
    """Check every argument of cross_entropy: (target, probs, one number a row for every option)."""
    shape, task = as_logits(logits), Task()
    task.dim = dim = 0 if len(shape) == 1 else 1
    task.dtype = RESULTS[logits.dtype]
    rows_shape = without_axis(shape, dim)
    check_reduction(reduction)
    task.reduction = reduction
    smoothing, squared = as_share("label_smoothing", label_smoothing), as_factor("z_loss", z_loss)
    ignore = as_integer("ignore_index", ignore_index)
    task.softcap = None if softcap is None else as_positive("softcap", softcap, "None")
    task.temperature = as_temperature(temperature, rows_shape, logits)
    weight = as_numbers("weight", weight, (shape[dim],), "one number a class", logits)
    row_weight = as_numbers("row_weight", row_weight, rows_shape, "one number a row", logits)
    check_tensor("target", target, logits)
    plain, classes, caller = is_plain(logits), None, row_weight
    if target.is_floating_point():
        probs: Tensor | None = _probabilities(task, logits, target, weight, ignore, smoothing)
        task.dense_coef, task.total = row_weight, _total(row_weight, rows_shape)
        task.dtype = torch.promote_types(task.dtype, target.dtype)  # as torch's arithmetic has it
    else:
        check_class_target(target, rows_shape, shape)
        classes = _classes(target, row_weight, ignore, shape[dim])
        ignored = _engine.check_classes(classes, shape[dim], ignore, target) if plain else 1
        # Flat: an index of no axis would have to be known to the CPU.
        flat = None if row_weight is None else row_weight.reshape(-1)
        found = row_weights(classes.reshape(-1), shape[dim], ignore, ignored, weight, flat)
        wide = row_dtype(logits.device)
        full, caller = (None if x is None else x.to(wide).view(rows_shape) for x in found)
        task.total = _total(full, rows_shape)
        probs = _smooth(task, full, caller, weight, smoothing, shape, logits)
        task.keep = classes != ignore if ignored else None
    if squared:
        ones = torch.ones(rows_shape, dtype=row_dtype(logits.device), device=logits.device)
        task.square_coef = (ones if caller is None else caller) * squared
    if row_weight is not None:
        used = row_weight != 0
        if is_watched(row_weight):  # its derivative at 0 is the row's loss, if there is one
            used = used | logits.detach().amax(dim).isfinite()
        task.keep = used if task.keep is None else task.keep & used
    if plain:
        warn_input_kind(_engine.looks_like(logits, dim))
    return classes, probs, task


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
    """A dense tensor of one process, of whatever dtype."""
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
    """A tensor of real numbers in one of the dtypes that are computed in."""
    tensor = as_tensor(name, value)
    if tensor.dtype not in RESULTS:
        raise TypeError(
            f"{name} must be float64, float32, float16 or bfloat16, got {tensor.dtype};"
            f" pass {name}.to(torch.float32)"
        )
    return tensor


def check_tensor(name: str, value: Any, logits: Tensor) -> None:
    """A tensor on the logits' device; a single number may stay on the CPU, as always in torch."""
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
    """Real numbers of exactly this shape, in the dtype of one number a row; None stays None."""
    if value is None:
        return None
    check_tensor(name, value, logits)
    if value.is_complex():
        raise TypeError(f"{name} must be real numbers, got {value.dtype}")
    check_shape(name, tuple(value.shape), shape, meaning)
    # A copy, so that the backward pass meets what the forward pass met.
    return value.to(row_dtype(logits.device), copy=True)  # type: ignore[no-any-return]


def as_temperature(value: Any, rows_shape: tuple[int, ...], logits: Tensor) -> Tensor | None:
    """A number as a tensor of no axis, or one a row; None for 1."""
    wide = row_dtype(logits.device)
    if not isinstance(value, Tensor):
        if type(value) is float and value == 1.0:
            return None
        return torch.tensor(as_positive("temperature", value, "1.0"), dtype=wide, device="cpu")
    meaning = "one number a row" if value.dim() else "one number"
    tensor = as_numbers("temperature", value, rows_shape if value.dim() else (), meaning, logits)
    if is_plain(value) and not ((value > 0) & value.isfinite()).all():
        raise ValueError(f"temperature must be finite and above 0, got {value}; 1.0 turns it off")
    return tensor


def check_class_target(
    target: Tensor, rows_shape: tuple[int, ...], shape: tuple[int, ...] | None = None
) -> None:
    """Integers of any width, one a row; `shape`: the logits', where probabilities do, too."""
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
    """Every width as int64; what does not fit stays out of range and not ignored."""
    wide = target.to(torch.int64)
    if target.dtype == torch.uint64:
        wide = wide.masked_fill(wide < 0, -1 if ignore != -1 else -2)
    return wide


def _classes(target: Tensor, row_weight: Tensor | None, ignore: int, num_classes: int) -> Tensor:
    """A row of weight 0 is left out: whatever stands there as its class is no mistake."""
    classes = as_int64(target, ignore)
    if row_weight is None:
        return classes
    wrong = (classes != ignore) & ((classes < 0) | (classes >= num_classes))
    return classes.masked_fill(wrong & (row_weight == 0), 0)


def _total(row_weights: Tensor | None, rows_shape: tuple[int, ...]) -> float | Tensor:
    return float(math.prod(rows_shape)) if row_weights is None else row_weights.sum()


def _smooth(
    task: Task,
    full: Tensor | None,
    caller: Tensor | None,
    weight: Tensor | None,
    smoothing: float,
    shape: tuple[int, ...],
    logits: Tensor,
) -> Tensor | None:
    """Coefficients of class targets; with smoothing, the probabilities (V,) that are mixed in."""
    task.nll_coef = full
    if not smoothing:
        return None
    wide, num_classes = row_dtype(logits.device), shape[task.dim]
    ones = torch.ones(without_axis(shape, task.dim), dtype=wide, device=logits.device)
    task.nll_coef = (ones if full is None else full) * (1 - smoothing)
    task.dense_coef = caller
    if weight is None:
        weight = torch.ones(num_classes, dtype=wide, device=logits.device)
    return (weight * (smoothing / num_classes)).to(task.dtype)


def _probabilities(
    task: Task, logits: Tensor, target: Tensor, weight: Tensor | None, ignore: int, smoothing: float
) -> Tensor:
    """The target's probabilities, smoothed and weighted, in the type that is computed in."""
    shape = tuple(logits.shape)
    if tuple(target.shape) != shape:
        refuse_target(tuple(target.shape), "floats", shape, without_axis(shape, task.dim))
    if ignore >= 0:
        raise ValueError(
            f"ignore_index must not be a class when target holds probabilities, got {ignore};"
            " leave rows out with row_weight=0"
        )
    probs = target.to(RESULTS[logits.dtype])
    if smoothing:
        probs = probs * (1 - smoothing) + smoothing / shape[task.dim]
    if weight is not None:
        probs = probs * over_classes(weight, probs, task.dim).to(probs.dtype)
    return probs
