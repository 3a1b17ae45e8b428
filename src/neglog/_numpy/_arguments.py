"""Arguments of cross_entropy, checked: rows as the engine reads them, options as coefficients.

Long because a problem and what fills it in are one topic, and share its names.
"""

import math
from copy import copy
from typing import Any

import numpy as np

from .. import _problem
from .._contract import (
    REDUCTIONS,
    as_number,
    as_positive,
    check_mask_options,
    check_no_ignored_class,
    class_axis,
    class_way_out,
    refuse_target,
    warn_input_kind,
    without_axis,
)
from .._engine import RowResults, input_kind, run_rows, scan_targets
from .._problem import Options, check_options
from . import _array_ops as ops
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
)
from ._classes import as_mask, blocks_of, mask_rows

_PER_ROW = ("target", "nll_coef", "dense_coef", "square_coef", "temperature", "probs")


class Problem(_problem.Problem):
    """Checked arguments for NumPy. Options at their defaults stay None and cost no array."""

    shape: tuple[int, ...]  # of the logits
    axis: int
    rows_shape: tuple[int, ...]  # of the target, one number per row
    dtype: DType  # of results
    logits: Array  # (N, V) or (B, V, M), as the engine reads them
    class_major: bool = False  # the second
    target: Array | None = None  # (N,)
    probs: Array | None = None  # as the logits, or (V,) for all rows
    mask: Array | None = None  # (N, V), the classes that count

    def of(self, rows: Any) -> "Problem":
        """The same for some of the rows, a slice or their numbers; the logits are still to come."""
        part = copy(self)
        for name in _PER_ROW:
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
        if self.mask is not None:
            return self._run_masked(self.mask, scale, grad)
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

    def _run_masked(self, mask: Array, scale: float, grad: Array | None) -> RowResults:
        """The masked logits lie where the gradient will; for the loss alone, a block at a time."""
        part = copy(self)
        part.mask = None
        if grad is not None:
            part.logits = mask_rows(mask, self.logits, grad)
            result = part.run(scale, grad)
            np.copyto(grad, 0, where=~mask)  # no loss depends on these, not even nan or inf
            return result
        found = []
        for rows in blocks_of(self.n, self.logits.shape[1]):
            block = part.of(rows)
            given = self.logits[rows]
            block.logits = mask_rows(mask[rows], given, np.empty(given.shape, given.dtype))
            found.append(block.run())
        return joined(found)

    def scale(self) -> float:
        """What the gradient of the sum is multiplied by."""
        if self.reduction != "mean":
            return 1.0
        if self.total is None:  # as `divided` does, 0.5 of 10 us faster
            return 1.0 / (self.n or 1)
        return float(_problem.divided(self, ops, 1.0, (self.n,)))

    def row_scale(self) -> Array:
        """What p - y of every row is multiplied by."""
        mass = None if self.probs is None else self.probs.sum(-1, dtype=np.float64)
        scale: Array = _problem.row_scale(
            self, ops, (self.n,), nll=self.target is not None, mass=mass
        )
        return scale

    def used_rows(self) -> Array | None:
        """Numbers of the rows that count; None: all of them."""
        coefs = [self.nll_coef] if self.target is not None else []
        coefs += [self.dense_coef] if self.probs is not None else []
        coefs += [self.square_coef] if self.square_coef is not None else []
        used = _problem.is_used(coefs)
        return None if used is None or used.all() else np.flatnonzero(used)

    def reduce(self, result: RowResults) -> Any:
        """The loss: one number, or one per row."""
        losses: Any = result.nll
        if self.square_coef is not None:
            with np.errstate(over="ignore"):
                losses = _problem.row_losses(self, ops, result.nll, result.dense, result.lse)
        elif self.nll_coef is not None or self.probs is not None:
            losses = _problem.row_losses(self, ops, result.nll, result.dense, None)
        return self.deliver(losses)

    def deliver(self, losses: Array) -> Any:
        """Losses of the rows, reduced and rounded once to the dtype of results."""
        if self.reduction == "none":
            return to_result(losses, self.dtype, self.rows_shape)
        if self.total is None and self.reduction == "mean":  # as `reduced`, 0.5 of 9 us faster
            return to_scalar(float(np.add.reduce(losses)) / (len(losses) or 1), self.dtype)
        return to_scalar(float(_problem.reduced(self, ops, losses)), self.dtype)


def joined(numbers: list[RowResults]) -> RowResults:
    """Chunks one after another; of no rows every number is there, and empty."""
    if not numbers:
        none = np.empty(0)
        return RowResults(none, none, none, none, np.empty(0, np.int64))
    columns = zip(*numbers, strict=True)
    return RowResults(*(None if c[0] is None else np.concatenate(c) for c in columns))


def reduce_rows(losses: Array, reduction: str, dtype: DType, shape: tuple[int, ...]) -> Any:
    """Losses of rows without weights -> their mean or sum, or the rows in this shape."""
    problem = Problem()
    problem.reduction, problem.dtype, problem.rows_shape = reduction, dtype, shape
    return problem.deliver(losses)


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
    where: Any = None,
) -> Problem:
    """Check every argument of cross_entropy and turn the options into row coefficients."""
    if (
        weight is None
        and row_weight is None
        and softcap is None
        and where is None
        and type(label_smoothing) is type(z_loss) is type(temperature) is float
        and label_smoothing == z_loss == 0.0
        and temperature == 1.0
    ):
        fast = _fast_path(logits, target, ignore_index, reduction, axis)
        if fast is not None:
            return fast
    problem = Problem()
    array, problem.dtype = as_floats("logits", logits)
    problem.shape = array.shape
    problem.axis = class_axis(axis, array.shape)
    problem.logits = (as_logits if where is None else as_rows)(array, problem.axis)
    if where is not None:
        problem.mask = as_rows(as_mask(where, array.shape), problem.axis)
    problem.class_major = problem.logits.ndim == 3
    set_options(
        problem, target, weight, row_weight, ignore_index, label_smoothing, z_loss, temperature,
        softcap, reduction,
    )  # fmt: skip
    if where is not None:
        check_mask_options(label_smoothing)
    warn_input_kind(input_kind(problem.logits))
    return problem


def set_options(
    problem: Problem,
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
    shape, axis = problem.shape, problem.axis
    problem.rows_shape = rows_shape = without_axis(shape, axis)
    options = check_options(ignore_index, label_smoothing, z_loss, softcap, reduction)
    problem.reduction, problem.softcap = options.reduction, options.softcap
    problem.temperature = as_temperature(temperature, rows_shape)
    if weight is not None:
        weight = as_weights("weight", weight, (shape[axis],), "one number per class")
    if row_weight is not None:
        row_weight = as_weights("row_weight", row_weight, rows_shape, "one number per row")
    goal = as_array("target", target)
    if goal.dtype.kind in "iu" or (not goal.size and isinstance(target, (list, tuple))):
        _set_classes(problem, goal, weight, row_weight, options)
    else:
        _set_probabilities(problem, goal, weight, row_weight, options)
    if reduction == "mean" and problem.total == 0:
        _leave_out_all(problem)


def _fast_path(
    logits: Any, target: Any, ignore_index: Any, reduction: Any, axis: Any
) -> Problem | None:
    """The most common call, (N, V) with valid classes and no options, in a third of the time.

    None for anything else, in particular for arguments that must be rejected with an explanation.
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
    problem = Problem()
    problem.shape, problem.axis, problem.rows_shape, problem.dtype = shape, 1, target.shape, dtype
    problem.logits, problem.target, problem.reduction = logits, target, reduction
    kind = input_kind(logits)
    if kind:
        warn_input_kind(kind)
    return problem


def as_temperature(temperature: Any, rows_shape: tuple[int, ...]) -> float | Array | None:
    """A number, or one per row, flat; None for 1."""
    if type(temperature) is not float:
        if not np.isscalar(temperature) and np.ndim(temperature):
            return as_weights(
                "temperature", temperature, rows_shape, "one number per row", zero=False
            )
        temperature = as_number("temperature", temperature)
    return None if temperature == 1.0 else as_positive("temperature", temperature, "1.0")


def _set_classes(
    problem: Problem, target: Array, weight: Any, row_weight: Any, options: Options
) -> None:
    """Integer targets."""
    if target.shape != problem.rows_shape:
        refuse_target(target.shape, "integers", problem.shape, problem.rows_shape)
    ignore, num_classes = options.ignore_index, problem.shape[problem.axis]
    problem.target = classes = as_classes(target, ignore)
    if row_weight is not None:
        # A row of weight 0 is left out: any value may stand there as its class.
        problem.target = classes = np.where(row_weight == 0, 0, classes)
    ignored = check_classes("target", classes, target, num_classes, ignore)
    mixed = _problem.set_classes(
        problem, ops, options, classes, num_classes, weight, row_weight, ignoring=ignored > 0
    )
    problem.probs = None if mixed is None else mixed.astype(problem.dtype)


def _set_probabilities(
    problem: Problem, target: Array, weight: Any, row_weight: Any, options: Options
) -> None:
    """Probability targets."""
    kind = target.dtype.kind
    if kind != "f" and target.dtype.name != "bfloat16":
        raise TypeError(
            f"target must be classes (integers) or probabilities (floats), got dtype"
            f" {target.dtype}; {class_way_out('target', kind)}"
        )
    if target.shape != problem.shape:
        refuse_target(target.shape, "floats", problem.shape, problem.rows_shape)
    check_no_ignored_class(options.ignore_index)
    lay = as_blocks if problem.class_major else as_rows
    probs = lay(target, problem.axis).astype(problem.dtype, copy=False)
    _problem.set_probabilities(problem, ops, options, (problem.n,), weight, row_weight)
    problem.probs = _problem.softened(problem, ops, np.ascontiguousarray(probs), 1)


def _leave_out_all(problem: Problem) -> None:
    """A mean over no weight at all: the engine skips rows whose coefficients are 0."""
    nothing = np.zeros(problem.n)
    problem.nll_coef = None if problem.target is None else nothing
    problem.dense_coef = None if problem.probs is None else nothing
    problem.square_coef = None
