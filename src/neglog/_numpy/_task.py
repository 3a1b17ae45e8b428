"""One call of the loss as the engine wants it: rows, and one number a row for every option."""

import math
from copy import copy
from typing import Any

import numpy as np

from .._contract import (
    REDUCTIONS,
    as_factor,
    as_integer,
    as_number,
    as_positive,
    as_share,
    check_reduction,
    class_axis,
    refuse_target,
    row_weights,
    warn_input_kind,
    without_axis,
)
from .._engine import RowResults, input_kind, run_rows, scan_targets
from ._arrays import (
    CONTIGUOUS_ALIGNED,
    ENGINE_CLASSES,
    RESULTS,
    Array,
    DType,
    as_array,
    as_blocks,
    as_classes,
    as_floats,
    as_logits,
    as_rows,
    as_weights,
    check_classes,
    to_result,
    to_scalar,
    weighted,
)


class Task:
    """Checked arguments. Options at their defaults stay None and cost no array."""

    shape: tuple[int, ...]  # of the logits
    axis: int
    rows_shape: tuple[int, ...]  # of the target, one number a row
    dtype: DType  # of results
    logits: Array  # (N, V) or (B, V, M), as the engine reads them
    class_major: bool = False  # the second
    total: float  # sum of row weights: what a mean divides by
    target: Array | None = None  # (N,)
    probs: Array | None = None  # as the logits, or (V,) for all rows
    nll_coef: Array | None = None  # (N,) like the three below
    dense_coef: Array | None = None
    square_coef: Array | None = None
    temperature: float | Array | None = None
    softcap: float | None = None

    def of(self, rows: Any) -> "Task":
        """The same for some of the rows, a slice or their numbers; the logits are still to come."""
        part = copy(self)
        for name in ("target", "nll_coef", "dense_coef", "square_coef", "temperature", "probs"):
            numbers = getattr(self, name)
            if isinstance(numbers, np.ndarray) and (name != "probs" or numbers.ndim > 1):
                setattr(part, name, numbers[rows])
        return part

    @property
    def n(self) -> int:
        """The number of rows."""
        return math.prod(self.rows_shape)

    def run(self, scale: float = 1.0, grad: Array | None = None) -> RowResults:
        """The engine's one pass."""
        return run_rows(
            self.logits,
            self.target,
            probs=self.probs,
            nll_coef=self.nll_coef,
            dense_coef=self.dense_coef,
            square_coef=self.square_coef,
            scale=scale,
            temperature=self.temperature,
            softcap=self.softcap,
            grad=grad,
        )

    def unit(self) -> Array:
        """The weight of every row's target, over the temperature: what p - y is multiplied by."""
        weight = np.zeros(self.n)
        if self.target is not None:
            weight += 1.0 if self.nll_coef is None else self.nll_coef
        if self.probs is not None:
            mass = self.probs.sum(-1, dtype=np.float64)
            weight += mass if self.dense_coef is None else self.dense_coef * mass
        return weight / (1.0 if self.temperature is None else self.temperature)

    def _losses(self, result: RowResults) -> Any:
        """L = nll_coef * nll + dense_coef * dense + square_coef * lse^2 for every row."""
        parts = []
        if result.nll is not None:
            parts.append(weighted(self.nll_coef, result.nll))
        if result.dense is not None:
            parts.append(weighted(self.dense_coef, result.dense))
        if self.square_coef is not None and result.lse is not None:
            with np.errstate(over="ignore"):
                parts.append(weighted(self.square_coef, result.lse * result.lse))
        return sum(parts[1:], start=parts[0])

    def reduce(self, result: RowResults, reduction: str) -> Any:
        """The loss: one number, or one a row."""
        losses: Any = result.nll
        if self.nll_coef is not None or self.probs is not None or self.square_coef is not None:
            losses = self._losses(result)
        if reduction == "none":
            return to_result(losses, self.dtype, self.rows_shape)
        total = float(np.add.reduce(losses))
        return to_scalar(total / self.total if reduction == "mean" else total, self.dtype)


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
    axis: Any,
) -> Task:
    """Check every argument of cross_entropy and turn the options into row coefficients."""
    if (
        weight is None
        and row_weight is None
        and softcap is None
        and type(label_smoothing) is type(z_loss) is type(temperature) is float
        and label_smoothing == z_loss == 0.0
        and temperature == 1.0
    ):
        plain = _prepare_plain(logits, target, ignore_index, reduction, axis)
        if plain is not None:
            return plain
    task = Task()
    array, task.dtype = as_floats("logits", logits)
    task.shape = array.shape
    task.axis = class_axis(axis, array.shape)
    task.logits = as_logits(array, task.axis)
    task.class_major = task.logits.ndim == 3
    set_options(
        task, target, weight, row_weight, ignore_index, label_smoothing, z_loss, temperature,
        softcap, reduction,
    )  # fmt: skip
    warn_input_kind(input_kind(task.logits))
    return task


def set_options(
    task: Task,
    target: Any,
    weight: Any,
    row_weight: Any,
    ignore_index: Any,
    label_smoothing: Any,
    z_loss: Any,
    temperature: Any,
    softcap: Any,
    reduction: Any,
) -> None:
    """Everything but the logits, of which shape, class axis and dtype of results are known."""
    shape, axis = task.shape, task.axis
    task.rows_shape = rows_shape = without_axis(shape, axis)
    check_reduction(reduction)
    smoothing, squared = as_share("label_smoothing", label_smoothing), as_factor("z_loss", z_loss)
    ignore = as_integer("ignore_index", ignore_index)
    if softcap is not None:
        task.softcap = as_positive("softcap", softcap, "None")
    task.temperature = as_temperature(temperature, rows_shape)
    if weight is not None:
        weight = as_weights("weight", weight, (shape[axis],), "one number a class")
    if row_weight is not None:
        row_weight = as_weights("row_weight", row_weight, rows_shape, "one number a row")
    goal = as_array("target", target)
    if goal.dtype.kind in "iu" or (not goal.size and isinstance(target, (list, tuple))):
        caller = _set_classes(task, goal, weight, row_weight, ignore, smoothing)
    else:
        caller = _set_probabilities(task, goal, weight, row_weight, ignore, smoothing)
    if squared:
        task.square_coef = np.full(task.n, squared) if caller is None else caller * squared
    if reduction == "mean" and not task.total:
        _leave_out_all(task)


def _prepare_plain(
    logits: Any, target: Any, ignore_index: Any, reduction: Any, axis: Any
) -> Task | None:
    """The commonest call, (N, V) with good classes and no option, in a third of the time.

    None for anything else, above all for whatever has to be refused with an explanation.
    """
    if type(logits) is not np.ndarray or type(target) is not np.ndarray:
        return None
    shape, dtype = logits.shape, RESULTS.get(logits.dtype)
    if (
        dtype is None
        or len(shape) != 2
        or not shape[1]
        or target.shape != shape[:1]
        or target.dtype not in ENGINE_CLASSES
        or logits.flags.num & target.flags.num & CONTIGUOUS_ALIGNED != CONTIGUOUS_ALIGNED
        or type(axis) is not int
        or axis != -1
        or type(ignore_index) is not int
        or not -(2**63) <= ignore_index < 2**63
        or reduction.__class__ is not str
        or reduction not in REDUCTIONS
    ):
        return None
    bad, ignored = scan_targets(target, shape[1], ignore_index)
    if bad >= 0 or ignored:
        return None
    task = Task()
    task.shape, task.axis, task.rows_shape, task.dtype = shape, 1, target.shape, dtype
    task.logits, task.target, task.total = logits, target, shape[0] or 1
    kind = input_kind(logits)
    if kind:
        warn_input_kind(kind)
    return task


def as_temperature(temperature: Any, rows_shape: tuple[int, ...]) -> float | Array | None:
    """A number, or one a row, flat; None for 1."""
    if type(temperature) is not float:
        if not np.isscalar(temperature) and np.ndim(temperature):
            return as_weights(
                "temperature", temperature, rows_shape, "one number a row", zero=False
            )
        temperature = as_number("temperature", temperature)
    return None if temperature == 1.0 else as_positive("temperature", temperature, "1.0")


def _set_classes(
    task: Task, target: Array, weight: Any, row_weight: Any, ignore: int, smoothing: float
) -> Any:
    """Integer targets; returns the caller's row weights, 0 where ignored."""
    if target.shape != task.rows_shape:
        refuse_target(target.shape, "integers", task.shape, task.rows_shape)
    n, num_classes = task.n, task.shape[task.axis]
    task.target = classes = as_classes(target, ignore)
    if row_weight is not None:
        # A row of weight 0 is left out: whatever stands there as its class is no mistake.
        task.target = classes = np.where(row_weight == 0, 0, classes)
    ignored = check_classes("target", classes, target, num_classes, ignore)
    full, caller = row_weights(classes, num_classes, ignore, ignored, weight, row_weight)
    task.nll_coef, task.total = full, float(n if full is None else np.add.reduce(full))
    if smoothing:
        task.nll_coef = np.full(n, 1 - smoothing) if full is None else full * (1 - smoothing)
        ones = np.ones(num_classes) if weight is None else weight
        task.probs = (ones * (smoothing / num_classes)).astype(task.dtype)
        task.dense_coef = caller
    return caller


def _set_probabilities(
    task: Task, target: Array, weight: Any, row_weight: Any, ignore: int, smoothing: float
) -> Any:
    """Probability targets; returns the caller's row weights."""
    kind = target.dtype.kind
    if kind != "f" and target.dtype.name != "bfloat16":
        raise TypeError(
            f"target must be classes (integers) or probabilities (floats), got dtype"
            f" {target.dtype}; cast with np.asarray(target).astype(np.int64)"
        )
    if target.shape != task.shape:
        refuse_target(target.shape, "floats", task.shape, task.rows_shape)
    if ignore >= 0:
        raise ValueError(
            f"ignore_index must not be a class when target holds probabilities, got {ignore};"
            " leave rows out with row_weight=0"
        )
    n, num_classes = task.n, task.shape[task.axis]
    lay = as_blocks if task.class_major else as_rows
    probs = np.ascontiguousarray(lay(target, task.axis).astype(task.dtype, copy=False))
    if smoothing:
        probs = probs * task.dtype.type(1 - smoothing) + task.dtype.type(smoothing / num_classes)
    if weight is not None:
        probs = probs * weight.astype(task.dtype).reshape((-1, 1) if probs.ndim == 3 else -1)
    task.probs, task.dense_coef = probs, row_weight
    task.total = float(n if row_weight is None else np.add.reduce(row_weight))
    return row_weight


def _leave_out_all(task: Task) -> None:
    """A mean over no weight at all: coefficients of 0 make loss and gradient 0."""
    nothing = np.zeros(task.n)
    task.nll_coef = None if task.target is None else nothing
    task.dense_coef = None if task.probs is None else nothing
    task.square_coef, task.total = None, 1.0
