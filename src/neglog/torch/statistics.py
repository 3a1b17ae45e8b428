"""Statistics of rows of logits: loss, log-sum-exp, entropy, likeliest class, divergence."""

from typing import Any

import torch
from torch import Tensor

from .._contract import (
    RowStats,
    as_integer,
    as_positive,
    check_shape,
    warn_input_kind,
    without_axis,
)
from ._arguments import (
    as_floats,
    as_int64,
    as_logits,
    as_temperature,
    check_class_target,
    check_tensor,
)
from ._engines import kernels
from ._engines.composed import row_dtype
from ._engines.kernels import RESULTS
from ._errors import as_torch_raises
from ._operators.routed import row_results
from ._route import Route, route_of
from .activations import as_dim, log_softmax, softmax


@as_torch_raises
def row_stats(
    input: Tensor,  # (N, V, ...) or (V,)
    target: Tensor,  # (N, ...) or ()
    *,
    ignore_index: int = -100,
    temperature: float | Tensor = 1.0,  # a number, or (N, ...)
    softcap: float | None = None,
) -> RowStats:
    """Loss, log-sum-exp, entropy and likeliest class of every row, in one pass over the logits.

    nll = -log p_y, lse = log sum_j exp z'_j, entropy = -sum_j p_j log p_j and argmax_j z'_j, all
    of the same p = softmax(z') with z' the logits after temperature and softcap. Each of the first
    three is differentiable, alone and together, with respect to logits and temperature.

    Args:
        input: logits, shape (N, V), (N, V, d1, ...) or (V,); float64, float32, float16, bfloat16.
        target: integers of any width and of the input's shape without the class axis.
        ignore_index: a row with this target has the nll 0, and everything else as it is.
        temperature: divides the logits; a number, or one number per row.
        softcap: c bounds the logits as c * tanh(z / c), after the temperature.

    Returns:
        RowStats(nll, lse, entropy, argmax), each of the target's shape; argmax int64 (the first of
        equals), the others float64 for float64 logits, else float32.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError. A
            target that is neither a class nor ignored is an IndexError that names the first such
            row on a CPU; on other devices, and inside of torch.func, that row's nll is nan.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import torch
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 3.0]], requires_grad=True)
        >>> stats = row_stats(logits, torch.tensor([0, 0]))
        >>> stats.nll.detach(), stats.argmax
        (tensor([0.6931, 3.0486]), tensor([0, 1]))
        >>> (stats.nll - 0.1 * stats.entropy).sum().backward()
        >>> logits.grad
        tensor([[-0.5000,  0.5000],
                [-0.9661,  0.9661]])

    Differs from torch's cross_entropy, logsumexp, Categorical.entropy and argmax: one pass, and
    the entropy belongs to the same temperature.
    """
    shape = as_logits(input)
    dim = 0 if len(shape) == 1 else 1
    rows_shape = without_axis(shape, dim)
    warmth = as_temperature(temperature, rows_shape, input)
    cap = None if softcap is None else as_positive("softcap", softcap, "None")
    check_tensor("target", target, input)
    route = route_of(input, temperature=temperature)
    classes, ignored = as_stats_target(route, target, rows_shape, shape[dim], ignore_index)
    if route.eager:
        warn_input_kind(kernels.looks_like(input, dim))
    found = row_results(
        route, input, dim, classes,
        temperature=warmth, softcap=cap, entropy=True, ignored=ignored,
    )  # fmt: skip
    return stats_of(found, ignored, RESULTS[input.dtype])


def as_stats_target(
    route: Route, target: Tensor, rows_shape: tuple[int, ...], num_classes: int, ignore_index: Any
) -> tuple[Tensor, Tensor | None]:
    """Classes of all rows, 0 for an ignored one; and which rows are ignored, None if none is."""
    ignore = as_integer("ignore_index", ignore_index)
    check_class_target(target, rows_shape)
    classes = as_int64(target, ignore)
    if route.eager and not kernels.check_classes(classes, num_classes, ignore, target):
        return classes, None
    ignored = classes == ignore
    return classes.masked_fill(ignored, 0), ignored


def stats_of(found: Any, ignored: Tensor | None, dtype: torch.dtype) -> RowStats:
    """What was found of all rows, with the nll of the ignored ones set to 0."""
    nll, lse, spread = (x.to(dtype) for x in (found.nll, found.lse, found.entropy))
    if ignored is not None:
        nll = nll.masked_fill(ignored, 0.0)
    return RowStats(nll, lse, spread, found.argmax)


@as_torch_raises
def entropy(logits: Tensor, dim: int = -1) -> Tensor:
    """Shannon's entropy of the softmax: `-sum_j p_j log p_j` with 0 log 0 = 0, in nats.

    Args:
        logits: shape (..., V, ...); float64, float32, float16 or bfloat16.
        dim: the class axis.

    Returns:
        The shape without the class axis, from 0 (certain) to log V (uniform); float64 for
        float64 logits, else float32.

    Raises:
        TypeError, ValueError, IndexError: the logits are not a tensor of real numbers, or have no
            such axis, or no class; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> entropy(torch.tensor([[0.0, 0.0], [0.0, float("-inf")]]))
        tensor([0.6931, 0.0000])

    Differs from torch.distributions.Categorical(logits=...).entropy(): one pass, nothing of the
    logits' size is kept for the backward pass, and a logit of -inf contributes 0 to the gradient.

    References:
        C. E. Shannon (1948), "A mathematical theory of communication", Bell System Technical
        Journal 27.
    """
    axis = class_dim(logits, dim)
    found = row_results(route_of(logits), logits, axis, entropy=True).entropy
    assert found is not None
    return found.to(RESULTS[logits.dtype])


@as_torch_raises
def kl_divergence(
    target_probs: Tensor,  # (..., V, ...)
    logits: Tensor,  # (..., V, ...)
    dim: int = -1,
) -> Tensor:
    """`sum_j t_j log(t_j / p_j)`: the loss in nats of using p = softmax(z) instead of t.

    Computed as sum_j (t_j log(t_j / p_j) - t_j + p_j), which is the same for a t that sums to
    one. Its terms are all >= 0, so that nothing cancels: the result is never negative, without
    clipping, and stays accurate for distributions that nearly agree.

    Args:
        target_probs: the logits' shape, probabilities that sum to one along `dim`; any real dtype.
        logits: shape (..., V, ...); float64, float32, float16 or bfloat16.
        dim: the class axis.

    Returns:
        The shape without the class axis; float64 for float64 logits, else float32. inf where
        t_j > 0 meets a logit of -inf; t_j = 0 contributes nothing there. The gradient is p - t with
        respect to the logits and log(t / p) with respect to the probabilities (0 where t_j = 0, as
        in torch's kl_div).

    Raises:
        TypeError, ValueError, IndexError: an argument is not a tensor of real numbers, there is no
            such axis, no class, or two shapes; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> kl_divergence(torch.tensor([0.5, 0.5, 0.0]), torch.tensor([0.0, 0.0, float("-inf")]))
        tensor(0.)
        >>> kl_divergence(torch.tensor([1.0, 0.0]), torch.tensor([0.25, 0.75]).log())
        tensor(1.3863)

    Differs from torch.nn.functional.kl_div: the arguments are in the order of the formula, the
    second is logits, and one number per row comes back. For a t that does not sum to one, this is
    the generalised divergence, larger by 1 - sum_j t_j.

    References:
        S. Kullback, R. A. Leibler (1951), "On information and sufficiency", Annals of
        Mathematical Statistics 22.
    """
    axis, wide = class_dim(logits, dim), row_dtype(logits.device)
    check_tensor("target_probs", target_probs, logits)
    if target_probs.is_complex():
        raise TypeError(f"target_probs must be real numbers, got {target_probs.dtype}")
    check_shape(
        "target_probs", tuple(target_probs.shape), tuple(logits.shape), "that of the logits"
    )
    z = logits.to(wide)
    t = target_probs.to(wide)
    t = t.masked_fill(t == 0, 0.0)  # the derivative of t log t there is -inf
    # In the textbook form t log t - t log p the values cancel, but not the derivatives.
    textbook = _textbook_divergence(route_of(logits), t, z, axis)
    with torch.no_grad():
        p, log_p = softmax(z, axis), log_softmax(z, axis)
        exact = _divergence_terms(t, p, log_p).sum(axis)
    value = torch.where(
        textbook.isfinite(), exact.detach() + (textbook - textbook.detach()), textbook
    )
    return value.to(RESULTS[logits.dtype])


def _textbook_divergence(route: Route, t: Tensor, z: Tensor, dim: int) -> Tensor:
    dense = row_results(route, z, dim, probs=t).dense
    assert dense is not None
    own = t * t.masked_fill(t == 0, 1.0).log() - t
    return own.sum(dim) + 1 + dense


def _divergence_terms(t: Tensor, p: Tensor, log_p: Tensor) -> Tensor:
    """t log(t/p) - t + p, each to nearly full accuracy: with r = (p - t)/t it is t (r - log1p r).

    Near r = 0 that form keeps the digits that log t - log p would lose; far from it, the textbook
    form is safe from overflow of r and from a p that is 0 only because it is tiny.
    """
    r = (p - t) / t
    near = t * (r - torch.log1p(r))
    far = t * (t.log() - log_p) - t + p
    return torch.where(t == 0, p, torch.where(r.abs() < 0.5, near, far))


def class_dim(logits: Any, dim: Any) -> int:
    """The class axis counted from 0; there is at least one class."""
    axis = as_dim(dim, as_floats("logits", logits))
    if not logits.dim():
        raise ValueError("logits must have a class axis, got a single number; pass shape (V,)")
    if not logits.shape[axis]:
        raise ValueError(
            f"logits must have at least one class, got shape {tuple(logits.shape)}, dim {axis}"
        )
    return axis
