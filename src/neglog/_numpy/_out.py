"""Write a gradient into the caller's `out`."""

from typing import Any

import numpy as np

from ._arguments import Problem
from ._arrays import Array, DType, as_array, as_those, from_rows


def out_rows(problem: Problem, out: Any, logits: Any, **others: Any) -> Array:
    """What the engine writes, as the logits lie: the memory of `out` where its layout allows."""
    check_out(out, problem.shape, problem.logits.dtype, logits, **others)
    return as_those(problem.logits, np.asarray(out), problem.axis)


def to_out(problem: Problem, rows: Array, out: Any) -> Array:
    """`out`, filled with what the engine wrote."""
    if rows is not out and not np.may_share_memory(rows, out):  # no view as rows existed: a copy
        out[...] = from_rows(rows, problem.shape, problem.axis)
    return out  # type: ignore[no-any-return]


def check_out(out: Any, shape: tuple[int, ...], dtype: DType, logits: Any, **others: Any) -> None:
    """`out` is a writable array of this kind that overlaps nothing but all of the logits."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, got {type(out).__name__}; np.empty makes one")
    if out.shape != shape or out.dtype != dtype:
        raise ValueError(
            f"out must have shape {shape} and dtype {dtype}, those of the gradient, got"
            f" {out.shape} and {out.dtype}; np.empty({shape}, '{dtype}') has them"
        )
    if not out.flags.writeable:
        raise ValueError("out must be writable, got a read-only array; pass out.copy()")
    if not out.flags.forc and out.size and not _has_a_place_each(out):
        raise ValueError("out must have a place for every entry, got one that repeats its memory")
    if out is not logits and not _same_memory(out, as_array("logits", logits)):
        others["logits"] = logits
    for name, value in others.items():
        if value is not None and _overlap(out, as_array(name, value)):
            raise ValueError(
                f"out must not overlap {name}, which is still read while out is written;"
                " pass another array, or exactly the logits"
            )


def _has_a_place_each(array: Array) -> bool:
    """No two entries share memory: each stride steps over all that the smaller ones span."""
    span = array.itemsize
    axes = zip(array.strides, array.shape, strict=True)
    for stride, length in sorted((abs(stride), length) for stride, length in axes if length > 1):
        if stride < span:
            return False
        span += stride * (length - 1)
    return True


def _same_memory(a: Array, b: Array) -> bool:
    """The same numbers in the same place (not: a part, or the transpose)."""
    if a.strides != b.strides or a.shape != b.shape or not np.may_share_memory(a, b):
        return False
    start = a.__array_interface__["data"][0] == b.__array_interface__["data"][0]
    return start and a.dtype == b.dtype


def _overlap(a: Array, b: Array) -> bool:
    """Whether one byte belongs to both; a question too hard to answer counts as yes."""
    try:
        return np.may_share_memory(a, b) and np.shares_memory(a, b, max_work=10_000)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True
