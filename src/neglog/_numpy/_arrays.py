"""Callers' arguments as arrays that the engine reads, without a copy where possible."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .._contract import check_shape, class_way_out, from_objects, refuse_class, unreadable
from .._engine import reads_class_major, scan_targets

Array = npt.NDArray[Any]
DType = np.dtype[Any]

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_INT64 = np.dtype(np.int64)
ENGINE_CLASSES = frozenset({_INT64, np.dtype(np.int32)})
CONTIGUOUS_ALIGNED = 0x101  # of flags.num: one lookup instead of two
_LARGEST32 = 3.4028235677973366e38  # from here on a float32 would be rounded to infinity

# dtype of the logits -> dtype of losses and statistics, which is also the one computed in.
RESULTS: dict[DType, DType] = {
    FLOAT64: FLOAT64,
    FLOAT32: FLOAT32,
    np.dtype(np.float16): FLOAT32,
}


def as_array(name: str, value: Any) -> Array:
    """Any CPU array or nested list as a plain ndarray."""
    if type(value) is np.ndarray:
        return value
    if any(base.__name__ == "MaskedArray" for base in type(value).__mro__):
        way = f"pass {name}.filled(...), and a mask of rows as row_weight=~mask"
        raise TypeError(f"{name} must not be a masked array, whose mask would be lost; {way}")
    try:
        if hasattr(value, "__dlpack__") and not hasattr(value, "__array__"):
            return np.from_dlpack(value)
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError, BufferError) as error:
        raise unreadable(name, value, error) from error
    return array if array.dtype.kind != "O" else from_objects(name, value, array)


def as_floats(name: str, value: Any) -> tuple[Array, DType]:
    """An array in one of the engine's dtypes, and the dtype of results."""
    array = as_array(name, value)
    result = RESULTS.get(array.dtype)
    if result is not None:
        return array, result
    dtype = array.dtype
    if dtype.kind in "iub":
        return array.astype(FLOAT64), FLOAT64
    if dtype.kind == "f" and not dtype.isnative and dtype.itemsize <= 8:
        return as_floats(name, array.astype(dtype.newbyteorder("=")))
    if dtype.name == "bfloat16" and dtype.itemsize == 2:
        RESULTS[dtype] = FLOAT32
        return array, FLOAT32
    raise TypeError(
        f"{name} must be float64, float32, float16, bfloat16, integers or bool, got dtype"
        f" {dtype}; cast real numbers with np.asarray({name}).astype(np.float64)"
    )


def as_weights(
    name: str, value: Any, shape: tuple[int, ...], meaning: str, *, zero: bool = True
) -> Array:
    """Finite numbers >= 0 (> 0) of exactly this shape, flat, as float64."""
    array = as_array(name, value)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(f"{name} must be real numbers, got dtype {array.dtype}")
    check_shape(name, array.shape, shape, meaning)
    flat = array.astype(FLOAT64).reshape(-1)
    fine = np.isfinite(flat) & ((flat >= 0) if zero else (flat > 0))
    if not fine.all():
        bad, limit = int(fine.argmin()), "not negative" if zero else "above 0"
        raise ValueError(f"{name} must be finite and {limit}, got {flat[bad]} at flat index {bad}")
    return flat


def as_rows(array: Array, axis: int) -> Array:
    """(N, V) with the class axis contiguous: a view if possible, else a copy."""
    if axis != array.ndim - 1:
        array = np.moveaxis(array, axis, -1)
    rows = array if array.ndim == 2 else array.reshape(-1, array.shape[-1])
    if rows.flags.num & CONTIGUOUS_ALIGNED == CONTIGUOUS_ALIGNED:
        return rows
    if rows.strides[1] == rows.itemsize and rows.flags.aligned:
        return rows
    return rows.copy(order="C")


def as_blocks(array: Array, axis: int) -> Array:
    """(B, V, M) with the last axis contiguous: a view if possible, else a copy."""
    before, after = math.prod(array.shape[:axis]), math.prod(array.shape[axis + 1 :])
    blocks = array.reshape(before, array.shape[axis], after)
    fits = blocks.strides[2] == blocks.itemsize and blocks.flags.aligned
    return blocks if fits else blocks.copy(order="C")


def as_logits(array: Array, axis: int) -> Array:
    """Logits as the engine reads them, (N, V) or (B, V, M); a view if either layout fits."""
    shape = array.shape
    if array.strides[axis] == array.itemsize:  # the classes are adjacent
        return as_rows(array, axis)
    if reads_class_major(shape[axis], math.prod(shape[axis + 1 :])):
        return as_blocks(array, axis)
    return as_rows(array, axis)


def as_those(logits: Array, array: Array, axis: int) -> Array:
    """An array of the logits' shape, in the layout chosen for the logits."""
    return as_blocks(array, axis) if logits.ndim == 3 else as_rows(array, axis)


def from_rows(rows: Array, shape: tuple[int, ...], axis: int) -> Array:
    """The inverse: the engine's output as a view of this shape."""
    if rows.ndim == 3:
        return rows.reshape(shape)
    if rows.shape == shape and axis == 1:
        return rows
    moved = (*shape[:axis], *shape[axis + 1 :], shape[axis])
    return np.moveaxis(rows.reshape(moved), -1, axis)


def as_classes(target: Array, ignore_index: int) -> Array:
    """(N,) int64 or int32, contiguous; what does not fit stays out of range and not ignored."""
    flat = target if target.ndim == 1 else target.reshape(-1)
    dtype = flat.dtype
    if dtype.kind == "u" and dtype.itemsize == 8:
        outside = -1 if ignore_index != -1 else -2
        return np.where(flat > np.uint64(2**63 - 1), outside, flat.astype(_INT64))
    if dtype.itemsize < 4 or dtype.kind == "u" or not dtype.isnative:
        return flat.astype(_INT64)
    if flat.flags.num & CONTIGUOUS_ALIGNED == CONTIGUOUS_ALIGNED:
        return flat
    return flat.copy()


def check_classes(
    name: str, classes: Array, original: Array, num_classes: int, ignore_index: int
) -> int:
    """Number of ignored rows; IndexError for the first class that does not exist."""
    bad, ignored = scan_targets(classes, num_classes, ignore_index)
    if bad >= 0:
        row = tuple(map(int, np.unravel_index(bad, original.shape)))
        refuse_class(name, row, original[row], num_classes)
    return ignored


def as_class_target(
    target: Any, rows: tuple[int, ...], num_classes: int, ignore_index: int | None = None
) -> tuple[Array, int]:
    """Classes for functions that take no probabilities: (N,), and how many are ignored."""
    array = as_integers("target", target)
    check_shape("target", array.shape, rows, "the logits' shape without the class axis")
    # If nothing can be ignored, class 0 as the ignored one lets every class through.
    ignore = 0 if ignore_index is None else ignore_index
    classes = as_classes(array, ignore)
    return classes, check_classes("target", classes, array, num_classes, ignore)


def as_stats_target(
    target: Any, rows: tuple[int, ...], num_classes: int, ignore_index: int
) -> tuple[Array, Array | None]:
    """Classes of all rows, 0 for an ignored one; and which rows are ignored, None if none is."""
    classes, count = as_class_target(target, rows, num_classes, ignore_index)
    if not count:
        return classes, None
    ignored = classes == ignore_index
    return np.where(ignored, 0, classes), ignored


def as_integers(name: str, value: Any) -> Array:
    """An array of integers of any width; an empty list counts as one."""
    array = as_array(name, value)
    if array.dtype.kind in "iu":
        return array
    if not array.size and isinstance(value, (list, tuple)):
        return array.astype(_INT64)
    raise TypeError(
        f"{name} must be classes (integers), got dtype {array.dtype};"
        f" {class_way_out(name, array.dtype.kind)}"
    )


def to_result(values: Array, dtype: DType, shape: tuple[int, ...]) -> Any:
    """float64 row numbers, rounded once to the dtype of results; a scalar for ()."""
    if dtype is FLOAT32:
        with np.errstate(over="ignore"):
            values = values.astype(FLOAT32)
    return values.reshape(shape)[()]


def to_scalar(value: float, dtype: DType) -> Any:
    """One float64 number rounded once to the dtype of results."""
    if dtype is FLOAT64:
        return np.float64(value)
    # NumPy warns about a scalar out of float32's range: infinity is the rounded value.
    return np.float32(value if -_LARGEST32 < value < _LARGEST32 else value * np.inf)
