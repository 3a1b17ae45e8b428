"""Explanations: the loss of a row step by step, a likelihood point by point."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from neglog.trace._trace import Trace
from neglog.trace.likelihood.densities import Bernoulli, Normal
from neglog.trace.likelihood.likelihood import Candidate, Curve, Likelihood, explain_points
from neglog.trace.softmax.floats import Column
from neglog.trace.softmax.row import Row, shown
from neglog.trace.softmax.rows import Rows, explain_rows
from neglog.trace.softmax.steps import Step

__all__ = [
    "Bernoulli",
    "Candidate",
    "Column",
    "Curve",
    "Likelihood",
    "Normal",
    "Row",
    "Rows",
    "Step",
    "Trace",
    "explain",
    "explain_likelihood",
    "shown",
]


def explain(
    logits: npt.ArrayLike,  # (V,) or (N, V)
    target: Any,  # a class or (N,)
    *,
    class_names: Sequence[str] | None = None,
    dtype: Any = "float32",
    temperature: float = 1.0,
) -> Trace:
    """Explain the loss of a row: every step, its numbers, and the errors of each way to compute it.

    logits z -> maximum -> z - m -> exp -> sum -> p = exp / sum -> log p -> nll = -log p_y -> the
    gradient p - y. Each step has four columns: `naive` (the definition, every operation rounded to
    the dtype), `shifted` (the usual stable code), `neglog` (this library) and `exact` (50 digits).
    Each number has its relative error and a flag: overflow, underflow, nan, cancel.

    Args:
        logits: shape (V,), or (N, V) for a batch: a list, an array, a tensor or a data frame of
            numbers; nan and infinities are allowed.
        target: the true class, or one per row: its number or, with class_names, its name.
        class_names: V distinct names.
        dtype: "float16", "bfloat16", "float32" or "float64"; the columns are rounded to it.
        temperature: divides the logits, above 0.

    Returns:
        A Trace, for Rich's `print`, `to_text()`, `to_dict()`, `plot()` and `to_html()`.

    Raises:
        TypeError: a logit is not a number, or a target is neither an integer nor a name.
        ValueError: the rows differ in length, the names do not fit the classes or repeat, the
            dtype is unknown, or the temperature is not above 0.
        IndexError: a target is not a class.

    Examples:
        >>> row = explain([17, 0, 0], 0).subject.rows[0]
        >>> nll = row.steps["nll"]
        >>> nll.shifted.values, nll.shifted.flag            # lse - z_y is rounded away
        ((0.0,), ('cancel',))
        >>> nll.neglog.values, str(nll.exact[0])[:12]
        ((8.279874919026042e-08,), '8.2798750947')

    Differs from row_stats, which returns the numbers without their steps.

    References:
        N. J. Higham (2021), "What is the log-sum-exp function?", for the errors of the columns.
    """
    return Trace(explain_rows(logits, target, class_names, dtype, temperature))


def explain_likelihood(data: npt.ArrayLike, candidates: dict[str, Any]) -> Trace:
    """Compare densities by the likelihood of the points: the product and the sum of logarithms.

    Λ(θ) = prod_i p(x_i | θ), log Λ(θ) = sum_i log p(x_i | θ), for a density θ. The product can
    underflow, the sum of logarithms cannot; the greatest likelihood is the smallest negative
    log-likelihood.

    Args:
        data: shape (N,), finite numbers; 0 and 1 for a coin.
        candidates: densities by name. A density is `Normal(mean, sd)`, `Bernoulli(p)`, or any
            object with logpdf or logpmf, such as SciPy's frozen distributions.

    Returns:
        A Trace. If all candidates are of one family, it includes the likelihood as a function of
        the parameter, with its maximum: the mean of the points, or the fraction of ones.

    Raises:
        TypeError: a point is not a number, or a density has neither logpdf nor logpmf.
        ValueError: there is no point or no candidate, a point is not finite, or a density does not
            return one number per point.

    Examples:
        >>> coin = explain_likelihood([1, 1, 0], {"fair": Bernoulli(0.5), "bent": Bernoulli(0.9)})
        >>> coin.subject.winner
        ('fair',)
        >>> print(coin.subject.candidates[0].exact_product, coin.subject.curve.best)
        0.125000000000 {'p': 0.6666666666666666}

    Differs from scipy.stats' fit, which estimates parameters: this compares given densities and
    shows each factor.
    """
    return Trace(explain_points(data, candidates))
