"""What the arguments of the losses mean: checked, and turned into one number a row."""

from typing import Any

import torch
from torch import Tensor

from .. import _problem
from .._contract import check_no_ignored_class, refuse_target, warn_input_kind, without_axis
from .._problem import Options, check_options
from . import _engine
from ._arguments import (
    as_int64,
    as_logits,
    as_numbers,
    as_temperature,
    check_class_target,
    check_tensor,
)
from ._array_ops import ArrayOps
from ._engine import RESULTS
from ._loss import Task
from ._way import is_plain, is_watched


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
    if is_plain(logits):
        warn_input_kind(_engine.looks_like(logits, dim))
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
    options = check_options(ignore_index, label_smoothing, z_loss, softcap, reduction)
    task.reduction, task.softcap = options.reduction, options.softcap
    task.temperature = as_temperature(temperature, rows_shape, logits)
    weight = as_numbers("weight", weight, (shape[dim],), "one number a class", logits)
    row_weight = as_numbers("row_weight", row_weight, rows_shape, "one number a row", logits)
    check_tensor("target", target, logits)
    if target.is_floating_point():
        check_probabilities(task, logits, target, options.ignore_index)
        ops = ArrayOps(logits.device)
        _problem.set_probabilities(task, ops, options, rows_shape, weight, row_weight)
        classes, probs = None, target
    else:
        check_class_target(target, rows_shape, shape)
        classes, probs = _set_classes(task, logits, target, weight, row_weight, options)
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
    options: Options,
) -> tuple[Tensor, Tensor | None]:
    """(classes, the probabilities (V,) of a smoothing)."""
    num_classes, ignore = logits.shape[task.dim], options.ignore_index
    classes = _classes(target, row_weight, ignore, num_classes)
    ignored = 1
    if is_plain(logits):
        ignored = _engine.check_classes(classes, num_classes, ignore, target)
    ops = ArrayOps(logits.device)
    mixed = _problem.set_classes(
        task, ops, options, classes, num_classes, weight, row_weight, ignoring=ignored > 0
    )
    task.keep = classes != ignore if ignored else None
    return classes, None if mixed is None else mixed.to(task.dtype)


def _classes(target: Tensor, row_weight: Tensor | None, ignore: int, num_classes: int) -> Tensor:
    """A row of weight 0 is left out: whatever stands there as its class is no mistake."""
    classes = as_int64(target, ignore)
    if row_weight is None:
        return classes
    wrong = (classes != ignore) & ((classes < 0) | (classes >= num_classes))
    return classes.masked_fill(wrong & (row_weight == 0), 0)


def check_probabilities(task: Task, logits: Tensor, target: Tensor, ignore: int) -> None:
    """Floats of the logits' shape; there is no row that could be ignored by its class."""
    shape = tuple(logits.shape)
    if tuple(target.shape) != shape:
        refuse_target(tuple(target.shape), "floats", shape, without_axis(shape, task.dim))
    check_no_ignored_class(ignore)
    task.computed = task.dtype
    task.dtype = torch.promote_types(task.dtype, target.dtype)  # as torch's arithmetic has it


def softened(probs: Tensor, dim: int, task: Task) -> Tensor:
    """The target's probabilities, smoothed and weighted, in the type that is computed in."""
    ops = ArrayOps(probs.device)
    return _problem.softened(task, ops, probs.to(task.computed), dim)  # type: ignore[no-any-return]
