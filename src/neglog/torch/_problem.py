"""Arguments of the losses, checked and as row coefficients; results of rows as a loss."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from .. import _problem
from .._contract import check_no_ignored_class, refuse_target, warn_input_kind, without_axis
from .._problem import Options, Problem, check_options
from ._arguments import (
    as_int64,
    as_logits,
    as_numbers,
    as_temperature,
    check_class_target,
    check_tensor,
)
from ._engines import kernels
from ._engines.array_ops import ArrayOps
from ._engines.kernels import RESULTS
from ._route import Route, is_traced, is_watched


class TorchProblem(Problem):
    """Checked arguments, without the large tensors. Options at their defaults cost no tensor."""

    dim: int  # the class axis
    dtype: torch.dtype  # of the loss
    keep: Tensor | None = None  # (...) bool: rows that count
    computed: torch.dtype  # of target probabilities, which may be softened a part at a time

    def scale(self, upstream: float, n: int) -> float:
        """What the gradient of the sum of n rows is multiplied by, without autograd."""
        if self.reduction != "mean":
            return upstream
        total = max(n, 1) if self.total is None else float(self.total)
        return upstream / total if total else 0.0


def prepare(
    route: Route,
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
) -> tuple[Tensor | None, Tensor | None, TorchProblem]:
    """Check every argument of cross_entropy.

    Returns:
        Classes, probabilities and the problem; one of the first two may be None. A smoothing of
        class targets gives probabilities (V,), the same for all rows.
    """
    dim = min(1, len(as_logits(logits)) - 1)
    classes, probs, problem = prepare_rows(
        route, logits, dim, target, weight, row_weight, ignore_index, label_smoothing, z_loss,
        temperature, softcap, reduction,
    )  # fmt: skip
    if classes is None:
        assert probs is not None
        probs = softened(probs, dim, problem)
    if route.eager:
        warn_input_kind(kernels.looks_like(logits, dim))
    return classes, probs, problem


def prepare_rows(
    route: Route,
    logits: Tensor,
    dim: int,
    target: Any,
    weight: Any,
    row_weight: Any,
    ignore_index: Any,
    label_smoothing: Any,
    z_loss: Any,
    temperature: Any,
    softcap: Any,
    reduction: Any,
) -> tuple[Tensor | None, Tensor | None, TorchProblem]:
    """`prepare` without reading the logits, which may be one expanded number; `probs` as passed."""
    shape, problem = tuple(logits.shape), TorchProblem()
    problem.dim, problem.dtype = dim, RESULTS[logits.dtype]
    rows_shape = without_axis(shape, dim)
    options = check_options(ignore_index, label_smoothing, z_loss, softcap, reduction)
    problem.reduction, problem.softcap = options.reduction, options.softcap
    problem.temperature = as_temperature(temperature, rows_shape, logits)
    weight = as_numbers("weight", weight, (shape[dim],), "one number per class", logits)
    row_weight = as_numbers("row_weight", row_weight, rows_shape, "one number per row", logits)
    check_tensor("target", target, logits)
    if target.is_floating_point():
        _check_probabilities(problem, logits, target, options.ignore_index)
        ops = ArrayOps(logits.device)
        _problem.set_probabilities(problem, ops, options, rows_shape, weight, row_weight)
        classes, probs = None, target
    else:
        check_class_target(target, rows_shape, shape)
        classes, probs = _set_classes(problem, route, logits, target, weight, row_weight, options)
    if row_weight is not None:
        used = _used(row_weight, logits, dim)
        problem.keep = used if problem.keep is None else problem.keep & used
    return classes, probs, problem


def _used(row_weight: Tensor, logits: Tensor, dim: int) -> Tensor:
    used = row_weight != 0
    if is_watched(row_weight):  # its derivative at 0 is the row's loss, if that is a number
        used = used | logits.detach().amax(dim).isfinite()
    return used


def _set_classes(
    problem: TorchProblem,
    route: Route,
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    row_weight: Tensor | None,
    options: Options,
) -> tuple[Tensor, Tensor | None]:
    """(classes, the probabilities (V,) of a smoothing)."""
    num_classes, ignore = logits.shape[problem.dim], options.ignore_index
    if is_traced():
        num_classes = int(num_classes)  # a tensor, by which torch would divide in float32
    classes = _classes(target, row_weight, ignore, num_classes)
    ignored = 1
    if route.eager:
        ignored = kernels.check_classes(classes, num_classes, ignore, target)
    mixed = _problem.set_classes(
        problem, ArrayOps(logits.device), options, classes, num_classes, weight, row_weight,
        ignoring=ignored > 0,
    )  # fmt: skip
    problem.keep = classes != ignore if ignored else None
    return classes, None if mixed is None else mixed.to(problem.dtype)


def _classes(target: Tensor, row_weight: Tensor | None, ignore: int, num_classes: int) -> Tensor:
    """Classes as int64; in a row of weight 0 any value is allowed and becomes 0."""
    classes = as_int64(target, ignore)
    if row_weight is None:
        return classes
    wrong = (classes != ignore) & ((classes < 0) | (classes >= num_classes))
    return classes.masked_fill(wrong & (row_weight == 0), 0)


def _check_probabilities(
    problem: TorchProblem, logits: Tensor, target: Tensor, ignore: int
) -> None:
    """Floats of the logits' shape; with probabilities no row is ignored by its class."""
    shape = tuple(logits.shape)
    if tuple(target.shape) != shape:
        refuse_target(tuple(target.shape), "floats", shape, without_axis(shape, problem.dim))
    check_no_ignored_class(ignore)
    problem.computed = problem.dtype
    problem.dtype = torch.promote_types(problem.dtype, target.dtype)  # as in torch


def softened(probs: Tensor, dim: int, problem: TorchProblem) -> Tensor:
    """Target probabilities, smoothed and weighted, in the dtype of the computation."""
    ops = ArrayOps(probs.device)
    return _problem.softened(problem, ops, probs.to(problem.computed), dim)  # type: ignore[no-any-return]


def reduced(
    problem: TorchProblem, nll: Tensor | None, dense: Tensor | None, lse: Tensor | None
) -> Tensor:
    """Results of rows -> the loss, in the dtype of losses."""
    some: Any = dense if nll is None else nll
    ops = ArrayOps(some.device)
    losses = _problem.row_losses(problem, ops, nll, dense, lse)
    return _problem.reduced(problem, ops, losses).to(problem.dtype)  # type: ignore[no-any-return]


def coefficients(
    problem: TorchProblem,
    shape: tuple[int, ...],
    target: Tensor | None,
    probs: Tensor | None,
    upstream: Tensor,
    lse: Callable[[], Tensor],
) -> tuple[Tensor | None, ...]:
    """dL/dnll, dL/ddense, dL/dlse, dL/dentropy of every row, differentiable.

    Args:
        problem: checked arguments.
        shape: of the rows.
        target: classes, if the loss has any.
        probs: probabilities, if the loss has any.
        upstream: gradient of the loss.
        lse: computes every row's lse, if needed.
    """
    found = _problem.coefficients(
        problem, ArrayOps(upstream.device), upstream, shape,
        nll=target is not None, dense=probs is not None, lse=lse,
    )  # fmt: skip
    return *found, None
