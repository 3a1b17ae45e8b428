"""From a fitted model and the rows that it was fitted on to the summary."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, ndtr, ndtri

from .._rows import Doubles
from .._separation import Separation, find
from . import notes
from .design import Design, relations
from .information import add_up, check_size, deviations, inverse, penalty, sandwich
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
    has_class_weight: bool
    names: Sequence[str]  # (D,)

    @property
    def is_likelihood(self) -> bool:
        """Whether the fit is one of maximum likelihood, which the tests are for."""
        return not (self.l2 or self.has_class_weight)

    @property
    def columns(self) -> list[str]:
        return [*map(str, self.names), *["intercept"] * self.has_intercept]

    @property
    def table(self) -> Doubles:
        """(K, q)"""
        return np.column_stack([self.coef, *[self.intercept] * self.has_intercept])


@dataclass(frozen=True)
class Given:
    """The rows of the fit."""

    X: Any  # (N, D) float64, dense or CSR
    target: NDArray[np.int64]  # (N,) 0..K-1
    count: Doubles  # (N,) > 0, how often a row is there
    weight: Doubles  # (N,) > 0, that times the weight of its class


def summarise(model: Fitted, given: Given, level: float, robust: bool) -> Summary:
    """The summary of a model.

    Standard errors are roots of the diagonal of the inverse of the information I, or of the
    sandwich. With a penalty, I + N l2 R takes the place of I.
    """
    check_size(len(model.classes), len(model.columns))
    design = Design.of(given.X, given.weight, model.has_intercept)
    basis, null = design.basis()
    squared = given.weight**2 / given.count if robust else None
    sums = add_up(design, given.target, model.coef, model.intercept, squared)
    slope, curvature = sums.score, sums.information
    if model.l2:
        strength = float(given.weight.sum()) * model.l2
        curvature = curvature + penalty(design, len(model.classes), strength)
        slope[:, : len(model.names)] -= strength * model.coef[1:] / design.scale
        basis, null = np.eye(len(model.columns)), null[:, :0]
    covariance = inverse(curvature, basis)
    se = deviations(sandwich(covariance, sums.squares), design.back)
    said = _invalid(model, robust)
    if model.has_class_weight and not robust:
        se[:] = np.nan
    if null.shape[1]:
        se[:, _mixed(design.back, null)] = np.nan
        said += [notes.collinear(relation) for relation in relations(null, model.columns)]
    if _moved(design, np.einsum("kilj,lj->ki", covariance, slope)) > MOVED:
        said.append(_forget(se, model, given))
    return _summary(model, given, sums.nll, se, basis.shape[1], level, robust, tuple(said))


def _invalid(model: Fitted, robust: bool) -> list[str]:
    weighted = [notes.class_weighted(robust)] if model.has_class_weight else []
    return weighted + ([notes.penalised(model.l2)] if model.l2 else [])


def _summary(
    model: Fitted,
    given: Given,
    nll: float,
    se: Doubles,
    rank: int,
    level: float,
    robust: bool,
    said: tuple[str, ...],
) -> Summary:
    num_rows, others = float(given.count.sum()), len(model.classes) - 1
    free = others * rank
    null = _null_log_likelihood(model, given)
    lr, df = 2 * (-nll - null), free - others * int(model.has_intercept)
    valid = 1.0 if model.is_likelihood else np.nan
    return Summary(
        rows=tuple(_rows(model, se, level)),
        reference=model.classes[0],
        num_rows=num_rows,
        num_classes=len(model.classes),
        log_likelihood=-nll,
        null_log_likelihood=null,
        lr=lr,
        df=df,
        p=float(chdtrc(df, max(lr, 0.0))) * valid,
        aic=(2 * nll + 2 * free) * valid,
        bic=(2 * nll + np.log(num_rows) * free) * valid,
        pseudo_r2=1 + nll / null,
        level=level,
        robust=robust,
        notes=said,
    )


def _null_log_likelihood(model: Fitted, given: Given) -> float:
    if not model.has_intercept:
        return -float(given.weight.sum() * np.log(len(model.classes)))
    counts = np.bincount(given.target, given.weight)
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


def _forget(se: Doubles, model: Fitted, given: Given) -> str:
    """Why there is no maximum; nan for the coefficients that have none.

    The others keep the errors of their limit.
    """
    found: Separation | None = None
    if not model.l2:
        found = find(given.X, given.target, len(model.classes), model.has_intercept)
    for direction in found.directions if found else ():
        inside = np.isin(np.arange(len(model.classes)), direction.classes)
        of_class = np.flatnonzero(inside[1:] != inside[0])
        features = direction.features if len(direction.features) else np.arange(len(model.names))
        se[np.ix_(of_class, features)] = np.nan
        if model.has_intercept:
            se[of_class, -1] = np.nan
    return notes.no_maximum(found, model.classes.tolist(), model.names)
