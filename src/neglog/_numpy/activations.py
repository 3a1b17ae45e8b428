"""Softmax, sigmoid, their logarithms, and the softmax's derivative."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._contract import class_axis
from ._arrays import Array, as_floats, as_logits, as_rows, from_rows, to_result
from ._classes import as_mask, as_one_axis, from_one_axis, mask_rows, masked, reduced_shape

_LONG = 8192  # classes


def softmax(
    logits: npt.ArrayLike,
    *,
    axis: int | tuple[int, ...] | None = -1,
    where: npt.ArrayLike | None = None,
) -> Array:
    """Probabilities: `exp(z_j) / sum_k exp(z_k)` along the class axis.

    Args:
        logits: shape (..., V), any real dtype.
        axis: the class axis, or several whose entries together are the classes; None: all.
        where: bool, broadcast to the logits: the classes that count. The others are as if their
            logits were -inf, whatever they are.

    Returns:
        The logits' shape and dtype (float64 for integers). A logit of -inf has probability 0;
        a row of only -inf, or with nan or two +inf, is nan.

    Raises:
        TypeError: the logits are not real numbers, or the mask is not bool.
        ValueError: no class axis, one of length 0, or a mask that does not broadcast.

    Examples:
        >>> import numpy as np
        >>> softmax(np.array([[5.0, 4.0, 2.0], [4.0, 2.0, 8.0]])).round(3)
        array([[0.705, 0.259, 0.035],
               [0.018, 0.002, 0.98 ]])
        >>> softmax([1000, 1000])
        array([0.5, 0.5])
        >>> softmax([1.0, 1.0, 3.0], where=[True, True, False])
        array([0.5, 0.5, 0. ])

    Differs from scipy.special.softmax: the class axis is the last; `where`, as in jax.nn.softmax,
    where a row with no class at all is nan; rounding errors of z - max are kept, so that a
    small probability is good to its last digits.

    Probabilities below the smallest normal number (1.2e-38 in float32) are flushed to 0.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    return _softmax(logits, axis, where, log=False)


def log_softmax(
    logits: npt.ArrayLike,
    *,
    axis: int | tuple[int, ...] | None = -1,
    where: npt.ArrayLike | None = None,
) -> Array:
    """Log-probabilities: `z_j - log sum_k exp(z_k)` along the class axis, in nats.

    Args:
        logits: shape (..., V), any real dtype.
        axis: the class axis, or several, as for `softmax`.
        where: the classes that count, as for `softmax`; the others have -inf.

    Returns:
        The logits' shape and dtype (float64 for integers).

    Raises:
        TypeError: the logits are not real numbers, or the mask is not bool.
        ValueError: no class axis, one of length 0, or a mask that does not broadcast.

    Examples:
        >>> import numpy as np
        >>> log_softmax(np.float32([17, 0, 0]))
        array([-8.279875e-08, -1.700000e+01, -1.700000e+01], dtype=float32)

    Differs from scipy.special.log_softmax: the entry of the maximum is -log1p(sum of the others),
    which SciPy and torch round to 0 in float32 from a gap of 17 on.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    return _softmax(logits, axis, where, log=True)


def _softmax(logits: npt.ArrayLike, axis: Any, where: Any, *, log: bool) -> Array:
    array, _ = as_floats("logits", logits)
    joined, at, axes = as_one_axis(array, axis)
    if where is not None:
        mask, _, _ = as_one_axis(as_mask(where, array.shape), axis)
        rows = as_rows(joined, at)
        # The masked logits lie where the result will: no other array of their size.
        out = rows = mask_rows(as_rows(mask, at), rows, np.empty(rows.shape, rows.dtype))
    else:
        rows = as_logits(joined, at)
        out = np.empty(rows.shape, rows.dtype)
    _engine.softmax(rows, out, log=log)
    result = from_rows(out, joined.shape, at)
    return result if joined is array else from_one_axis(result, array.shape, axes)


def logsumexp(
    logits: npt.ArrayLike,
    *,
    axis: int | tuple[int, ...] | None = -1,
    keepdims: bool = False,
    where: npt.ArrayLike | None = None,
) -> Any:
    """`log sum_k exp(z_k)` along one axis or several, in nats.

    Args:
        logits: shape (..., V), any real dtype.
        axis: the axis that is summed over, or several; None: all.
        keepdims: leave the summed axes in place with length 1.
        where: bool, broadcast to the logits: the entries that count.

    Returns:
        Shape (...), a scalar for one row; float64 for float64 and integers, else float32. Only
        -inf gives -inf (the logarithm of 0), any +inf gives +inf.

    Raises:
        TypeError: the logits are not real numbers, or the mask is not bool.
        ValueError: no axis, one of length 0, or a mask that does not broadcast.

    Examples:
        >>> import numpy as np
        >>> print(logsumexp([-1000.0, -1000.0]))
        -999.3068528194401
        >>> logsumexp(np.zeros((2, 4)), keepdims=True).shape
        (2, 1)

    Differs from scipy.special.logsumexp: the axis is the last, a mask instead of factors; float16
    gives float32.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    array, dtype = as_floats("logits", logits)
    given = array if where is None else masked(array, where)
    joined, at, axes = as_one_axis(given, axis)
    lse = _engine.run_rows(as_logits(joined, at), lse=True).lse
    assert lse is not None
    # A row without probabilities (only -inf, or two +inf) has nan as its statistics, and still a
    # log-sum-exp: its maximum, which is also nan where the row has one.
    lost = np.isnan(lse)
    if np.logical_or.reduce(lost):
        with np.errstate(invalid="ignore"):
            lse[lost] = as_rows(joined, at)[lost].max(axis=1)
    return to_result(lse, dtype, reduced_shape(array.shape, axes, keepdims))


def sigmoid(logits: npt.ArrayLike) -> Any:
    """The probability of yes: `1 / (1 + exp(-z))`, element by element.

    Args:
        logits: any shape, any real dtype.

    Returns:
        The same shape and dtype (float64 for integers).

    Raises:
        TypeError: the logits are not real numbers.

    Examples:
        >>> import numpy as np
        >>> sigmoid(np.array([-1000.0, 0.0, 1000.0]))
        array([0. , 0.5, 1. ])

    Differs from scipy.special.expit: half precision is computed in float32, and integers in
    float64.
    """
    return _sigmoid(logits, log=False)


def log_sigmoid(logits: npt.ArrayLike) -> Any:
    """The log-probability of yes: `-log1p(exp(-z))`, element by element, in nats.

    Args:
        logits: any shape, any real dtype.

    Returns:
        The same shape and dtype (float64 for integers).

    Raises:
        TypeError: the logits are not real numbers.

    Examples:
        >>> import numpy as np
        >>> log_sigmoid(np.array([-1000.0, 0.0, 50.0]))
        array([-1.00000000e+03, -6.93147181e-01, -1.92874985e-22])

    Differs from scipy.special.log_expit: half precision is computed in float32, and integers in
    float64.

    References:
        M. Maechler (2012), "Accurately computing log(1 - exp(-|a|))", vignette of the R package
        Rmpfr.
    """
    return _sigmoid(logits, log=True)


def _sigmoid(logits: npt.ArrayLike, *, log: bool) -> Any:
    array, _ = as_floats("logits", logits)
    flat = as_rows(array.reshape(1, -1), 1)[0]
    out = np.empty(flat.shape, flat.dtype)
    _engine.sigmoid(flat, out, log=log)
    return out.reshape(array.shape)[()]


def softmax_jacobian(logits: npt.ArrayLike) -> Array:
    """The derivative of the softmax: `dp_i/dz_j = p_i (1 - p_i)` if i = j, else `-p_i p_j`.

    Args:
        logits: shape (..., V), any real dtype; the classes lie along the last axis.

    Returns:
        Shape (..., V, V), the logits' dtype (float64 for integers). Symmetric; every row and
        column sums to 0.

    Raises:
        TypeError: the logits are not real numbers.
        ValueError: no class axis, or a class axis of length 0.

    Examples:
        >>> import numpy as np
        >>> softmax_jacobian(np.log([0.5, 0.25, 0.25]))
        array([[ 0.25  , -0.125 , -0.125 ],
               [-0.125 ,  0.1875, -0.0625],
               [-0.125 , -0.0625,  0.1875]])

    Differs from np.diag(p) - np.outer(p, p): 1 - p is the sum of the others where p is above one
    half, so that a probability near 1 costs no digits. Training never needs this matrix: with
    the loss behind it, it collapses to p - y.
    """
    array, dtype = as_floats("logits", logits)
    class_axis(-1, array.shape)
    p = _softmax(array.astype(dtype, copy=False), -1, None, log=False)
    jacobian = -p[..., :, None] * p[..., None, :]
    diagonal = np.einsum("...ii->...i", jacobian)  # a view
    diagonal[...] = p * one_minus(p)
    return jacobian.astype(array.dtype, copy=False)


def one_minus(p: Array) -> Array:
    """1 - p for rows (..., V) of probabilities, without cancellation.

    Up to one half 1 - p is exact but for one rounding. At most one entry of a row lies above: its
    complement is the sum of the others, taken without it.
    """
    rest = row_sums(np.where(p > 0.5, 0.0, p))[..., None]
    return np.where(p > 0.5, rest, 1.0 - p).astype(p.dtype, copy=False)


def row_sums(values: Array) -> Array:
    """Sums along the last axis, in extended precision for long rows.

    NumPy 1.26 adds a million equal numbers with an error of 7 ulp; NumPy 2 makes none.
    """
    wide = np.longdouble if values.shape[-1] > _LONG else None
    sums: Array = values.sum(axis=-1, dtype=wide)
    return sums.astype(values.dtype, copy=False)
