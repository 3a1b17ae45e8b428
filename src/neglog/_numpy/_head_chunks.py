"""The linear head for NumPy: numbers and gradients of all rows, a chunk of logits at a time."""

from typing import Any

import numpy as np

from .._engine import Panels, RowResults, run_rows
from .._head.chunks import Gradients, Head, run
from .._head.info import HeadInfo, fill
from .._head.panels import Plan, reduce_panels
from .._head.products import Which
from .._head.remainder import Remainder
from ._arguments import Problem, joined
from ._arrays import Array
from ._head_arguments import HeadArguments
from ._head_products import Products


def _pass(
    arguments: HeadArguments, problem: Problem, into: Gradients, useful: Array | None
) -> tuple[RowResults, Array | None, Remainder | None]:
    """Numbers of the useful rows, which these are, and the gradients of the reduced loss."""
    scale = problem.scale()
    wanted = any(place is not None for place in into)
    if not wanted and _takes_panels(problem):
        return (
            _numbers(arguments, problem, useful, lse=problem.square_coef is not None),
            useful,
            None,
        )
    numbers: list[RowResults] = []

    def one_chunk(logits: Array, which: Which) -> None:
        part = problem.of(which)
        part.logits = logits
        numbers.append(part.run(scale, logits if wanted else None))

    head, products, (most, groups) = _head(arguments), _products(arguments), arguments.plan()
    remainder = None
    if arguments.tolerance and wanted and (problem.n if useful is None else len(useful)):
        units = scale * problem.row_scale()
        remainder = Remainder(products, head, into, arguments.tolerance, units, useful, groups)
        useful = remainder.order
    run(products, head, into, most, one_chunk, useful, remainder)
    return joined(numbers), useful, remainder


def _takes_panels(problem: Problem) -> bool:
    """Whether the engine takes a panel of classes at a time of such rows."""
    return problem.softcap is None and (problem.probs is None or problem.probs.ndim == 1)


def _numbers(
    arguments: HeadArguments, problem: Problem, useful: Array | None, **asked: Any
) -> RowResults:
    """Numbers of the useful rows, from a panel of classes at a time."""

    def begin(which: Which) -> Panels:
        part, n = problem.of(which), len(arguments.hidden[which])
        return Panels(n, arguments.num_classes, part.target, part.probs, part.temperature, **asked)

    plan = Plan.of(arguments.num_classes, arguments.dtype.itemsize, arguments.memory)
    parts = reduce_panels(_products(arguments), _head(arguments), plan, begin, useful)
    return joined([rows.finish() for _, rows in parts])


def _head(arguments: HeadArguments) -> Head:
    bias = None if arguments.bias is None else arguments.bias.astype(arguments.dtype, copy=False)
    return Head(arguments.hidden, arguments.classes, bias)


def _products(arguments: HeadArguments) -> Products:
    same = arguments.hidden.dtype == arguments.classes.dtype == arguments.dtype
    return Products(arguments.dtype, same=same)


def statistics(
    arguments: HeadArguments, problem: Problem, chosen: Array | None
) -> tuple[Any, Array]:
    """Numbers of all rows, and the log-probabilities (N, K) of the chosen classes."""
    asked: Any = {"lse": True, "entropy": True, "argmax": True}
    if chosen is None and _takes_panels(problem):
        return _numbers(arguments, problem, None, **asked), np.empty((0, 0))
    numbers: list[RowResults] = []
    log_probs: list[Array] = []

    def one_chunk(logits: Array, which: Which) -> None:
        part = problem.of(which)
        options: Any = {"temperature": part.temperature, "softcap": part.softcap}
        numbers.append(run_rows(logits, part.target, **asked, **options))
        if chosen is not None:
            log_probs.append(_log_probs(logits, chosen[which], options))

    most, _ = arguments.plan()
    run(_products(arguments), _head(arguments), Gradients(None, None, None), most, one_chunk)
    width = 0 if chosen is None else chosen.shape[1]
    return joined(numbers), np.concatenate(log_probs) if log_probs else np.empty((0, width))


def _log_probs(logits: Array, chosen: Array, options: Any) -> Array:
    """(n, K): each column once as the target, so that a probability near 1 keeps its digits."""
    log_probs = np.empty(chosen.shape)
    for k, classes in enumerate(chosen.T):
        nll: Any = run_rows(logits, np.ascontiguousarray(classes), **options).nll
        np.negative(nll, out=log_probs[:, k])
    return log_probs


def solved(
    arguments: HeadArguments, problem: Problem, into: Gradients, info: HeadInfo | None = None
) -> Any:
    """The loss; the gradients go where they are wanted. Rows without any weight are left out."""
    found, which, remainder = _pass(arguments, problem, into, problem.used_rows())
    if info is not None:
        fill(info, remainder, problem.rows_shape)
    if which is None:
        return problem.reduce(found)
    part = problem.of(which)
    part.rows_shape = which.shape
    losses = part.reduce(found)
    if problem.reduction != "none":
        return losses
    every = np.zeros(problem.n, problem.dtype)
    every[which] = losses
    return every.reshape(problem.rows_shape)[()]
