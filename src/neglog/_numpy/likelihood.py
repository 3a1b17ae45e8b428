"""Losses computed from log-probabilities, or from all probabilities of a row."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._contract import (
    as_integer,
    check_reduction,
    class_axis,
    warn_input_kind,
    without_axis,
)
from .._engine import RowResults
from .._problem import row_weights
from . import _array_ops as ops
from ._arguments import Problem, reduce_rows
from ._arrays import (
    FLOAT64,
    Array,
    as_class_target,
    as_floats,
    as_logits,
    as_rows,
    as_weights,
    to_result,
)
from .activations import one_minus, row_sums

_TINY = 1e-290  # below, a sum of float64 probabilities has lost digits to underflow


def nll_loss(
    log_probs: npt.ArrayLike,  # (..., V)
    target: npt.ArrayLike,  # (...)
    *,
    weight: npt.ArrayLike | None = None,  # (V,)
    ignore_index: int = -100,
    reduction: str = "mean",
    axis: int = -1,
) -> Any:
    """Negative log-likelihood of log-probabilities: `-w_y log_probs[y]`, the target's entry alone.

    Args:
        log_probs: shape (..., V), any real dtype: the output of `log_softmax`, or np.log(p).
        target: integers of the shape of log_probs without the class axis.
        weight: shape (V,), a factor >= 0 for each class.
        ignore_index: rows with this target are skipped.
        reduction: "mean" (divided by the sum of w_y), "sum" or "none".
        axis: the class axis.

    Returns:
        A scalar, or with "none" one number per row; float64 for float64 and integers, else float32.
        A target with log-probability -inf costs inf.

    Raises:
        TypeError: an argument is not real numbers, or the target not integers.
        ValueError: a shape does not fit, or an option is out of range.
        IndexError: a target is not a class; names the first such row.

    Examples:
        >>> import numpy as np
        >>> p = np.array([[0.2, 0.1, 0.65, 0.05]])
        >>> print(nll_loss(np.log(p), [2]).round(12))
        0.430782916092

    Differs from torch.nn.functional.nll_loss: the class axis is the last, not 1; a mean over no
    row is 0, not nan. Log-probabilities rounded to float32 have lost the loss of a confident row:
    `cross_entropy` takes the logits and keeps it.
    """
    array, dtype = as_floats("log_probs", log_probs)
    axis = class_axis(axis, array.shape)
    check_reduction(reduction)
    ignore, num_classes = as_integer("ignore_index", ignore_index), array.shape[axis]
    if weight is not None:
        weight = as_weights("weight", weight, (num_classes,), "one number per class")
    shape = without_axis(array.shape, axis)
    classes, ignored = as_class_target(target, shape, num_classes, ignore)
    rows = np.moveaxis(array, axis, -1).reshape(-1, num_classes)
    picked = rows[np.arange(len(rows)), classes.clip(0, num_classes - 1)].astype(FLOAT64)
    problem = Problem()
    problem.reduction, problem.dtype, problem.rows_shape = reduction, dtype, shape
    coef, _ = row_weights(ops, classes, num_classes, ignore if ignored else None, weight, None)
    problem.nll_coef, problem.total = coef, None if coef is None else ops.sum(coef)
    # 0 - x, because -x would make -0.0 of a certain row.
    return problem.reduce(RowResults(0.0 - picked, None, None, None, None))


def min_entropy(logits: npt.ArrayLike, *, axis: int = -1) -> Any:
    """`-log max_j p_j`: the surprise if the likeliest class comes true, in nats. Needs no target.

    Some texts introduce the negative log-likelihood as this number, "-log of the largest softmax
    output". It is a measure of confidence, not a loss: it falls when the model grows surer of a
    wrong class. The loss is `-log p_y` with y the true class, `cross_entropy`; the two agree on
    the rows that are classified rightly.

    Args:
        logits: shape (..., V), any real dtype.
        axis: the class axis.

    Returns:
        Shape (...), a scalar for one row, from 0 to log V; float64 for float64 and integers, else
        float32. Computed as log1p(sum of the others).

    Raises:
        TypeError: the logits are not real numbers.
        ValueError: no class axis, or a class axis of length 0.

    Examples:
        >>> import numpy as np
        >>> logits = np.log([[0.7, 0.2, 0.1], [0.25, 0.5, 0.25]])
        >>> min_entropy(logits).round(4)
        array([0.3567, 0.6931])

    Differs from scipy.stats.entropy: the Renyi entropy of order infinity, not Shannon's.

    References:
        A. Renyi (1961), "On measures of entropy and information", Proc. 4th Berkeley Symposium.
    """
    array, dtype = as_floats("logits", logits)
    axis = class_axis(axis, array.shape)
    rows = as_logits(array, axis)
    nll = _engine.run_rows(rows, _argmax(rows)).nll
    assert nll is not None
    return to_result(nll, dtype, without_axis(array.shape, axis))


def one_vs_rest_nll(
    logits: npt.ArrayLike,  # (..., V)
    target: npt.ArrayLike,  # (...)
    *,
    reduction: str = "mean",
    axis: int = -1,
) -> Any:
    """`-log p_y - sum over the other classes j of log(1 - p_j)`, p the softmax, in nats.

    Each probability is scored as a yes-or-no answer: the target's by -log p, the others' by
    -log(1 - p). Some texts say that PyTorch's loss is computed this way, over all outputs. It is
    not: PyTorch's NLLLoss uses the target's entry alone (`nll_loss`), and a softmax couples the
    outputs, so that this sum counts the same mistake twice. Those texts also add a small epsilon
    inside the logarithm against infinity; here log(1 - p_j) comes from the logits and is finite
    whenever the logits are.

    Args:
        logits: shape (..., V), any real dtype.
        target: integers of the logits' shape without the class axis.
        reduction: "mean" (over the rows), "sum" or "none".
        axis: the class axis.

    Returns:
        A scalar, or with "none" one number per row; float64 for float64 and integers, else float32.

    Raises:
        TypeError: an argument is not real numbers, or the target not integers.
        ValueError: a shape does not fit, or an option is out of range.
        IndexError: a target is not a class; names the first such row.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import numpy as np
        >>> logits = np.log([[0.2, 0.1, 0.65, 0.05]])
        >>> one_vs_rest_nll(logits + 3.0, [2]).round(6)
        np.float64(0.81058)
        >>> -np.log(0.65 * 0.8 * 0.9 * 0.95).round(6)
        np.float64(0.81058)

    Differs from torch.nn.functional.binary_cross_entropy_with_logits: the probabilities are those
    of one softmax, not of a sigmoid each.
    """
    array, dtype = as_floats("logits", logits)
    axis = class_axis(axis, array.shape)
    check_reduction(reduction)
    shape = without_axis(array.shape, axis)
    classes, _ = as_class_target(target, shape, array.shape[axis])
    rows = as_rows(array, axis)
    warn_input_kind(_engine.input_kind(rows))
    wide = rows.astype(FLOAT64, copy=False)
    nll = _engine.run_rows(wide, classes).nll
    against = minus_log_complement(wide)
    against[np.arange(len(wide)), classes] = 0.0
    with np.errstate(over="ignore"):
        losses = nll + row_sums(against)
    return reduce_rows(losses, reduction, dtype, shape)


def _argmax(rows: Array) -> Array:
    top = _engine.run_rows(rows, argmax=True).argmax
    assert top is not None
    return top


def minus_log_complement(rows: Array) -> Array:
    """-log(1 - p_j) for every entry of float64 rows, finite wherever the logits are.

    Three regimes: log1p(-p) loses nothing up to one half. Above, 1 - p is the sum of the others,
    taken without the maximum. Where that sum underflows (a gap over 660), it is a log-sum-exp of
    the others' log-probabilities, which do not know of a common offset in the logits.
    """
    p = np.empty(rows.shape)
    _engine.softmax(rows, p)
    with np.errstate(divide="ignore", invalid="ignore"):
        result = np.where(p > 0.5, -np.log(one_minus(p)), 0.0 - np.log1p(-p))
    high = p.max(axis=1)
    rest = np.where(p > 0.5, 0.0, p).sum(axis=1)
    lost = np.flatnonzero((high > 0.5) & (rest < _TINY))
    if lost.size and rows.shape[1] > 1:
        log_p = np.empty((lost.size, rows.shape[1]))
        _engine.softmax(rows[lost], log_p, log=True)
        top = p[lost].argmax(axis=1)
        log_p[np.arange(lost.size), top] = -np.inf
        second = log_p.max(axis=1, keepdims=True)
        with np.errstate(invalid="ignore"):
            gap = second[:, 0] + np.log(np.exp(log_p - second).sum(axis=1))
        # Only -inf beside the maximum: nothing is left, and log(1 - p) = log 0.
        result[lost, top] = np.where(second[:, 0] == -np.inf, np.inf, -gap)
    return result
