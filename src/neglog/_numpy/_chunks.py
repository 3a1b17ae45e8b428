"""The linear head for NumPy: numbers and gradients of all rows, a chunk of logits at a time."""

from typing import Any

import numpy as np

from .._engine import Panels, RowResults, run_rows
from .._head.chunks import Add, Gradients, Head, run, run_numbers
from .._head.info import HeadInfo, fill
from .._head.products import Which
from .._head.remainder import Remainder
from ._arrays import Array
from ._linear import Layer
from ._products import Library
from ._task import Task


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
) -> tuple[RowResults, Array | None, Remainder | None]:
    """Numbers of the useful rows, which these are, and the gradients of scale * sum of losses."""
    wanted = any(place is not None for place in into)
    if not wanted and _may_sweep(task):
        return _numbers(layer, task, useful, lse=task.square_coef is not None), useful, None
    numbers: list[RowResults] = []

    def one_chunk(logits: Array, which: Which) -> None:
        part = task.of(which)
        part.logits = logits
        numbers.append(part.run(scale, logits if wanted else None))

    head, library, (most, groups) = _head(layer), _library(layer), layer.plan()
    remainder = None
    if layer.tolerance and wanted and (task.n if useful is None else len(useful)):
        units = scale * task.unit()
        remainder = Remainder(library, head, into, layer.tolerance, units, useful, groups)
        useful = remainder.order
    run(library, head, into, most, one_chunk, useful, remainder)
    return _joined(numbers), useful, remainder


def _may_sweep(task: Task) -> bool:
    """Whether the engine takes a panel of classes at a time of such rows."""
    return task.softcap is None and (task.probs is None or task.probs.ndim == 1)


def _numbers(layer: Layer, task: Task, useful: Array | None, **asked: Any) -> RowResults:
    """Numbers of the useful rows, a panel of classes at a time."""
    sweeps: list[Panels] = []

    def begin(which: Which) -> Add:
        part, n = task.of(which), len(layer.hidden[which])
        sweeps.append(
            Panels(n, layer.num_classes, part.target, part.probs, part.temperature, **asked)
        )
        return sweeps[-1].reduce

    run_numbers(_library(layer), _head(layer), layer.memory, layer.dtype.itemsize, begin, useful)
    return _joined([sweep.finish() for sweep in sweeps])


def _head(layer: Layer) -> Head:
    bias = None if layer.bias is None else layer.bias.astype(layer.dtype, copy=False)
    return Head(layer.hidden, layer.classes, bias)


def _library(layer: Layer) -> Library:
    same = layer.hidden.dtype == layer.classes.dtype == layer.dtype
    return Library(layer.dtype, same=same, begun=layer.tolerance > 0)


def statistics(layer: Layer, task: Task, chosen: Array | None) -> tuple[Any, Array]:
    """Numbers of all rows, and the log-probabilities (N, K) of the chosen classes."""
    asked: Any = {"lse": True, "entropy": True, "argmax": True}
    if chosen is None and _may_sweep(task):
        return _numbers(layer, task, None, **asked), np.empty((0, 0))
    numbers: list[RowResults] = []
    log_probs: list[Array] = []

    def one_chunk(logits: Array, which: Which) -> None:
        part = task.of(which)
        options: Any = {"temperature": part.temperature, "softcap": part.softcap}
        numbers.append(run_rows(logits, part.target, **asked, **options))
        if chosen is not None:
            log_probs.append(_log_probs(logits, chosen[which], options))

    most, _ = layer.plan()
    run(_library(layer), _head(layer), Gradients(None, None, None), most, one_chunk)
    width = 0 if chosen is None else chosen.shape[1]
    return _joined(numbers), np.concatenate(log_probs) if log_probs else np.empty((0, width))


def _log_probs(logits: Array, chosen: Array, options: Any) -> Array:
    """(n, K): each column once as the target, so that a probability near 1 keeps its digits."""
    log_probs = np.empty(chosen.shape)
    for k, classes in enumerate(chosen.T):
        nll: Any = run_rows(logits, np.ascontiguousarray(classes), **options).nll
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


def _joined(numbers: list[RowResults]) -> RowResults:
    """Chunks one after another; of no rows every number is there, and empty."""
    if not numbers:
        none = np.empty(0)
        return RowResults(none, none, none, none, np.empty(0, np.int64))
    columns = zip(*numbers, strict=True)
    return RowResults(*(None if c[0] is None else np.concatenate(c) for c in columns))
