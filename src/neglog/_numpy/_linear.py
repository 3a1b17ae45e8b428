"""The linear head for NumPy: what is passed, and the numbers a chunk at a time."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._contract import as_integer, check_shape
from .._head import MEMORY, Gradients, Head, Which, run
from .._remainder import HeadInfo, Remainder, as_grad_tolerance, fill, plan
from .._rows import RowResult
from .._rows import rows as engine
from ._arrays import (
    RESULTS,
    Array,
    DType,
    as_classes,
    as_floats,
    as_integers,
    check_classes,
)
from ._products import Library
from ._task import Task, set_options


@dataclass(frozen=True)
class Layer:
    """Checked hidden states and classes; `dtype` is that of the logits and of results."""

    hidden: Array  # (N, D)
    classes: Array  # (V, D)
    bias: Array | None  # (V,)
    rows_shape: tuple[int, ...]
    dtype: DType
    tolerance: float
    chunk: int
    groups: int  # of rows, where something is left out

    @property
    def num_classes(self) -> int:
        return len(self.classes)


def as_layer(hidden: Any, classes: Any, bias: Any, memory: Any, grad_tolerance: Any = 0.0) -> Layer:
    """Hidden states of any leading shape, classes (V, D), and how many rows go at once."""
    states, _ = as_floats("hidden", hidden)
    table, _ = as_floats("classes", classes)
    if not states.ndim:
        raise ValueError("hidden must have shape (..., D), got a single number")
    if table.ndim != 2 or table.shape[1] != states.shape[-1]:
        turned = table.ndim == 2 and table.shape[0] == states.shape[-1]
        way = "; pass classes.T" if turned else ""
        raise ValueError(
            f"classes must have shape (V, {states.shape[-1]}), one row a class, as many numbers as"
            f" hidden {states.shape} has in its last axis, got {table.shape}{way}"
        )
    if not len(table):
        raise ValueError(f"classes must have at least one class, got shape {table.shape}")
    both = np.result_type(RESULTS[states.dtype], RESULTS[table.dtype])
    dtype = next(kind for kind in RESULTS.values() if kind == both)
    if bias is not None:
        bias, _ = as_floats("bias", bias)
        check_shape("bias", bias.shape, (len(table),), "one number a class")
    room = MEMORY if memory is None else as_integer("memory", memory)
    tolerance = as_grad_tolerance(grad_tolerance)
    chunk, groups = plan(len(table), dtype.itemsize, room, tolerance)
    flat = states.reshape(-1, states.shape[-1])
    return Layer(flat, table, bias, states.shape[:-1], dtype, tolerance, chunk, groups)


def as_task(layer: Layer, target: Any, *options: Any) -> Task:
    """The options of the loss, for logits that do not exist."""
    task = Task()
    task.shape, task.axis = (*layer.rows_shape, layer.num_classes), len(layer.rows_shape)
    task.dtype = layer.dtype
    set_options(task, target, *options)
    return task


def _useful_rows(task: Task) -> Array | None:
    """The rows that have any weight at all; None: all of them."""
    coefs = [
        coef
        for coef, used in (
            (task.nll_coef, task.target is not None),
            (task.dense_coef, task.probs is not None),
            (task.square_coef, task.square_coef is not None),
        )
        if used
    ]
    if any(coef is None for coef in coefs):
        return None
    used = np.any([coef != 0 for coef in coefs], axis=0)
    return None if used.all() else np.flatnonzero(used)


def _pass(
    layer: Layer, task: Task, scale: float, into: Gradients, useful: Array | None
) -> tuple[RowResult, Array | None, Remainder | None]:
    """Numbers of the useful rows, which these are, and the gradients of scale * sum of losses."""
    numbers: list[RowResult] = []
    wanted = any(place is not None for place in into)

    def one_chunk(logits: Array, which: Which) -> None:
        part = task.of(which)
        part.logits = logits
        numbers.append(part.run(scale, logits if wanted else None))

    head, ours = _head(layer), _library(layer)
    remainder = None
    if layer.tolerance and wanted and (task.n if useful is None else len(useful)):
        units = scale * task.unit()
        remainder = Remainder(ours, head, into, layer.tolerance, units, useful, layer.groups)
        useful = remainder.order
    run(ours, head, into, layer.chunk, one_chunk, useful, remainder)
    return _joined(numbers), useful, remainder


def _head(layer: Layer) -> Head:
    bias = None if layer.bias is None else layer.bias.astype(layer.dtype, copy=False)
    return Head(layer.hidden, layer.classes, bias)


def _library(layer: Layer) -> Library:
    same = layer.hidden.dtype == layer.classes.dtype == layer.dtype
    return Library(layer.dtype, same=same, begun=layer.tolerance > 0)


def statistics(
    layer: Layer,
    target: Array,
    chosen: Array | None,
    temperature: float | Array | None,
    softcap: float | None,
) -> tuple[Any, Array]:
    """Numbers of all rows, and the log-probabilities (N, K) of the chosen classes."""
    numbers: list[RowResult] = []
    log_probs: list[Array] = []

    def one_chunk(logits: Array, rows: Which) -> None:
        t = temperature[rows] if isinstance(temperature, np.ndarray) else temperature
        options: Any = {"temperature": t, "softcap": softcap}
        asked: Any = {"lse": True, "entropy": True, "argmax": True}
        numbers.append(engine(logits, target[rows], **asked, **options))
        if chosen is not None:
            log_probs.append(_log_probs(logits, chosen[rows], options))

    run(_library(layer), _head(layer), Gradients(None, None, None), layer.chunk, one_chunk)
    width = 0 if chosen is None else chosen.shape[1]
    return _joined(numbers), np.concatenate(log_probs) if log_probs else np.empty((0, width))


def as_chosen(chosen: Any, layer: Layer) -> Array:
    """(N, K) classes."""
    array = as_integers("chosen", chosen)
    check_shape("chosen", array.shape[:-1], layer.rows_shape, "that of one number a row, before K")
    flat = as_classes(array, 0)
    check_classes("chosen", flat, array, layer.num_classes, 0)
    return flat.reshape(-1, array.shape[-1])


def _log_probs(logits: Array, chosen: Array, options: Any) -> Array:
    """(n, K): each column once as the target, so that a probability near 1 keeps its digits."""
    log_probs = np.empty(chosen.shape)
    for k, classes in enumerate(chosen.T):
        nll: Any = engine(logits, np.ascontiguousarray(classes), **options).nll
        np.negative(nll, out=log_probs[:, k])
    return log_probs


def solved(
    layer: Layer, task: Task, reduction: str, into: Gradients, info: HeadInfo | None = None
) -> Any:
    """The loss; the gradients go where they are wanted. Rows without any weight are left out."""
    scale = 1 / task.total if reduction == "mean" else 1.0
    found, which, remainder = _pass(layer, task, scale, into, _useful_rows(task))
    if info is not None:
        fill(info, remainder, task.rows_shape)
    if which is None:
        return task.reduce(found, reduction)
    part = task.of(which)
    part.rows_shape = which.shape
    losses = part.reduce(found, reduction)
    if reduction != "none":
        return losses
    every = np.zeros(task.n, task.dtype)
    every[which] = losses
    return every.reshape(task.rows_shape)[()]


def _joined(numbers: list[RowResult]) -> RowResult:
    """Chunks one after another; of no rows every number is there, and empty."""
    if not numbers:
        none = np.empty(0)
        return RowResult(none, none, none, none, np.empty(0, np.int64))
    columns = zip(*numbers, strict=True)
    return RowResult(*(None if c[0] is None else np.concatenate(c) for c in columns))
