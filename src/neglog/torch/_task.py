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
    refuse_target,
    row_weights,
    warn_input_kind,
    without_axis,
)
from ._arguments import (
    as_int64,
    as_logits,
    as_numbers,
    as_temperature,
    check_class_target,
    check_tensor,
)
from ._autograd.loss import Task
from ._engines import kernels
from ._engines.composed import over_classes, row_dtype
from ._engines.kernels import RESULTS
from ._route import is_eager_cpu, is_watched


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
    dim = min(1, len(as_logits(logits)) - 1)
    classes, probs, task = prepare_rows(
        logits, dim, target, weight, row_weight, ignore_index, label_smoothing, z_loss,
        temperature, softcap, reduction,
    )  # fmt: skip
    if classes is None:
        assert probs is not None
        probs = softened(probs, dim, task)
    if is_eager_cpu(logits):
        warn_input_kind(kernels.looks_like(logits, dim))
    return classes, probs, task


def prepare_rows(
    logits: Tensor,
    dim: int,
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
    """The same without a look at the logits, which may be of no memory; `probs` as they came."""
    shape, task = tuple(logits.shape), Task()
    task.dim, task.dtype = dim, RESULTS[logits.dtype]
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
    if target.is_floating_point():
        check_probabilities(task, logits, target, ignore)
        task.smoothing, task.class_weight = smoothing, weight
        task.dense_coef, task.total = row_weight, _total(row_weight, rows_shape)
        classes, probs, caller = None, target, row_weight
    else:
        check_class_target(target, rows_shape, shape)
        classes, probs, caller = _set_classes(
            task, logits, target, weight, row_weight, ignore, smoothing
        )
    if squared:
        ones = torch.ones(rows_shape, dtype=row_dtype(logits.device), device=logits.device)
        task.square_coef = (ones if caller is None else caller) * squared
    if row_weight is not None:
        used = _used(row_weight, logits, dim)
        task.keep = used if task.keep is None else task.keep & used
    return classes, probs, task


def _used(row_weight: Tensor, logits: Tensor, dim: int) -> Tensor:
    used = row_weight != 0
    if is_watched(row_weight):  # its derivative at 0 is the row's loss, if there is one
        used = used | logits.detach().amax(dim).isfinite()
    return used


def _set_classes(
    task: Task,
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    row_weight: Tensor | None,
    ignore: int,
    smoothing: float,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """(classes, the probabilities (V,) of a smoothing, the caller's row weights)."""
    shape, dim = tuple(logits.shape), task.dim
    rows_shape, num_classes = without_axis(shape, dim), shape[dim]
    classes = _classes(target, row_weight, ignore, num_classes)
    ignored = 1
    if is_eager_cpu(logits):
        ignored = kernels.check_classes(classes, num_classes, ignore, target)
    # Flat: an index of no axis would have to be known to the CPU.
    flat = None if row_weight is None else row_weight.reshape(-1)
    found = row_weights(classes.reshape(-1), num_classes, ignore, ignored, weight, flat)
    wide = row_dtype(logits.device)
    full, caller = (None if x is None else x.to(wide).view(rows_shape) for x in found)
    task.total = _total(full, rows_shape)
    probs = _smooth(task, full, caller, weight, smoothing, shape, logits)
    task.keep = classes != ignore if ignored else None
    return classes, probs, caller


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


def check_probabilities(task: Task, logits: Tensor, target: Tensor, ignore: int) -> None:
    """Floats of the logits' shape; there is no row that could be ignored by its class."""
    shape = tuple(logits.shape)
    if tuple(target.shape) != shape:
        refuse_target(tuple(target.shape), "floats", shape, without_axis(shape, task.dim))
    if ignore >= 0:
        raise ValueError(
            f"ignore_index must not be a class when target holds probabilities, got {ignore};"
            " leave rows out with row_weight=0"
        )
    task.computed = task.dtype
    task.dtype = torch.promote_types(task.dtype, target.dtype)  # as torch's arithmetic has it


def softened(probs: Tensor, dim: int, task: Task) -> Tensor:
    """The target's probabilities, smoothed and weighted, in the type that is computed in."""
    probs = probs.to(task.computed)
    if task.smoothing:
        probs = probs * (1 - task.smoothing) + task.smoothing / probs.shape[dim]
    if task.class_weight is not None:
        probs = probs * over_classes(task.class_weight, probs, dim).to(probs.dtype)
    return probs
