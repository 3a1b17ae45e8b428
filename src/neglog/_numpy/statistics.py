"""Statistics of rows of logits: loss, entropy, likeliest class, divergence."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._contract import (
    RowStats,
    as_integer,
    as_positive,
    check_shape,
    class_axis,
    warn_input_kind,
    without_axis,
)
from ._arguments import as_temperature
from ._arrays import (
    FLOAT64,
    Array,
    DType,
    as_array,
    as_floats,
    as_logits,
    as_rows,
    as_stats_target,
    to_result,
)


def row_stats(
    logits: npt.ArrayLike,  # (..., V)
    target: npt.ArrayLike,  # (...)
    *,
    ignore_index: int = -100,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    axis: int = -1,
) -> RowStats:
    """Loss, log-sum-exp, entropy and likeliest class of every row, in one pass over the logits.

    nll = -log p_y, lse = log sum_j exp z'_j, entropy = -sum_j p_j log p_j and argmax_j z'_j, all
    of the same p = softmax(z') with z' the logits after temperature and softcap.

    Args:
        logits: shape (..., V), any real dtype.
        target: integers of the logits' shape without the class axis.
        ignore_index: a row with this target has the nll 0, and everything else as it is.
        temperature: divides the logits; a number, or one per row.
        softcap: c bounds the logits as c * tanh(z / c), after the temperature.
        axis: the class axis.

    Returns:
        RowStats(nll, lse, entropy, argmax), each of the target's shape (scalars for one row);
        argmax int64 (the first of equals), the others float64 for float64 and integers, else
        float32.

    Raises:
        TypeError: an argument is not real numbers, or the target not integers.
        ValueError: a shape does not fit, or an option is out of range.
        IndexError: a target is neither a class nor ignored; names the first such row.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import numpy as np
        >>> stats = row_stats(np.array([[0.0, 0.0], [0.0, 3.0]]), [0, 0])
        >>> stats.nll.round(4), stats.entropy.round(4), stats.argmax
        (array([0.6931, 3.0486]), array([0.6931, 0.1909]), array([0, 1]))

    Differs from calling torch's cross_entropy, logsumexp, Categorical.entropy and argmax: one
    pass, and the entropy belongs to the same temperature.
    """
    array, dtype = as_floats("logits", logits)
    axis = class_axis(axis, array.shape)
    shape = without_axis(array.shape, axis)
    divisor = as_temperature(temperature, shape)
    cap = None if softcap is None else as_positive("softcap", softcap, "None")
    ignore = as_integer("ignore_index", ignore_index)
    classes, ignored = as_stats_target(target, shape, array.shape[axis], ignore)
    rows = as_logits(array, axis)
    warn_input_kind(_engine.input_kind(rows))
    found = _engine.run_rows(
        rows, classes, temperature=divisor, softcap=cap, lse=True, entropy=True, argmax=True
    )
    return stats_of(found, ignored, dtype, shape)


def stats_of(
    found: _engine.RowResults, ignored: Array | None, dtype: DType, shape: tuple[int, ...]
) -> RowStats:
    """What the engine found of all rows, with the nll of the ignored ones set to 0."""
    nll, lse, spread, top = found.nll, found.lse, found.entropy, found.argmax
    assert nll is not None
    assert lse is not None
    assert spread is not None
    assert top is not None
    if ignored is not None:
        nll[ignored] = 0.0
    return RowStats(
        to_result(nll, dtype, shape),
        to_result(lse, dtype, shape),
        to_result(spread, dtype, shape),
        top.reshape(shape)[()],
    )


def entropy(logits: npt.ArrayLike, *, axis: int = -1) -> Any:
    """Shannon's entropy of the softmax: `-sum_j p_j log p_j` with 0 log 0 = 0, in nats.

    Args:
        logits: shape (..., V), any real dtype.
        axis: the class axis.

    Returns:
        Shape (...), a scalar for one row, from 0 (certain) to log V (knows nothing); float64 for
        float64 and integers, else float32.

    Raises:
        TypeError: the logits are not real numbers.
        ValueError: no class axis, or a class axis of length 0.

    Examples:
        >>> print(entropy([0.0, 0.0]))
        0.6931471805599453
        >>> entropy([[5.0, float("-inf")], [0.0, float("-inf")]])
        array([0., 0.])

    Differs from scipy.stats.entropy and torch's Categorical.entropy: takes logits, and a logit of
    -inf contributes 0.

    References:
        C. E. Shannon (1948), "A mathematical theory of communication", Bell System Technical
        Journal 27.
    """
    array, dtype = as_floats("logits", logits)
    axis = class_axis(axis, array.shape)
    spread = _engine.run_rows(as_logits(array, axis), entropy=True).entropy
    assert spread is not None
    return to_result(spread, dtype, without_axis(array.shape, axis))


def kl_divergence(
    target_probs: npt.ArrayLike,  # (..., V)
    logits: npt.ArrayLike,  # (..., V)
    *,
    axis: int = -1,
) -> Any:
    """`sum_j t_j log(t_j / p_j)`: what is lost in nats if p = softmax(z) stands in for t.

    Computed as sum_j (t_j log(t_j / p_j) - t_j + p_j), which is the same for a t that sums to
    one. Its terms are all >= 0, so that nothing cancels: the result is never below 0 without
    being clipped, and stays accurate for distributions that nearly agree.

    Args:
        target_probs: the logits' shape, probabilities that sum to one along `axis`.
        logits: shape (..., V), any real dtype.
        axis: the class axis.

    Returns:
        Shape (...), a scalar for one row; float64 for float64 and integer logits, else float32.
        inf where t_j > 0 meets a logit of -inf; t_j = 0 contributes nothing there.

    Raises:
        TypeError: an argument is not real numbers.
        ValueError: no class axis, a class axis of length 0, or two shapes.

    Examples:
        >>> import numpy as np
        >>> print(kl_divergence([0.5, 0.5, 0.0], [0.0, 0.0, float("-inf")]))
        0.0
        >>> print(kl_divergence([1.0, 0.0], np.log([0.25, 0.75])).round(6), np.log(4).round(6))
        1.386294 1.386294

    Differs from torch.nn.functional.kl_div: the arguments are in the order of the formula, the
    second is logits, and one number per row comes back. For a t that does not sum to one, this is
    the generalised divergence, larger by 1 - sum_j t_j.

    References:
        S. Kullback, R. A. Leibler (1951), "On information and sufficiency", Annals of
        Mathematical Statistics 22.
    """
    array, dtype = as_floats("logits", logits)
    axis = class_axis(axis, array.shape)
    shape = without_axis(array.shape, axis)
    goal = as_array("target_probs", target_probs)
    if goal.dtype.kind not in "fiub" and goal.dtype.name != "bfloat16":
        raise TypeError(f"target_probs must be real numbers, got dtype {goal.dtype}")
    check_shape("target_probs", goal.shape, array.shape, "that of the logits")
    z = as_rows(array, axis).astype(FLOAT64, copy=False)
    p, log_p = np.empty(z.shape), np.empty(z.shape)
    _engine.softmax(z, p)
    _engine.softmax(z, log_p, log=True)
    terms = _divergence_terms(as_rows(goal, axis).astype(FLOAT64), p, log_p)
    return to_result(np.add.reduce(terms, axis=1), dtype, shape)


def _divergence_terms(t: Array, p: Array, log_p: Array) -> Array:
    """t log(t/p) - t + p, each to nearly full accuracy: with r = (p - t)/t it is t (r - log1p r).

    Near r = 0 that form keeps the digits that log t - log p would lose; far from it, the plain
    form is safe from overflow of r and from a p that is 0 only because it is tiny.
    """
    with np.errstate(all="ignore"):
        r = (p - t) / t
        near = t * (r - np.log1p(r))
        far = t * (np.log(t) - log_p) - t + p
        terms = np.where(abs(r) < 0.5, near, far)
    return np.where(t == 0, p, terms)
