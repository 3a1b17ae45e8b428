"""Losses of log-probabilities, and of all the probabilities of a row."""

import math

import torch
from torch import Tensor
from torch.nn._reduction import legacy_get_string

from .._contract import (
    check_reduction,
    warn_input_kind,
    without_axis,
)
from .._problem import check_options, set_classes
from ._arguments import as_int64, as_logits, as_numbers, check_class_target, check_tensor
from ._engines import kernels
from ._engines.array_ops import ArrayOps
from ._engines.composed import over_classes, row_dtype
from ._engines.kernels import RESULTS
from ._errors import as_torch_raises
from ._operators.routed import row_results
from ._problem import TorchProblem, reduced
from ._route import is_eager_cpu, route_of
from .activations import as_cast, log_softmax, logsumexp, softmax
from .statistics import class_dim


@as_torch_raises
def nll_loss(
    input: Tensor,  # (N, V, ...) or (V,)
    target: Tensor,  # (N, ...) or ()
    weight: Tensor | None = None,  # (V,)
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log-likelihood of log-probabilities: `-w_y input[y]`, the target's entry alone.

    Args:
        input: log-probabilities, shape (N, V), (N, V, d1, ...) or (V,): the output of
            `log_softmax`; float64, float32, float16 or bfloat16.
        target: integers of any width and of the input's shape without the class axis.
        weight: shape (V,), a factor for each class.
        size_average: deprecated, as in torch; use `reduction`.
        ignore_index: rows with this target are skipped: NaNs in them do not affect other rows.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean" (divided by the sum of w_y), "sum" or "none".

    Returns:
        A scalar, or with "none" one number per row, in the input's dtype, as torch returns it, also
        under autocast. A target with log-probability -inf costs inf.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError. A
            target that is not a class is an IndexError that names the first such row on a CPU; on
            other devices, and inside of torch.func, that row's loss is nan.

    Examples:
        >>> import torch
        >>> p = torch.tensor([[0.2, 0.1, 0.65, 0.05]])
        >>> nll_loss(p.log(), torch.tensor([2]))
        tensor(0.4308)

    Differs from torch.nn.functional.nll_loss: a mean over no row is 0, not nan; integer targets
    may have any width; losses are summed in float64. Log-probabilities rounded to float32 have
    lost the loss of a confident row: `cross_entropy` takes the logits and keeps it.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    shape = as_logits(input)
    dim = 0 if len(shape) == 1 else 1
    options = check_options(ignore_index, 0.0, 0.0, None, reduction)
    ignore = options.ignore_index
    weight = as_numbers("weight", weight, (shape[dim],), "one number per class", input)
    check_tensor("target", target, input)
    check_class_target(target, without_axis(shape, dim))
    classes = as_int64(target, ignore)
    eager = is_eager_cpu(input)
    ignored = kernels.check_classes(classes, shape[dim], ignore) if eager else 1
    log_probs, problem = as_cast(input, on_cpu=True), TorchProblem()
    problem.dim, problem.dtype, problem.reduction = dim, log_probs.dtype, reduction
    ops = ArrayOps(input.device)
    set_classes(problem, ops, options, classes, shape[dim], weight, None, ignoring=ignored > 0)
    return reduced(problem, _own_nll(log_probs, dim, classes, ignore), None, None)


def _own_nll(log_probs: Tensor, dim: int, classes: Tensor, ignore: int) -> Tensor:
    """-log p_y of every row: 0 if ignored, nan if there is no such class."""
    inside = classes.clamp(0, log_probs.shape[dim] - 1)
    # To the power of 1, so that the second derivative is 0, as in torch, and not an error.
    picked = log_probs.gather(dim, inside.unsqueeze(dim)).squeeze(dim).pow(1)
    # 0 - x, because -x would be -0.0 for a certain row.
    values = 0.0 - picked.to(row_dtype(log_probs.device))
    invalid = (inside != classes) & (classes != ignore)
    # A factor, so that the derivative is nan as well.
    values = values * torch.ones_like(values).masked_fill(invalid, math.nan)
    return values.masked_fill(classes == ignore, 0.0)


@as_torch_raises
def min_entropy(logits: Tensor, dim: int = -1) -> Tensor:
    """`-log max_j p_j`: the surprise if the likeliest class comes true, in nats. Needs no target.

    Some texts introduce the negative log-likelihood as this number, "-log of the largest softmax
    output". It is a measure of confidence, not a loss: it falls when the model becomes surer of a
    wrong class. The loss is `-log p_y` with y the true class, `cross_entropy`; the two agree on
    the rows that are classified correctly.

    Args:
        logits: shape (..., V, ...); float64, float32, float16 or bfloat16.
        dim: the class axis.

    Returns:
        The shape without the class axis, from 0 to log V; float64 for float64 logits, else
        float32. Computed as log1p(sum of the others).

    Raises:
        TypeError, ValueError, IndexError: the logits are not a tensor of real numbers, or have no
            such axis, or no class; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> min_entropy(torch.tensor([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25]]).log())
        tensor([0.3567, 0.6931])

    Differs from -log_softmax(logits).amax(dim) in torch: a confident row keeps its digits.

    References:
        A. Renyi (1961), "On measures of entropy and information", Proc. 4th Berkeley Symposium.
    """
    axis = class_dim(logits, dim)
    route = route_of(logits)
    likeliest = row_results(route, logits.detach(), axis).argmax
    nll = row_results(route, logits, axis, likeliest).nll
    assert nll is not None
    return nll.to(RESULTS[logits.dtype])


@as_torch_raises
def one_vs_rest_nll(
    input: Tensor,  # (N, V, ...) or (V,)
    target: Tensor,  # (N, ...) or ()
    reduction: str = "mean",
) -> Tensor:
    """`-log p_y - sum over the other classes j of log(1 - p_j)`, p the softmax, in nats.

    Every probability is judged as a yes-or-no answer: the target's by -log p, the others' by
    -log(1 - p). Some texts say that PyTorch's loss is computed this way, over all outputs. It is
    not: PyTorch's NLLLoss uses the target's entry alone (`nll_loss`), and a softmax couples the
    outputs, so that this sum counts the same mistake twice. Those texts also add a small epsilon
    inside the logarithm against infinity; here log(1 - p_j) comes from the logits and is finite
    whenever the logits are.

    Args:
        input: logits, shape (N, V), (N, V, d1, ...) or (V,); float64, float32, float16, bfloat16.
        target: integers of any width and of the input's shape without the class axis.
        reduction: "mean" (over the rows), "sum" or "none".

    Returns:
        A scalar, or with "none" one number per row; float64 for float64 logits, else float32.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError. A
            target that is not a class is an IndexError that names the first such row on a CPU; on
            other devices, and inside of torch.func, that row's loss is nan.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import torch
        >>> logits = torch.tensor([[0.2, 0.1, 0.65, 0.05]]).log() + 3.0
        >>> one_vs_rest_nll(logits, torch.tensor([2]))
        tensor(0.8106)
        >>> -torch.tensor(0.65 * 0.8 * 0.9 * 0.95).log()
        tensor(0.8106)

    Differs from torch.nn.functional.binary_cross_entropy_with_logits: the probabilities are those
    of one softmax, not one sigmoid each.
    """
    shape, problem = as_logits(input), TorchProblem()
    problem.dim = dim = 0 if len(shape) == 1 else 1
    check_reduction(reduction)
    check_tensor("target", target, input)
    check_class_target(target, without_axis(shape, dim))
    route = route_of(input)
    if route.eager:
        warn_input_kind(kernels.looks_like(input, dim))
    z, classes = input.to(row_dtype(input.device)), as_int64(target)
    found = row_results(route, z, dim, classes)
    assert found.nll is not None
    problem.dtype, problem.reduction = RESULTS[input.dtype], reduction
    return reduced(problem, found.nll + _against(z, dim, classes, found.argmax), None, None)


def _against(z: Tensor, dim: int, classes: Tensor, top: Tensor) -> Tensor:
    """-sum of log(1 - p_j) over the classes that are not the target, of every row.

    1 - p is at least one half where p is not the largest, and then log1p(-p) loses nothing. For
    the largest it is the sum of the others, which as a log-sum-exp of their logarithms neither
    cancels nor underflows.
    """
    index = torch.arange(z.shape[dim], device=z.device)
    index = over_classes(index, z, dim)
    is_top = index == top.unsqueeze(dim)
    counted_elsewhere = is_top | (index == classes.unsqueeze(dim))
    p = softmax(z, dim).masked_fill(counted_elsewhere, 0.0)
    rest = logsumexp(log_softmax(z, dim).masked_fill(is_top, -math.inf), dim)
    return -torch.log1p(-p).sum(dim) - rest.masked_fill(top == classes, 0.0)
