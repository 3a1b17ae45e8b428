"""The explanation: a row's loss step by step, a likelihood point by point."""

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from neglog.trace._densities import Bernoulli, Normal
from neglog.trace._floats import Column
from neglog.trace._likelihood import Candidate, Curve, Likelihood, explain_points
from neglog.trace._row import Row, Step, shown
from neglog.trace._rows import Rows, explain_rows
from neglog.trace._trace import Trace

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
    """Take the loss of a row apart: every step, its numbers, and what each way of computing loses.

    logits z -> maximum -> z - m -> exp -> sum -> p = exp / sum -> log p -> nll = -log p_y -> the
    gradient p - y. Each step stands in four columns: `naive` (the definition, every operation
    rounded to the dtype), `shifted` (the usual stable code), `neglog` (this library) and `exact`
    (50 digits), with relative errors and what went wrong: overflow, underflow, nan, cancel.

    Args:
        logits: shape (V,), or (N, V) for a batch; nan and infinities are explained as well.
        target: the true class, or one a row: its number, or its name where there are names.
        class_names: V different names.
        dtype: "float16", "bfloat16", "float32" or "float64": what the columns are rounded to.
        temperature: divides the logits, above 0.

    Returns:
        A Trace: print it with Rich, `to_text()`, `to_dict()`, `plot()`, `to_html()`.

    Raises:
        TypeError: a logit that is no number (names which), a target that is no class's number.
        ValueError: rows of different lengths, names that are too few or not different, an unknown
            dtype, a temperature that is not above 0.
        IndexError: a target that is no class.

    Examples:
        >>> row = explain([17, 0, 0], 0).subject.rows[0]
        >>> nll = row.steps["nll"]
        >>> nll.shifted.values, nll.shifted.flag            # lse - z_y is rounded away
        ((0.0,), ('cancel',))
        >>> nll.neglog.values, str(nll.exact[0])[:12]
        ((8.279874919026042e-08,), '8.2798750947')

    Differs from row_stats, which gives the numbers: this says where they come from.

    References:
        N. J. Higham (2021), "What is the log-sum-exp function?", for what the columns lose.
    """
    return Trace(explain_rows(logits, target, class_names, dtype, temperature))


def explain_likelihood(data: npt.ArrayLike, candidates: dict[str, Any]) -> Trace:
    """Ask each density how likely it makes the points: product, sum of logarithms, and who wins.

    L(density) = prod_i f(x_i), log L = sum_i log f(x_i). The product underflows where the sum of
    logarithms does not; the greatest likelihood is the least negative log-likelihood.

    Args:
        data: shape (N,), finite numbers; 0 and 1 for a coin.
        candidates: name: density. A density is `Normal(mean, sd)`, `Bernoulli(p)`, or anything
            with logpdf or logpmf, such as SciPy's frozen distributions.

    Returns:
        A Trace. Candidates of one family also have the likelihood as a function of its parameter,
        with the maximum: the mean of the points, or the share of ones.

    Raises:
        TypeError: a point that is no number, a density without logpdf and logpmf.
        ValueError: no point, no candidate, a point that is not finite, a density that does not give
            one number a point.

    Examples:
        >>> coin = explain_likelihood([1, 1, 0], {"fair": Bernoulli(0.5), "bent": Bernoulli(0.9)})
        >>> coin.subject.winner
        ('fair',)
        >>> print(coin.subject.candidates[0].exact_product, coin.subject.curve.best)
        0.125000000000 {'p': 0.6666666666666666}

    Differs from scipy.stats' fit: it compares what you propose, and shows each factor.
    """
    return Trace(explain_points(data, candidates))
