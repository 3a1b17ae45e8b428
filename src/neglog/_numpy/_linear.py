"""The linear head for NumPy: what is passed, and the products a chunk at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._contract import as_integer, check_shape
from .._head import MEMORY, Gradients, Head, Library, chunk_of, run
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
from ._task import Task, set_options

_BLOCK = 4096  # classes whose part of a product stays in the cache until it is added


@dataclass(frozen=True)
class Layer:
    """Checked hidden states and classes; `dtype` is that of the logits and of results."""

    hidden: Array  # (N, D)
    classes: Array  # (V, D)
    bias: Array | None  # (V,)
    rows_shape: tuple[int, ...]
    dtype: DType
    chunk: int

    @property
    def num_classes(self) -> int:
        return len(self.classes)


def as_layer(hidden: Any, classes: Any, bias: Any, memory: Any) -> Layer:
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
        bias = bias.astype(dtype, copy=False)
    room = MEMORY if memory is None else as_integer("memory", memory)
    chunk = chunk_of(len(table), dtype.itemsize, room)
    flat = states.reshape(-1, states.shape[-1])
    return Layer(flat, table, bias, states.shape[:-1], dtype, chunk)


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


def _pass(layer: Layer, task: Task, scale: float, gradients: Gradients) -> RowResult:
    """Numbers of all rows of the task, and the gradients of scale times the sum of their losses."""
    numbers: list[RowResult] = []
    wanted = any(place is not None for place in gradients)

    def one_chunk(logits: Array, rows: slice) -> None:
        part = task.of(rows)
        part.logits = logits
        numbers.append(part.run(scale, logits if wanted else None))

    run(_library(layer), Head(layer.hidden, layer.classes, layer.bias), gradients, layer.chunk,
        one_chunk)  # fmt: skip
    return _joined(numbers)


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

    def one_chunk(logits: Array, rows: slice) -> None:
        t = temperature[rows] if isinstance(temperature, np.ndarray) else temperature
        options: Any = {"temperature": t, "softcap": softcap}
        asked: Any = {"lse": True, "entropy": True, "argmax": True}
        numbers.append(engine(logits, target[rows], **asked, **options))
        if chosen is not None:
            log_probs.append(_log_probs(logits, chosen[rows], options))

    head, nothing = Head(layer.hidden, layer.classes, layer.bias), Gradients(None, None, None)
    run(_library(layer), head, nothing, layer.chunk, one_chunk)
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


def solved(layer: Layer, task: Task, reduction: str, gradients: Gradients) -> Any:
    """The loss; the gradients go where they are wanted. Rows without any weight are left out."""
    useful = _useful_rows(task)
    scale = 1 / task.total if reduction == "mean" else 1.0
    if useful is None:
        return task.reduce(_pass(layer, task, scale, gradients), reduction)
    kept, part = replace(layer, hidden=layer.hidden[useful]), task.of(useful)
    part.rows_shape = useful.shape
    into = gradients
    if gradients.hidden is not None:
        into = gradients._replace(hidden=np.empty_like(kept.hidden))
    losses = part.reduce(_pass(kept, part, scale, into), reduction)
    if gradients.hidden is not None:
        gradients.hidden[useful] = into.hidden
    if reduction != "none":
        return losses
    every = np.zeros(task.n, task.dtype)
    every[useful] = losses
    return every.reshape(task.rows_shape)[()]


def _joined(numbers: list[RowResult]) -> RowResult:
    """Chunks one after another; of no rows every number is there, and empty."""
    if not numbers:
        none = np.empty(0)
        return RowResult(none, none, none, none, np.empty(0, np.int64))
    columns = zip(*numbers, strict=True)
    return RowResult(*(None if c[0] is None else np.concatenate(c) for c in columns))


def _library(layer: Layer) -> Library:
    dtype = layer.dtype
    same = layer.hidden.dtype == layer.classes.dtype == dtype

    def matmul(a: Array, b: Array, out: Array, plus: Array | None = None) -> None:
        if same and out.dtype == dtype:
            np.matmul(a, b, out=out)
        else:
            _matmul_widened(a, b, out, dtype)
        if plus is not None:
            out += plus

    begun = False

    def add_matmul(a: Array, b: Array, out: Array) -> None:
        nonlocal begun
        wide = b.astype(dtype, copy=False)
        if begun:
            _add_matmul(a, wide, out)
        else:
            np.matmul(a, wide, out=out)
        begun = True

    def add_sum(a: Array, out: Array) -> None:
        out += a.sum(0)

    return Library(matmul, add_matmul, add_sum, lambda shape: np.empty(shape, dtype))


def _add_matmul(a: Array, b: Array, out: Array) -> None:
    """out += a @ b, a block at a time, which is added while it is in the cache."""
    place = np.empty((min(_BLOCK, len(a)), b.shape[1]), b.dtype)
    for block in blocks(len(a)):
        product = place[: block.stop - block.start]
        np.matmul(a[block], b, out=product)
        out[block] += product


def _matmul_widened(a: Array, b: Array, out: Array, dtype: DType) -> None:
    """out = a @ b for halves and mixed types: b is widened a block at a time, never as a whole."""
    wide = a.astype(dtype, copy=False)
    if b.shape[1] >= b.shape[0]:
        for block in blocks(b.shape[1]):
            out[:, block] = wide @ b[:, block].astype(dtype, copy=False)
        return
    total = np.zeros(out.shape, dtype)
    for block in blocks(b.shape[0]):
        total += wide[:, block] @ b[block].astype(dtype, copy=False)
    out[...] = total


def blocks(n: int) -> Iterator[slice]:
    """0 to n in slices of a block."""
    return (slice(start, min(start + _BLOCK, n)) for start in range(0, n, _BLOCK))
