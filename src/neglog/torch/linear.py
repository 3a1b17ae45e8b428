"""The loss and the statistics of a linear layer's logits, without all the logits."""

from typing import Any

import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from .._contract import as_positive, check_shape
from .._head.info import HeadInfo, check_info, fill
from ._arguments import as_int64, as_temperature, check_class_target, check_tensor
from ._autograd import head as head_loss
from ._autograd.loss import loss
from ._engines import kernels
from ._engines.composed import RowResults
from ._engines.kernels import RESULTS
from ._errors import as_torch_raises
from ._head_arguments import as_head, shape_of_logits
from ._operators.head import results, results_of_logits
from ._problem import prepare_rows, softened
from ._route import Path, route_of, route_of_head
from .losses import cross_entropy
from .statistics import as_stats_target, stats_of


@as_torch_raises
def linear_cross_entropy(
    input: Tensor,  # (..., D)
    linear_weight: Tensor,  # (V, D)
    target: Tensor,  # (...) classes, or (..., V) probabilities
    *,
    linear_bias: Tensor | None = None,  # (V,)
    weight: Tensor | None = None,  # (V,)
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    row_weight: Tensor | None = None,  # (...)
    z_loss: float = 0.0,
    temperature: float | Tensor = 1.0,  # a number, or (...)
    softcap: float | None = None,
    memory: int | None = None,
    grad_tolerance: float = 0.0,
    info: HeadInfo | None = None,
) -> Tensor:
    """`cross_entropy(linear(input, linear_weight, linear_bias), target)`, without all the logits.

    The logits are computed a chunk of rows at a time and are never kept: a chunk's logits are
    replaced by their gradient, which two more products carry to input and linear_weight. A
    gradient that is not wanted costs no product; on a CPU neither do rows that are ignored or have
    the weight 0.

    On a CPU the gradients of a mean or a sum are computed together with the loss, and multiplied by
    the upstream gradient when it comes. With "none", under hooks of saved tensors (checkpoints), on
    other devices and in `linear_row_stats` the backward pass computes the logits a second time. On
    other devices nothing waits for the device, and a few arrays of a chunk's size exist at a time.
    Inside torch.func and in forward mode, for a second derivative, and if weight, row_weight,
    target probabilities or the temperature require a gradient, all logits are built: the result is
    right, but needs the memory that this function is meant to save.

    Args:
        input: shape (..., D); float64, float32, float16, bfloat16. Autocast converts input,
            linear_weight and linear_bias to its dtype, as for torch's linear.
        linear_weight: shape (V, D), one row per class, of input's dtype; may be an embedding's
            weight.
        target: integers (...), or floats (..., V), probabilities.
        linear_bias: shape (V,).
        weight: shape (V,), a factor for each class.
        reduction: "mean", "sum" or "none" (one loss per row).
        ignore_index: rows with this target are skipped; None means -100.
        label_smoothing: in [0, 1].
        row_weight: shape (...), a factor for each row.
        z_loss: the factor of lse^2.
        temperature: divides the logits; a number, or one number per row.
        softcap: c bounds the logits as c * tanh(z / c), after bias and temperature.
        memory: bytes for a chunk of logits, at least one row of them; None: as many as
            linear_weight takes, at least 64 MiB. A chunk then has at least as many rows as input
            has columns; with fewer rows its products are slower.
        grad_tolerance: in [0, 1); entries of p - y up to it are combined, see
            `neglog.linear_cross_entropy_and_grad`. The loss stays exact, as do gradients on other
            devices and wherever all logits are built.
        info: a `HeadInfo` that the call fills in: how much was left out of the gradients, and a
            bound on the error of each row of input's gradient, times the upstream gradient.
            Only for a mean or a sum, whose gradients are computed with the loss.

    Returns:
        As `cross_entropy`. Gradients of halves are rounded after the upstream gradient was
        multiplied in; on a CPU those of bfloat16 may be rounded before as well, and under
        torch.compile they are. There, halves that
        need more than one chunk take panels of classes instead: the logits are computed twice, in
        four products instead of three, without float32 sums of the size of linear_weight (float16
        has such sums). With a softcap, a tolerance or probabilities per row there are chunks, and
        such sums.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> hidden, classes = torch.tensor([[1.0, 2.0]]), torch.eye(2, requires_grad=True)
        >>> loss = linear_cross_entropy(hidden, classes, torch.tensor([1]))
        >>> loss.backward()
        >>> loss.detach(), classes.grad
        (tensor(0.3133), tensor([[ 0.2689,  0.5379],
                [-0.2689, -0.5379]]))

    Differs from torch.nn.functional.linear_cross_entropy: as `cross_entropy` from torch's; always
    in chunks and with every option; input may have any leading shape, linear_weight is (V, D).

    References:
        E. Wijmans et al. (2025), "Cut your losses in large-vocabulary language models", ICLR.
    """
    check_info(info)
    head = as_head(input, linear_weight, linear_bias, memory, grad_tolerance)
    soft = isinstance(target, Tensor) and target.is_floating_point()
    if soft and ignore_index is not None:
        raise ValueError(
            f"ignore_index must be None when target holds probabilities, got {ignore_index};"
            " to skip a row, set its row_weight to 0"
        )
    options = (target, weight, row_weight)
    route = route_of_head(head[:3], *options, temperature, one_number=reduction != "none")
    composed = route.path is Path.COMPOSED
    logits = F.linear(*head[:3]) if composed else shape_of_logits(head)
    dim = logits.dim() - 1
    classes, probs, problem = prepare_rows(
        route, logits, dim, target, weight, row_weight,
        -100 if ignore_index is None else ignore_index, label_smoothing, z_loss, temperature,
        softcap, reduction,
    )  # fmt: skip
    if composed:
        if soft and probs is not None:
            probs = softened(probs, dim, problem)
        if info is not None:
            fill(info, None, tuple(input.shape[:-1]))
        route = route_of(logits, *options, temperature=temperature)
        return loss(route, logits, classes, probs, problem)
    return head_loss.loss(route, head, classes, probs, problem, info)


def is_plain(layer: nn.Module) -> bool:
    """Whether calling the layer does nothing but multiply by its weights, and nothing watches."""
    return (
        type(layer).forward is nn.Linear.forward
        and "forward" not in vars(layer)
        and not layer._forward_pre_hooks
        and not layer._forward_hooks
        and not layer._backward_pre_hooks
        and not layer._backward_hooks
        and not _has_hooks_of_all_modules()
    )


def _has_hooks_of_all_modules() -> bool:
    """torch 2.6 has no function for it."""
    of_all = nn.modules.module
    return bool(
        of_all._global_forward_pre_hooks
        or of_all._global_forward_hooks
        or of_all._global_backward_pre_hooks
        or of_all._global_backward_hooks
    )


def loss_of_layer(
    layer: nn.Module, input: Tensor, target: Tensor, ignore_index: int | None, **options: Any
) -> Tensor:
    """The loss of all logits, which the layer computes."""
    logits = layer(input)
    if logits.dim() > 2:  # cross_entropy has the classes on the second axis
        logits = logits.movedim(-1, 1)
        target = target.movedim(-1, 1) if target.is_floating_point() else target
    ignore = -100 if ignore_index is None else ignore_index
    return cross_entropy(logits, target, ignore_index=ignore, **options)


@as_torch_raises
def linear_row_stats(
    input: Tensor,  # (..., D)
    linear_weight: Tensor,  # (V, D)
    target: Tensor,  # (...)
    *,
    linear_bias: Tensor | None = None,  # (V,)
    ignore_index: int = -100,
    temperature: float | Tensor = 1.0,  # a number, or (...)
    softcap: float | None = None,
    chosen: Tensor | None = None,  # (..., K)
    memory: int | None = None,
) -> Any:
    """`row_stats` of a linear layer's logits, without all of them.

    Args:
        input: shape (..., D), and like the next, linear_bias and memory as for
            `linear_cross_entropy`.
        linear_weight: shape (V, D), one row per class.
        target: integers (...).
        linear_bias: shape (V,).
        ignore_index: a row with this target has the nll 0, and everything else as it is.
        temperature: divides the logits; a number, or one number per row.
        softcap: c bounds the logits as c * tanh(z / c), after bias and temperature.
        chosen: integers (..., K), classes of each row whose log-probabilities are wanted: a
            teacher's likeliest classes, or sampled ones.
        memory: as for `linear_cross_entropy`.

    Returns:
        RowStats(nll, lse, entropy, argmax), each of the target's shape; with `chosen` the pair
        (RowStats, log-probabilities (..., K)). float64 for float64, else float32; all but argmax
        are differentiable, alone and together.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError.

    Examples:
        >>> import torch
        >>> hidden, classes = torch.tensor([[1.0, 2.0]]), torch.eye(2)
        >>> target, chosen = torch.tensor([1]), torch.tensor([[0, 1]])
        >>> stats, log_probs = linear_row_stats(hidden, classes, target, chosen=chosen)
        >>> stats.nll, stats.argmax, log_probs
        (tensor([0.3133]), tensor([1]), tensor([[-1.3133, -0.3133]]))

    Differs from row_stats: see `linear_cross_entropy`.
    """
    head = as_head(input, linear_weight, linear_bias, memory)
    route = route_of_head(head[:3], temperature, one_number=False)
    composed = route.path is Path.COMPOSED
    logits = F.linear(*head[:3]) if composed else shape_of_logits(head)
    shape = tuple(head.hidden.shape[:-1])
    warmth = as_temperature(temperature, shape, logits)
    cap = None if softcap is None else as_positive("softcap", softcap, "None")
    check_tensor("target", target, logits)
    num_classes = logits.shape[-1]
    goal, ignored = as_stats_target(route, target, shape, num_classes, ignore_index)
    picked = None if chosen is None else _as_chosen(chosen, logits)
    if picked is not None and route.eager:
        kernels.check_classes(picked, num_classes, name="chosen")
    rest = (goal, None, picked, None, warmth, cap)
    found: Any = (
        results_of_logits(logits, *rest, True, ignored)
        if composed
        else results(*head, *rest, entropy=True)
    )
    *numbers, log_probs = found
    dtype = RESULTS[head.hidden.dtype]
    stats = stats_of(RowResults(*numbers), ignored, dtype)
    return stats if log_probs is None or chosen is None else (stats, log_probs.to(dtype))


def _as_chosen(chosen: Any, logits: Tensor) -> Tensor:
    check_tensor("chosen", chosen, logits)
    shape = tuple(chosen.shape)
    wanted = (*logits.shape[:-1], shape[-1] if shape else 1)
    check_shape("chosen", shape, wanted, "K classes per row")
    check_class_target(chosen, shape)
    return as_int64(chosen)
