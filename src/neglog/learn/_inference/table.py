"""The table that `SoftmaxRegression.summary` gives."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..._show.words import json_number
from .text import as_text


@dataclass(frozen=True)
class Coefficient:
    """One row of a summary: the log odds of a class against the first, per unit of a feature."""

    class_: Any  # its label
    feature: str  # "intercept" for that
    coef: float
    se: float  # standard error
    z: float  # coef / se
    p: float  # two-sided, of coef = 0
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it, with the key "class"."""
        values = {name.rstrip("_"): _plain(value) for name, value in asdict(self).items()}
        return {name: json_number(v) if v is not None else v for name, v in values.items()}


@dataclass(frozen=True)
class Summary:
    """What a fit is worth. `print` shows it; `to_dict` gives plain numbers and strings.

    Attributes:
        rows: a `Coefficient` for each class but the first, and each feature; the intercept last.
        reference: the label of the first class: coefficients are differences to its own.
        num_rows: sum of the weights.
        num_classes: V.
        log_likelihood: at the coefficients of the model.
        null_log_likelihood: of the shares of the classes (with no intercept: of 1/V each).
        lr: likelihood-ratio statistic, twice their difference.
        df: degrees of freedom of `lr`.
        p: probability of an `lr` as large if no feature mattered.
        aic: -2 log_likelihood + 2 free coefficients.
        bic: -2 log_likelihood + log(num_rows) free coefficients.
        pseudo_r2: McFadden's, 1 - log_likelihood / null_log_likelihood.
        level: of the intervals.
        robust: whether the standard errors are those of the sandwich (HC0).
        notes: what is not valid, and why; empty if everything is.
    """

    rows: tuple[Coefficient, ...]
    reference: Any
    num_rows: float
    num_classes: int
    log_likelihood: float
    null_log_likelihood: float
    lr: float
    df: int
    p: float
    aic: float
    bic: float
    pseudo_r2: float
    level: float
    robust: bool
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return as_text(self)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it: nan and infinities as strings."""
        values = {
            name: json_number(_plain(value))
            for name, value in vars(self).items()
            if name not in ("rows", "notes")
        }
        return {
            **values,
            "notes": list(self.notes),
            "rows": [row.to_dict() for row in self.rows],
        }


def _plain(value: Any) -> Any:
    """A number or a label without its NumPy type; what JSON does not know as text."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, str | bool | int | float) else str(value)
