"""One algebra for all array libraries: options become row coefficients, rows become a loss.

The loss of a row is  L = nll_coef nll + dense_coef dense + square_coef lse^2.  Class weights, row
weights, the ignored index, smoothing and z-loss are in the coefficients; a coefficient of None is 1
(for lse^2: 0) and costs nothing. Code branches on None, shapes and options, never on the values of
an array: a tracer can pass.

A face hands in its `ArrayOps`. array-api-compat would give the same names for every library, but
NumPy is to stay the only dependency of the core, and what is needed here is eight functions.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from ._contract import as_factor, as_integer, as_positive, as_share, check_reduction

Array = Any  # of the face's library
Shape = tuple[int, ...]


class ArrayOps(Protocol):
    """Operations by the names and meanings of the array API standard."""

    @property
    def row_dtype(self) -> Any:
        """Dtype of row numbers: float64 where the device has it."""

    def full(self, shape: Shape, fill_value: float, /) -> Array:
        """A constant, in `row_dtype`."""

    def astype(self, x: Array, dtype: Any, /) -> Array:
        """Values in another dtype."""

    def where(self, condition: Array, x1: Any, x2: Any, /) -> Array:
        """Values of x1 where the condition holds, else of x2; either may be a number."""

    def isfinite(self, x: Array, /) -> Array:
        """Neither nan nor infinite."""

    def sum(self, x: Array, /) -> Array:
        """Sum of all entries."""

    def take(self, x: Array, indices: Array, /) -> Array:
        """Entries of x (V,) at indices of any shape."""

    def clip(self, x: Array, low: int, high: int, /) -> Array:
        """Integers limited to low..high."""

    def broadcast_to(self, x: Array, shape: Shape, /) -> Array:
        """One number as an array of this shape."""


class Options(NamedTuple):
    """Options that are numbers or names, checked."""

    ignore_index: int
    label_smoothing: float
    z_loss: float
    softcap: float | None
    reduction: str


class Problem:
    """Checked arguments as row coefficients."""

    reduction: str = "mean"
    total: Array | None = None  # sum of row weights, what a mean divides by; None: number of rows
    nll_coef: Array | None = None  # one number per row, like the next two and a temperature
    dense_coef: Array | None = None
    square_coef: Array | None = None
    temperature: Array | None = None  # or one number for all rows
    softcap: float | None = None
    label_smoothing: float = 0.0  # of a target of probabilities, see `softened`
    class_weight: Array | None = None  # likewise


def check_options(
    ignore_index: Any, label_smoothing: Any, z_loss: Any, softcap: Any, reduction: Any
) -> Options:
    """Check the options that are the same for all libraries."""
    check_reduction(reduction)
    smoothing, squared = as_share("label_smoothing", label_smoothing), as_factor("z_loss", z_loss)
    ignore = as_integer("ignore_index", ignore_index)
    cap = None if softcap is None else as_positive("softcap", softcap, "None")
    return Options(ignore, smoothing, squared, cap, reduction)


def row_weights(
    ops: ArrayOps,
    target: Array,  # (...) classes
    num_classes: int,
    ignore_index: int | None,
    weight: Array | None,  # (V,)
    row_weight: Array | None,  # (...)
) -> tuple[Array | None, Array | None]:
    """Row weights with and without the class weight; None: 1 in every row.

    An `ignore_index` of None says that no row is ignored.
    """
    if ignore_index is not None:
        keep = ops.astype(target != ignore_index, ops.row_dtype)
        row_weight = keep if row_weight is None else row_weight * keep
    if weight is None:
        return row_weight, row_weight
    # An ignored target is not an index: clipped to one, then its weight meets a factor of 0.
    classes = ops.take(weight, ops.clip(target, 0, num_classes - 1))
    return (classes if row_weight is None else classes * row_weight), row_weight


def set_classes(
    problem: Problem,
    ops: ArrayOps,
    options: Options,
    target: Array,  # (...) classes
    num_classes: int,
    weight: Array | None,  # (V,)
    row_weight: Array | None,  # (...)
    *,
    ignoring: bool,
) -> Array | None:
    """Set the coefficients for a target of classes.

    Args:
        problem: receives them.
        ops: the library's operations.
        options: checked options.
        target: classes; those of ignored rows may be out of range.
        num_classes: V.
        weight: checked class weights.
        row_weight: the caller's.
        ignoring: False if it is known that no row is ignored.

    Returns:
        The probabilities (V,) that a smoothing adds to every row's target; None without smoothing.
    """
    ignore = options.ignore_index if ignoring else None
    full, caller = row_weights(ops, target, num_classes, ignore, weight, row_weight)
    shape, smoothing = tuple(target.shape), options.label_smoothing
    problem.nll_coef, problem.total = full, None if full is None else ops.sum(full)
    if options.z_loss:
        problem.square_coef = _times(ops, caller, options.z_loss, shape)
    if not smoothing:
        return None
    problem.nll_coef = _times(ops, full, 1 - smoothing, shape)
    problem.dense_coef = caller
    return _times(ops, weight, smoothing / num_classes, (num_classes,))


def set_probabilities(
    problem: Problem,
    ops: ArrayOps,
    options: Options,
    shape: Shape,
    weight: Array | None,  # (V,)
    row_weight: Array | None,  # `shape`
) -> None:
    """Set the coefficients for a target of probabilities, one row of them for each of `shape`."""
    problem.label_smoothing, problem.class_weight = options.label_smoothing, weight
    problem.dense_coef = row_weight
    problem.total = None if row_weight is None else ops.sum(row_weight)
    if options.z_loss:
        problem.square_coef = _times(ops, row_weight, options.z_loss, shape)


def softened(problem: Problem, ops: ArrayOps, probs: Array, axis: int) -> Array:
    """Target probabilities, smoothed and multiplied by the class weights, in their own dtype."""
    smoothing, weight = problem.label_smoothing, problem.class_weight
    if smoothing:
        probs = probs * (1 - smoothing) + smoothing / probs.shape[axis]
    if weight is not None:
        columns = (probs.shape[axis],) + (1,) * (len(probs.shape) - axis - 1)
        probs = probs * ops.astype(weight, probs.dtype).reshape(columns)
    return probs


def _times(ops: ArrayOps, coef: Array | None, factor: float, shape: Shape) -> Array:
    return ops.full(shape, factor) if coef is None else coef * factor


def weighted(ops: ArrayOps, coef: Array | None, values: Array) -> Array:
    """coef * values, where a coefficient of 0 silences inf and nan."""
    if coef is None:
        return values
    # Finite values stay: the derivative with respect to a coefficient of 0 is the value, not 0.
    # Masked before the product: 0 * inf would be nan in the derivative.
    return coef * ops.where((coef != 0) | ops.isfinite(values), values, 0.0)


def row_losses(
    problem: Problem, ops: ArrayOps, nll: Array | None, dense: Array | None, lse: Array | None
) -> Array:
    """L of every row."""
    parts = []
    if nll is not None:
        parts.append(weighted(ops, problem.nll_coef, nll))
    if dense is not None:
        parts.append(weighted(ops, problem.dense_coef, dense))
    if problem.square_coef is not None and lse is not None:
        parts.append(weighted(ops, problem.square_coef, lse * lse))
    return sum(parts[1:], start=parts[0])


def reduced(problem: Problem, ops: ArrayOps, losses: Array) -> Array:
    """Losses of rows -> their mean or sum, or themselves."""
    if problem.reduction == "none":
        return losses
    value = ops.sum(losses)
    return value if problem.reduction == "sum" else divided(problem, ops, value, losses.shape)


def divided(problem: Problem, ops: ArrayOps, value: Any, shape: Sequence[int]) -> Any:
    """The value over a mean's denominator, for rows of this shape; 0 for a mean over no row."""
    if problem.total is None:
        return value / (math.prod(shape) or 1)
    nothing = problem.total == 0
    return ops.where(nothing, 0.0, value / ops.where(nothing, 1.0, problem.total))


def coefficients(
    problem: Problem,
    ops: ArrayOps,
    upstream: Array,  # (), or `shape` without a reduction
    shape: Shape,
    *,
    nll: bool,
    dense: bool,
    lse: Callable[[], Array],
) -> tuple[Array | None, Array | None, Array | None]:
    """dL/dnll, dL/ddense and dL/dlse of every row, times the upstream gradient.

    Args:
        problem: checked arguments.
        ops: the library's operations.
        upstream: gradient of the reduced loss.
        shape: of the rows.
        nll: whether the loss has this part; else its coefficient is None.
        dense: likewise.
        lse: gives every row's lse; called where a z-loss needs it.
    """
    share = ops.astype(upstream, ops.row_dtype)
    if problem.reduction == "mean":
        share = divided(problem, ops, share, shape)
    share = ops.broadcast_to(share, shape)
    square = problem.square_coef
    return (
        weighted(ops, problem.nll_coef, share) if nll else None,
        weighted(ops, problem.dense_coef, share) if dense else None,
        None if square is None else weighted(ops, weighted(ops, square, share), 2 * lse()),
    )


def row_scale(
    problem: Problem, ops: ArrayOps, shape: Shape, *, nll: bool, mass: Array | None
) -> Array:
    """What p - y of every row is multiplied by: the weight of its target, over the temperature.

    Args:
        problem: checked arguments.
        ops: the library's operations.
        shape: of the rows.
        nll: whether the target is a class, alone or smoothed.
        mass: sums of the target probabilities, per row or (); None where there are none.
    """
    scale = _times(ops, problem.nll_coef, 1.0, shape) if nll else ops.full(shape, 0.0)
    if mass is not None:
        scale = scale + (mass if problem.dense_coef is None else problem.dense_coef * mass)
    return scale if problem.temperature is None else scale / problem.temperature


def is_used(coefs: Sequence[Array | None]) -> Array | None:
    """Whether a row has a coefficient that is not 0; None: every row has one.

    Args:
        coefs: the coefficients of all parts that the loss has; None: 1.
    """
    used = None
    for coef in coefs:
        if coef is None:
            return None
        used = coef != 0 if used is None else used | (coef != 0)
    return used
