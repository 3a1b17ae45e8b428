"""The binary cross-entropy: every element is a separate yes-or-no question."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._contract import check_reduction, check_shape
from .._problem import weighted
from . import _array_ops as ops
from ._arguments import reduce_rows
from ._arrays import (
    CONTIGUOUS_ALIGNED,
    FLOAT64,
    Array,
    as_array,
    as_floats,
    as_weights,
)
from ._out import check_out


def binary_cross_entropy(
    logits: npt.ArrayLike,  # any shape
    target: npt.ArrayLike,  # the same shape, in [0, 1]
    *,
    weight: npt.ArrayLike | None = None,
    pos_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Negative log-likelihood of yes and no: `-(t log s(z) + (1-t) log(1 - s(z)))`, s the sigmoid.

    With weights: w_i (q t -log s(z) + (1-t) -log s(-z)), where q is `pos_weight`.

    Args:
        logits: any shape, any real dtype.
        target: the logits' shape, numbers in [0, 1] of any real dtype or bool.
        weight: broadcasts to the logits' shape, a factor >= 0 for each element; elements of
            weight 0 are skipped.
        pos_weight: broadcasts to the logits' shape (most often (V,)), a factor >= 0 for yes.
        reduction: "mean" (over all elements, whatever their weights), "sum" or "none".

    Returns:
        A scalar, or with "none" the logits' shape; float64 for float64 and integers, else
        float32. In nats. A mean over no element is 0.

    Raises:
        TypeError: an argument is not real numbers, or a masked array.
        ValueError: a shape, a target outside [0, 1], a negative weight, an unknown reduction.

    Examples:
        >>> import numpy as np
        >>> print(binary_cross_entropy(np.array([0.0, 2.0]), [1, 0]).round(6))
        1.410038
        >>> binary_cross_entropy(np.float32([40, -1e30]), [1, 1], reduction="none")
        array([4.248354e-18, 1.000000e+30], dtype=float32)

    Differs from torch's binary_cross_entropy_with_logits: targets outside [0, 1] are refused (-1
    for no is another loss); a mean over no element is 0, not nan. The name without "with_logits"
    is ours because there is no form that takes probabilities.

    References:
        M. Maechler (2012), "Accurately computing log(1 - exp(-|a|))", vignette of the R package
        Rmpfr.
    """
    return _binary(logits, target, weight, pos_weight, reduction, None, False)[0]


def binary_cross_entropy_and_grad(
    logits: npt.ArrayLike,  # any shape
    target: npt.ArrayLike,  # the same shape, in [0, 1]
    *,
    weight: npt.ArrayLike | None = None,
    pos_weight: npt.ArrayLike | None = None,
    reduction: str = "mean",
    out: Array | None = None,
) -> tuple[Any, Array]:
    """The loss of `binary_cross_entropy` and its gradient, `s(z) - t` without weights.

    Args:
        logits: any shape, and every other argument as for `binary_cross_entropy`.
        target: the logits' shape, in [0, 1].
        weight: broadcasts to the logits' shape.
        pos_weight: broadcasts to the logits' shape.
        reduction: "mean", "sum" or "none"; with "none" every element gets the gradient of its
            own loss.
        out: receives the gradient; shape and dtype of the gradient. May be the logits
            themselves, which are then overwritten.

    Returns:
        (loss, gradient): the gradient in the logits' shape and dtype (float64 for integers).

    Raises:
        TypeError, ValueError: as `binary_cross_entropy`, and for an `out` of another shape or
            dtype, read-only, or overlapping an input other than as the logits themselves.

    Examples:
        >>> import numpy as np
        >>> loss, gradient = binary_cross_entropy_and_grad(np.array([0.0, 0.0]), [1, 0])
        >>> gradient
        array([-0.25,  0.25])

    Differs from torch: no graph and no second pass.
    """
    loss, gradient = _binary(logits, target, weight, pos_weight, reduction, out, True)
    assert gradient is not None
    return loss, gradient


def _binary(
    logits: Any, target: Any, weight: Any, pos_weight: Any, reduction: Any, out: Any, wanted: bool
) -> tuple[Any, Array | None]:
    """Loss and, if wanted, gradient."""
    array, dtype = as_floats("logits", logits)
    shape = array.shape
    check_reduction(reduction)
    goal = _as_binary_target(target, shape, dtype)
    factor = _spread("weight", weight, shape)
    columns, positive = _positive_factor(pos_weight, shape)
    if out is not None:
        inputs = {"target": target, "weight": weight, "pos_weight": pos_weight}
        check_out(out, shape, array.dtype, logits, **inputs)
    # A factor meets the gradient after the engine: in half precision that would round twice.
    z = _packed(array if factor is None else array.astype(dtype, copy=False)).reshape(columns)
    grad = _place(z, out) if wanted else None
    scale = 1.0 / array.size if reduction == "mean" and array.size else 1.0
    nll = _engine.binary(z, goal.reshape(columns), pos_weight=positive, scale=scale, grad=grad)
    nll = nll.reshape(-1)
    if factor is not None:
        nll = weighted(ops, factor, nll)
        grad = None if grad is None else weighted(ops, factor.astype(dtype), grad.reshape(-1))
    loss = reduce_rows(nll, reduction, dtype, shape)
    return loss, None if grad is None else _deliver(grad.reshape(shape), array.dtype, out)


def _packed(array: Array) -> Array:
    """C-contiguous and aligned, as the engine reads it."""
    fits = array.flags.num & CONTIGUOUS_ALIGNED == CONTIGUOUS_ALIGNED
    return array if fits else array.copy(order="C")


def _place(z: Array, out: Any) -> Array:
    """Room for the gradient of z: `out` itself where its layout and dtype allow."""
    if out is None or out.dtype != z.dtype or _packed(out) is not out:
        return np.empty(z.shape, z.dtype)
    return np.asarray(out).reshape(z.shape)


def _as_binary_target(target: Any, shape: tuple[int, ...], dtype: Any) -> Array:
    """Numbers in [0, 1] of the logits' shape in the dtype that is computed in."""
    array = as_array("target", target)
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"target must be real numbers or bool, got dtype {array.dtype}; names become bool by"
            ' comparison, as target == "yes"'
        )
    check_shape("target", array.shape, shape, "that of the logits")
    goal = array.astype(dtype, order="C", copy=False)
    if goal.size:
        # fmin and fmax look past nan, which harms its own element only.
        low, high = np.fmin.reduce(goal, axis=None), np.fmax.reduce(goal, axis=None)
        if low < 0 or high > 1:
            raise ValueError(
                f"target must lie in [0, 1], got {low} to {high};"
                " if no is -1, pass (target + 1) / 2"
            )
    return _packed(goal)


def _spread(name: str, value: Any, shape: tuple[int, ...]) -> Array | None:
    """Checked factors, one an element of this shape, flat."""
    if value is None:
        return None
    array = as_array(name, value)
    flat = as_weights(name, array, array.shape, "its own")
    try:
        return np.broadcast_to(flat.reshape(array.shape), shape).reshape(-1)
    except ValueError:
        raise ValueError(
            f"{name} must broadcast to the logits' shape {shape}, got {array.shape}"
        ) from None


def _positive_factor(value: Any, shape: tuple[int, ...]) -> tuple[tuple[int, int], Array | None]:
    """The 2-D shape to compute in, and a factor for each of its columns."""
    size, last = int(np.prod(shape)), shape[-1] if shape else 1
    rows = (size // last, last) if last else (0, 1)
    if value is None:
        return rows, None
    factor = _spread("pos_weight", value, shape)
    array = as_array("pos_weight", value)
    if array.size == 1 or array.shape[-1:] == (array.size,) == (last,):
        return rows, np.full(rows[1], array.reshape(-1).astype(FLOAT64))
    return (1, size), factor


def _deliver(grad: Array, dtype: Any, out: Any) -> Array:
    """The gradient in the logits' dtype, in `out` if there is one."""
    if out is None:
        return grad.astype(dtype, copy=False)
    if not np.may_share_memory(grad, out):
        with np.errstate(over="ignore"):
            out[...] = grad
    return out  # type: ignore[no-any-return]
