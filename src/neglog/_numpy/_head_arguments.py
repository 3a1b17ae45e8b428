"""The linear head for NumPy: what is passed, checked."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._contract import as_integer, check_shape
from .._head.chunks import default_memory
from .._head.remainder import as_grad_tolerance, plan
from ._arguments import Problem, set_options
from ._arrays import (
    RESULTS,
    Array,
    DType,
    as_classes,
    as_floats,
    as_integers,
    check_classes,
)


@dataclass(frozen=True)
class HeadArguments:
    """Checked hidden states and classes; `dtype` is that of the logits and of results."""

    hidden: Array  # (N, D)
    classes: Array  # (V, D)
    bias: Array | None  # (V,)
    rows_shape: tuple[int, ...]
    dtype: DType
    memory: int  # bytes for a chunk
    tolerance: float  # entries of the logits' gradient up to here are put together

    @property
    def num_classes(self) -> int:
        return len(self.classes)

    def plan(self) -> tuple[int, int]:
        """How many rows go at once, and how many groups there are where something is left out."""
        return plan(self.num_classes, self.dtype.itemsize, self.memory, self.tolerance)


def as_head(
    hidden: Any, classes: Any, bias: Any, memory: Any, grad_tolerance: Any = 0.0
) -> HeadArguments:
    """Hidden states of any leading shape, classes (V, D), and how many rows go at once."""
    states, _ = as_floats("hidden", hidden)
    table, _ = as_floats("classes", classes)
    if not states.ndim:
        raise ValueError("hidden must have shape (..., D), got a single number")
    if table.ndim != 2 or table.shape[1] != states.shape[-1]:
        turned = table.ndim == 2 and table.shape[0] == states.shape[-1]
        way = "; pass classes.T" if turned else ""
        raise ValueError(
            f"classes must have shape (V, {states.shape[-1]}), one row per class, as many numbers"
            f" as hidden {states.shape} has in its last axis, got {table.shape}{way}"
        )
    if not len(table):
        raise ValueError(f"classes must have at least one class, got shape {table.shape}")
    both = np.result_type(RESULTS[states.dtype], RESULTS[table.dtype])
    dtype = next(kind for kind in RESULTS.values() if kind == both)
    if bias is not None:
        bias, _ = as_floats("bias", bias)
        check_shape("bias", bias.shape, (len(table),), "one number per class")
    room = default_memory(len(table), table.shape[1], dtype.itemsize)
    if memory is not None:
        room = as_integer("memory", memory)
    flat = states.reshape(math.prod(states.shape[:-1]), states.shape[-1])
    tolerance = as_grad_tolerance(grad_tolerance)
    head = HeadArguments(flat, table, bias, states.shape[:-1], dtype, room, tolerance)
    head.plan()  # one row at least
    return head


def as_problem(head: HeadArguments, target: Any, *options: Any) -> Problem:
    """The options of the loss, for logits that do not exist."""
    problem = Problem()
    problem.shape, problem.axis = (*head.rows_shape, head.num_classes), len(head.rows_shape)
    problem.dtype = head.dtype
    set_options(problem, target, *options)
    return problem


def as_chosen(chosen: Any, head: HeadArguments) -> Array:
    """(N, K) classes."""
    array = as_integers("chosen", chosen)
    check_shape("chosen", array.shape[:-1], head.rows_shape, "that of one number per row, before K")
    flat = as_classes(array, 0)
    check_classes("chosen", flat, array, head.num_classes, 0)
    return flat.reshape(math.prod(head.rows_shape), array.shape[-1])
