"""Which entries are the classes of a row: along several axes, or those that a mask lets through."""

from typing import Any

import numpy as np

from .._contract import check_mask, class_axes, class_axis, without_axis
from ._arrays import Array, as_array

_BLOCK = 2**17  # entries of a block that is masked and reduced while it is in the cache


def as_mask(where: Any, shape: tuple[int, ...]) -> Array:
    """A bool array, seen in the shape of the logits."""
    mask = as_array("where", where)
    check_mask(mask.dtype == np.bool_, str(mask.dtype), mask.shape, shape)
    return np.broadcast_to(mask, shape)


def masked(array: Array, where: Any) -> Array:
    """A copy in which the classes outside of the mask have the logit -inf."""
    return np.where(as_mask(where, array.shape), array, array.dtype.type(-np.inf))


def mask_rows(mask: Array, rows: Array, into: Array) -> Array:
    """The same in the memory of `into`, which may be that of the rows."""
    if into is not rows:
        np.copyto(into, rows)
    np.copyto(into, into.dtype.type(-np.inf), where=~mask)
    return into


def blocks_of(n: int, num_classes: int) -> list[slice]:
    """Slices of n rows, of which each has a copy that fits in the cache; one at least."""
    size = max(1, _BLOCK // num_classes)
    return [slice(start, start + size) for start in range(0, max(n, 1), size)]


def as_one_axis(array: Array, axis: Any) -> tuple[Array, int, tuple[int, ...]]:
    """An array with a single class axis, where that is, and the axes that it stands for."""
    if type(axis) is int:
        at = class_axis(axis, array.shape)
        return array, at, (at,)
    axes = class_axes(axis, array.shape)
    if len(axes) == 1:
        return array, axes[0], axes
    moved = np.moveaxis(array, axes, range(-len(axes), 0))
    kept = moved.shape[: array.ndim - len(axes)]
    return moved.reshape(*kept, -1), len(kept), axes


def from_one_axis(result: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """The inverse, for a result of that array's shape."""
    if len(axes) == 1:
        return result
    kept = result.shape[:-1]
    return np.moveaxis(
        result.reshape(*kept, *(shape[axis] for axis in axes)), range(-len(axes), 0), axes
    )


def reduced_shape(shape: tuple[int, ...], axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape of one number per row."""
    if keepdims:
        return tuple(1 if k in axes else size for k, size in enumerate(shape))
    if len(axes) == 1:
        return without_axis(shape, axes[0])
    return tuple(size for k, size in enumerate(shape) if k not in axes)
