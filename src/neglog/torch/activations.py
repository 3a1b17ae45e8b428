"""Softmax, log-sum-exp, sigmoid and their logarithms.

Long because each of the five has a docstring with everything that differs from torch's.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .._contract import as_integer
from ._arguments import as_floats, as_masked, as_tensor
from ._engines import composed, kernels
from ._errors import as_torch_raises
from ._operators.routed import row_results
from ._operators.rows import softmax as softmax_operator
from ._route import Path, is_eager_cpu, is_recorded, route_of


@as_torch_raises
def softmax(
    input: Tensor,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
    *,
    where: Tensor | None = None,
) -> Tensor:
    """Probabilities: `exp(z_j) / sum_k exp(z_k)` along one axis.

    Args:
        input: logits of any shape; float64, float32, float16 or bfloat16 (with `dtype`, any real
            dtype).
        dim: the axis whose entries sum to one. None is deprecated, as in torch: it means 0 for
            inputs of 0, 1 or 3 axes, else 1.
        _stacklevel: of the warning that says so, as in torch.
        dtype: the input is converted to it first.
        where: bool, broadcast to the input: the entries that count. The others are as if they were
            -inf, whatever they are.

    Returns:
        The input's shape, in `dtype` or else in the input's dtype, as torch returns it, also under
        autocast. A logit of -inf has probability 0; a row of only -inf, or with nan or two +inf,
        is nan.

    Raises:
        TypeError, IndexError: the input is not a tensor of real numbers, or has no such axis; each
            is a RuntimeError, too.

    Examples:
        >>> import torch
        >>> softmax(torch.tensor([[5.0, 4.0, 2.0], [4.0, 2.0, 8.0]]), dim=1)
        tensor([[0.7054, 0.2595, 0.0351],
                [0.0179, 0.0024, 0.9796]])

    Differs from torch.nn.functional.softmax: rounding errors of z - max are carried along, so that
    a small probability is accurate to its last digits.

    Probabilities below the smallest normal number (1.2e-38 in float32) are flushed to 0.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    return _softmax("softmax", input, dim, _stacklevel, dtype, where)


@as_torch_raises
def log_softmax(
    input: Tensor,
    dim: int | None = None,
    _stacklevel: int = 3,
    dtype: torch.dtype | None = None,
    *,
    where: Tensor | None = None,
) -> Tensor:
    """Log-probabilities: `z_j - log sum_k exp(z_k)` along one axis, in nats.

    Args:
        input: logits of any shape; float64, float32, float16 or bfloat16 (with `dtype`, any real
            dtype).
        dim: the axis whose probabilities sum to one. None is deprecated, as in torch: it means 0
            for inputs of 0, 1 or 3 axes, else 1.
        _stacklevel: of the warning that says so, as in torch.
        dtype: the input is converted to it first.
        where: bool, broadcast to the input: the entries that count. The others are as if they were
            -inf, whatever they are.

    Returns:
        The input's shape, in `dtype` or else in the input's dtype, as torch returns it, also under
        autocast.

    Raises:
        TypeError, IndexError: the input is not a tensor of real numbers, or has no such axis; each
            is a RuntimeError, too.

    Examples:
        >>> import torch
        >>> log_softmax(torch.tensor([17.0, 0.0, 0.0]), dim=0)
        tensor([-8.2799e-08, -1.7000e+01, -1.7000e+01])

    Differs from torch.nn.functional.log_softmax: the entry of the maximum is -log1p(sum of the
    others), which torch rounds to 0 in float32 for gaps of 17 and more.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    return _softmax("log_softmax", input, dim, _stacklevel, dtype, where)


def _softmax(
    name: str,
    input: Any,
    dim: Any,
    stacklevel: int,
    dtype: torch.dtype | None,
    where: Tensor | None,
) -> Tensor:
    z = as_tensor("input", input)
    if dim is None:
        # Two more frames than in torch: this function, and the one that translates errors.
        dim = functional._get_softmax_dim(name, z.dim(), stacklevel + 2)  # type: ignore[attr-defined]
    z = as_floats("input", as_cast(z, on_cpu=False) if dtype is None else z.to(dtype))
    z = z if where is None else as_masked("input", z, where)
    axis, log = as_dim(dim, z), name == "log_softmax"
    if not z.dim():
        return _along(z.unsqueeze(0), 0, log).squeeze(0)
    if not z.numel():  # torch's, which can be differentiated any number of times
        return torch.log_softmax(z, axis) if log else torch.softmax(z, axis)
    return _along(z, axis, log)


def _along(z: Tensor, dim: int, log: bool) -> Tensor:
    route = route_of(z)
    if route.path is Path.COMPOSED:
        return composed.softmax(z, dim, log=log)
    if route.eager and not is_recorded(z):
        return kernels.softmax(z, dim, log=log)
    return softmax_operator(z, dim, log)  # type: ignore[no-any-return]


@as_torch_raises
def logsumexp(
    input: Tensor,
    dim: int | Sequence[int],
    keepdim: bool = False,
    *,
    where: Tensor | None = None,
) -> Tensor:
    """`log sum_k exp(z_k)` along one axis or several, in nats.

    Args:
        input: any shape, any real dtype; integers and bool are computed in torch's default dtype.
        dim: the axis that is summed over, or several; () means all of them.
        keepdim: leave the summed axes in place with length 1.
        where: bool, broadcast to the input: the entries that count.

    Returns:
        The input's shape without those axes, in the input's dtype as torch returns it, also under
        autocast. Only -inf, or no number at all, gives -inf (the logarithm of 0), any +inf gives
        +inf; where a row has no probabilities, its gradient is 0.

    Raises:
        TypeError, ValueError, IndexError: the input is not a tensor of real numbers, has no such
            axis, or an axis is named twice; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> logsumexp(torch.tensor([-1000.0, -1000.0]), 0)
        tensor(-999.3068)
        >>> logsumexp(torch.zeros(2, 3, 4), (0, 2), keepdim=True).shape
        torch.Size([1, 3, 1])

    Differs from torch.logsumexp: complex numbers are refused; the gradient is 0, not nan, where all
    logits are -inf or two are +inf, and p where a single one is +inf; no `out`.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    z = as_floats("input", as_cast(as_real(input), on_cpu=False))
    z = z if where is None else as_masked("input", z, where)
    several = dim if isinstance(dim, (tuple, list)) else [dim]
    axes = [as_dim(one, z) for one in several] or list(range(z.dim()))
    if len(set(axes)) < len(axes):
        raise ValueError(f"dim must name an axis once, got {dim}")
    if not z.dim():
        return _log_sums(z.unsqueeze(0), 0).to(z.dtype)
    if not z.numel():
        return torch.logsumexp(z, axes, keepdim)
    flat, axis = z, axes[0]
    if len(axes) > 1:
        axis = z.dim() - len(axes)
        flat = z.movedim(axes, list(range(axis, z.dim()))).flatten(axis)
    sums = _log_sums(flat, axis).to(z.dtype)
    for each in sorted(axes) if keepdim else ():
        sums = sums.unsqueeze(each)
    return sums


def _log_sums(z: Tensor, dim: int) -> Tensor:
    """lse of every row; the infinity itself where a row has no probabilities."""
    route = route_of(z)
    if route.eager:
        found = row_results(route, z, dim).lse
        if not found.isnan().any():
            return found
    largest = z.detach().amax(dim)
    lost = (largest == -math.inf) | ((largest == math.inf) & ((z == math.inf).sum(dim) > 1))
    found = row_results(route, z, dim, keep=lost.logical_not()).lse
    return torch.where(lost, largest.to(found.dtype), found)


@as_torch_raises
def sigmoid(input: Tensor) -> Tensor:
    """The probability of yes: `1 / (1 + exp(-z))`, element by element.

    Args:
        input: any shape, any real dtype; integers and bool are computed in torch's default dtype.

    Returns:
        The same shape and dtype.

    Raises:
        TypeError: the input is not a tensor of real numbers; it is also a RuntimeError.

    Examples:
        >>> import torch
        >>> logit = torch.tensor(20.0, requires_grad=True)
        >>> sigmoid(logit).backward()
        >>> logit.grad
        tensor(2.0612e-09)

    Differs from torch.sigmoid: the gradient is s(z) s(-z), where torch's (1 - s) s is 0 in
    float32 for z of 17 and more.
    """
    z = as_real(input)
    wide = z if z.dtype == torch.float64 else z.float()
    if is_eager_cpu(wide):
        node: Any = _Sigmoid
        return node.apply(wide).to(z.dtype)  # type: ignore[no-any-return]
    side = torch.sigmoid(torch.where(wide > 0, -wide, wide))  # at most one half
    return torch.where(wide > 0, 1 - side, side).to(z.dtype)


class _Sigmoid(torch.autograd.Function):
    """torch's values, within 2.4 ulp in half the kernel's time; not its derivative s (1 - s)."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return torch.sigmoid(z)

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return upstream * sigmoid(z) * sigmoid(-z)


@as_torch_raises
def log_sigmoid(input: Tensor) -> Tensor:
    """The log-probability of yes: `-log1p(exp(-z))`, element by element, in nats.

    Args:
        input: any shape, any real dtype; integers and bool are computed in torch's default dtype.

    Returns:
        The same shape and dtype.

    Raises:
        TypeError: the input is not a tensor of real numbers; it is also a RuntimeError.

    Examples:
        >>> import torch
        >>> log_sigmoid(torch.tensor([-1000.0, 0.0, 50.0]))
        tensor([-1.0000e+03, -6.9315e-01, -1.9287e-22])

    Differs from torch.nn.functional.logsigmoid: integers are accepted.

    References:
        M. Maechler (2012), "Accurately computing log(1 - exp(-|a|))", vignette of the R package
        Rmpfr.
    """
    # torch's own is within 1.5 ulp (its gradient 2.3) and as fast as the kernel.
    return functional.logsigmoid(as_real(input))


def as_real(input: Any) -> Tensor:
    """Real numbers: integers and bool become torch's default dtype, as in torch."""
    z = as_tensor("input", input)
    if not (z.is_floating_point() or z.is_complex()):
        z = z.to(torch.get_default_dtype())
    return as_floats("input", z)


def as_cast(z: Tensor, *, on_cpu: bool) -> Tensor:
    """Halves as float32 where autocast converts them for torch's function of the same name.

    That is for softmax, log_softmax and logsumexp except on a CPU; for nll_loss everywhere.
    """
    kind = z.device.type
    if (
        z.dtype in (torch.float16, torch.bfloat16)
        and (on_cpu or kind != "cpu")
        and torch.amp.is_autocast_available(kind)
        and torch.is_autocast_enabled(kind)
    ):
        return z.float()
    return z


def as_dim(dim: Any, z: Tensor) -> int:
    """An axis of the tensor, counted from 0; a single number has the axes 0 and -1."""
    index, ndim = as_integer("dim", dim), max(z.dim(), 1)
    if not -ndim <= index < ndim:
        raise IndexError(
            f"dim must be in {-ndim}..{ndim - 1} for an input of shape {tuple(z.shape)}, got"
            f" {index}"
        )
    return index % ndim
