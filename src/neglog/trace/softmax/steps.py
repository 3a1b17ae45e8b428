"""The steps of a row and its losses: names, titles, formulas, and the numbers of each column."""

from dataclasses import dataclass

from .exact import Numbers
from .floats import Column

# name -> title, formula
STEPS = {
    "logits": ("logits", "z"),
    "scaled": ("logits over the temperature", "z / T, called z from here on"),
    "maximum": ("maximum", "m = max_j z_j"),
    "shifted": ("shifted logits", "z - m"),
    "exp": ("exponentials", "e^z; shifted: e^(z - m)"),
    "rest": ("sum without the maximum", "S = sum of the other e^(z - m)"),
    "sum": ("their sum", "sum_j e^z_j; shifted: 1 + S"),
    "prob": ("probabilities", "p_j = e^z_j / sum_k e^z_k"),
    "log_prob": ("log-probabilities", "log p_j = z_j - log sum_k e^z_k"),
    "nll": ("negative log-likelihood (unhappiness)", "-log p_y"),
    "one_hot": ("one-hot target", "y"),
    "grad": ("gradient", "dL/dz = p - y"),
    "jacobian": ("softmax Jacobian", "dp_i/dz_j = p_i (1 - p_i) if i = j, else -p_i p_j"),
}
LOSSES = {
    "nll": ("the target's nll", "-log p_y"),
    "method_1": ("method 1: the likeliest class", "-log max_j p_j"),
    "method_2": ("method 2: all classes", "-log p_y - sum_(j != y) log(1 - p_j)"),
    "binary": ("binary: target against the rest", "-log sigmoid(z_y - log sum_(j != y) e^z_j)"),
}
COLUMNS = ("naive", "shifted", "neglog")  # `exact` is what they are compared with


@dataclass(frozen=True)
class Step:
    """One step: its name, its formula, and its numbers in row-major order.

    `exact` has 50 digits. `unshifted` is the exact counterpart of the naive column's exponentials
    and their sum: only that column does not subtract the maximum. naive and shifted are None if
    they have no such step.
    """

    name: str
    title: str
    formula: str
    shape: tuple[int, ...]
    neglog: Column
    exact: Numbers
    naive: Column | None = None
    shifted: Column | None = None
    unshifted: Numbers | None = None
