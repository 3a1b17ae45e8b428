"""From a fitted model and the rows that it was fitted on to the summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri

from ..._show.words import listed, printable
from .._objective import Doubles
from .._separation import Separation, find
from .design import Design, relations
from .information import Sums, add_up, check_size, deviations, inverse, penalty, sandwich
from .table import Coefficient, Summary

# Change of a logit by a Newton step: 2e-5 or less at a maximum, 0.1 or more where there is none.
MOVED = 1e-2


@dataclass(frozen=True)
class Fitted:
    """A fitted model, as far as a summary asks."""

    classes: NDArray[Any]  # (K,)
    coef: Doubles  # (K, D)
    intercept: Doubles  # (K,)
    has_intercept: bool
    l2: float
    names: Sequence[str]  # (D,)

    @property
    def columns(self) -> list[str]:
        return [*map(str, self.names), *["intercept"] * self.has_intercept]

    @property
    def table(self) -> Doubles:
        """(K, q)"""
        return np.column_stack([self.coef, *[self.intercept] * self.has_intercept])


def summarise(
    model: Fitted, X: Any, target: NDArray[np.int64], weight: Doubles, level: float, robust: bool
) -> Summary:
    """The summary of a model on rows of positive weight.

    Standard errors are roots of the diagonal of the inverse of the information I, or of the
    sandwich. With a penalty, I + N l2 R takes the place of I.
    """
    check_size(len(model.classes), len(model.columns))
    design = Design.of(X, weight, model.has_intercept)
    basis, null = design.basis()
    sums = add_up(design, target, model.coef, model.intercept, robust)
    slope, curvature = sums.score, sums.information
    if model.l2:
        strength = float(weight.sum()) * model.l2
        curvature = curvature + penalty(design, len(model.classes), strength)
        slope = slope - strength * np.pad(
            model.coef[1:] / design.scale, ((0, 0), (0, int(model.has_intercept)))
        )
        basis, null = np.eye(len(model.columns)), null[:, :0]
    covariance = inverse(curvature, basis)
    step = np.einsum("kilj,lj->ki", covariance, slope)
    se = deviations(sandwich(covariance, sums.squares), design.back)
    notes = _penalised(model.l2) if model.l2 else []
    if null.shape[1]:
        se[:, _mixed(design.back, null)] = np.nan
        notes += [_collinear(relation) for relation in relations(null, model.columns)]
    if _moved(design, step) > MOVED:
        found = None if model.l2 else find(X, target, len(model.classes), model.has_intercept)
        notes.append(_no_maximum(model, found))
        _forget(se, found, model.has_intercept)
    return _summary(model, sums, se, basis.shape[1], target, weight, level, robust, tuple(notes))


def _summary(
    model: Fitted,
    sums: Sums,
    se: Doubles,
    rank: int,
    target: NDArray[np.int64],
    weight: Doubles,
    level: float,
    robust: bool,
    notes: tuple[str, ...],
) -> Summary:
    num_rows, others = float(weight.sum()), len(model.classes) - 1
    free = others * rank
    null = _null_log_likelihood(target, weight, len(model.classes), model.has_intercept)
    lr, df = 2 * (-sums.nll - null), free - others * int(model.has_intercept)
    valid = np.nan if model.l2 else 1.0
    return Summary(
        rows=tuple(_rows(model, se, level)),
        reference=model.classes[0],
        num_rows=num_rows,
        num_classes=len(model.classes),
        log_likelihood=-sums.nll,
        null_log_likelihood=null,
        lr=lr,
        df=df,
        p=float(chdtrc(df, max(lr, 0.0))) * valid,
        aic=(2 * sums.nll + 2 * free) * valid,
        bic=(2 * sums.nll + np.log(num_rows) * free) * valid,
        pseudo_r2=1 + sums.nll / null,
        level=level,
        robust=robust,
        notes=notes,
    )


def _null_log_likelihood(
    target: NDArray[np.int64], weight: Doubles, num_classes: int, has_intercept: bool
) -> float:
    if not has_intercept:
        return -float(weight.sum() * np.log(num_classes))
    counts = np.bincount(target, weight)
    counts = counts[counts > 0]
    return float(counts @ np.log(counts / counts.sum()))


def _rows(model: Fitted, se: Doubles, level: float) -> list[Coefficient]:
    coef = model.table[1:] - model.table[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.full_like(coef, np.nan) if model.l2 else coef / se
    half = ndtri((1 + level) / 2) * se
    numbers = np.stack([coef, se, z, 2 * ndtr(-np.abs(z)), coef - half, coef + half], axis=-1)
    return [
        Coefficient(label, name, *map(float, of))
        for label, of_class in zip(model.classes[1:], numbers, strict=True)
        for name, of in zip(model.columns, of_class, strict=True)
    ]


def _mixed(back: Doubles, null: Doubles) -> NDArray[np.bool_]:
    """(q,) coefficients of X that a relation between columns leaves open."""
    open_: NDArray[np.bool_] = np.linalg.norm(back @ null, axis=1) > 1e-6 * np.linalg.norm(
        back, axis=1
    )
    return open_


def _moved(design: Design, step: Doubles) -> float:
    """The largest change of a logit."""
    return max(float(np.abs(x @ step.T).max()) for _, x, _ in design.chunks(len(step)))


def _forget(se: Doubles, found: Separation | None, has_intercept: bool) -> None:
    """nan for coefficients that have no maximum; the others are those of the limit."""
    for direction in found.directions if found else ():
        inside = np.isin(np.arange(len(se) + 1), direction.classes)
        of_class = np.flatnonzero(inside[1:] != inside[0])
        features = direction.features if len(direction.features) else np.arange(se.shape[1])
        se[np.ix_(of_class, features)] = np.nan
        if has_intercept:
            se[of_class, -1] = np.nan


# ---- what is not valid


def _penalised(l2: float) -> list[str]:
    return [
        f"l2={l2:g}: coefficients are drawn towards 0, so z, p, the LR test, AIC and BIC are not "
        "valid and are left out. Standard errors and intervals are those of a normal prior on the "
        "coefficients (their curvature at the optimum). Fit with l2=0 for tests"
    ]


def _collinear(relation: list[str]) -> str:
    first, *others = (repr(printable(name)) for name in relation)
    if relation[1:] in ([], ["intercept"]):
        return f"feature {first} is constant: its coefficient and the intercept have no own values"
    return (
        f"feature {first} follows from {listed(others)} (collinear): their coefficients have no "
        "own values; leave one of them out"
    )


def _no_maximum(model: Fitted, found: Separation | None) -> str:
    if found is None:
        return (
            "the model is not at the maximum for these rows: they are not those of the fit, or it "
            "stopped early; nothing below the log-likelihood is valid"
        )
    return (
        f"{found.text(model.classes.tolist(), model.names)}: no maximum exists, and the "
        "coefficients concerned have no standard errors; fit with l2 > 0"
    )
