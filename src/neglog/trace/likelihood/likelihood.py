"""The likelihood of points under candidate densities, and the parameter that maximises it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._contract import as_number
from .densities import Bernoulli, Normal

_POINTS = 201  # of a curve
_SHOWN = Context(prec=12, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
Doubles = NDArray[np.float64]
Floats = tuple[float, ...]


@dataclass(frozen=True)
class Candidate:
    """One density and its values at the points; `product` is the running product in float64.

    `underflow_at` is the number of points after which that product is 0 although no density is 0.
    `exact_product` has 12 digits and cannot underflow.
    """

    name: str
    family: str  # "normal", "bernoulli" or "other"
    parameters: Mapping[str, float]
    density: Floats
    log_density: Floats
    product: Floats
    underflow_at: int | None
    exact_product: Decimal
    log_likelihood: float
    density_at: Floats


@dataclass(frozen=True)
class Curve:
    """The likelihood, relative to its maximum, as a function of one parameter."""

    family: str
    parameter: str
    at: Floats
    likelihood: Floats
    log_likelihood: Floats
    best: Mapping[str, float]
    best_log_likelihood: float


@dataclass(frozen=True)
class Likelihood:
    """Points, candidates, and the winner (several names if they tie).

    `at` holds the places at which each candidate's `density_at` is evaluated, to draw the
    probability as a function of the data. `curve` is None unless all candidates are `Normal` or all
    are `Bernoulli`.
    """

    data: Floats
    candidates: tuple[Candidate, ...]
    winner: tuple[str, ...]
    curve: Curve | None
    at: Floats

    def best_first(self) -> list[Candidate]:
        """The candidates, the likeliest first; ties keep their order."""
        return sorted(self.candidates, key=lambda candidate: -candidate.log_likelihood)


def explain_points(data: Any, candidates: Any) -> Likelihood:
    """Check the arguments and evaluate each candidate at the points."""
    points = _as_points(data)
    densities = _as_densities(candidates)
    families = {_family(density) for density in densities.values()}
    family = families.pop() if len(families) == 1 else "other"
    at = _places(points, densities)
    found = tuple(_candidate(name, points, density, at) for name, density in densities.items())
    best = max((c.log_likelihood for c in found), default=-math.inf)
    # A sum of logarithms has about 13 correct digits; a difference below them is a tie.
    winner = tuple(c.name for c in found if math.isclose(c.log_likelihood, best, rel_tol=1e-12))
    return Likelihood(
        tuple(points.tolist()),
        found,
        winner,
        _curve(family, points, list(densities.values())),
        tuple(at.tolist()),
    )


def _as_points(data: Any) -> Doubles:
    values = data.tolist() if hasattr(data, "tolist") else data
    if isinstance(values, str | bytes) or not isinstance(values, Sequence) or not values:
        raise ValueError(f"data must be a list of at least one number, got {values!r}")
    points = [as_number(f"data[{i}]", x) for i, x in enumerate(values)]
    for i, x in enumerate(points):
        if not math.isfinite(x):
            raise ValueError(f"data[{i}] must be finite, got {x}; remove such points")
    return np.array(points)


def _as_densities(candidates: Any) -> Mapping[str, Any]:
    if not isinstance(candidates, Mapping):
        raise TypeError(f"candidates must be a dict of name: density, got {candidates!r}")
    if not candidates:
        raise ValueError("candidates must name at least one density, got none")
    for name, density in candidates.items():
        if not isinstance(name, str):
            raise TypeError(f"candidates must have strings as names, got {name!r}")
        if not (hasattr(density, "logpdf") or hasattr(density, "logpmf")):
            raise TypeError(
                f"candidates[{name!r}] must have logpdf or logpmf, got {density!r}; pass "
                "Normal(mean, sd), Bernoulli(p) or a frozen distribution of scipy.stats"
            )
    return candidates


def _family(density: Any) -> str:
    return {Normal: "normal", Bernoulli: "bernoulli"}.get(type(density), "other")


def _is_discrete(density: Any) -> bool:
    """SciPy's continuous families have no logpmf; its discrete ones have no working logpdf."""
    return isinstance(density, Bernoulli) or not hasattr(density, "logpdf")


def _log_density(name: str, density: Any, points: Doubles) -> Doubles:
    with np.errstate(all="ignore"):
        logs = density.logpmf(points) if _is_discrete(density) else density.logpdf(points)
        logs = np.asarray(logs, dtype=np.float64)
    if logs.shape != points.shape:
        raise ValueError(
            f"candidates[{name!r}] must give one number for each of {len(points)} points, got "
            f"shape {logs.shape}"
        )
    return logs


def _places(points: Doubles, densities: Mapping[str, Any]) -> Doubles:
    """Where to draw the densities: 0 and 1 for coins, integers for counts, else an interval."""
    if all(isinstance(density, Bernoulli) for density in densities.values()):
        return np.array([0.0, 1.0])
    low, high = points.min(), points.max()
    if all(_is_discrete(density) for density in densities.values()):
        step = max(1.0, math.ceil((high - low) / _POINTS))
        return np.arange(math.floor(low), math.ceil(high) + 1, step)
    normals = [density for density in densities.values() if isinstance(density, Normal)]
    low = min([low, *(d.mean - 3 * d.sd for d in normals)])
    high = max([high, *(d.mean + 3 * d.sd for d in normals)])
    margin = 0.05 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, _POINTS)


def _candidate(name: str, points: Doubles, density: Any, at: Doubles) -> Candidate:
    logs = _log_density(name, density, points)
    with np.errstate(all="ignore"):
        densities = np.exp(logs)
        product = np.multiply.accumulate(densities)
        density_at = np.exp(_log_density(name, density, at))
    total = math.fsum(logs) if np.isfinite(logs).all() else float(logs.sum())
    zero = np.flatnonzero(product == 0)
    lost = zero.size and np.isfinite(logs[: zero[0] + 1]).all()
    with localcontext(_SHOWN):
        exact = Decimal(total).exp()
    return Candidate(
        name,
        _family(density),
        vars(density) if _family(density) != "other" else {},
        tuple(densities.tolist()),
        tuple(logs.tolist()),
        tuple(product.tolist()),
        int(zero[0]) + 1 if lost else None,
        exact,
        total,
        tuple(density_at.tolist()),
    )


def _curve(family: str, points: Doubles, densities: list[Any]) -> Curve | None:
    """The log-likelihood over a mean or a coin's p, with the maximum in closed form."""
    if family == "bernoulli" and set(points.tolist()) <= {0.0, 1.0}:
        p = float(points.mean())
        at = np.linspace(0.0, 1.0, _POINTS)
        logs = [float(Bernoulli(x).logpmf(points).sum()) for x in at]
        return _over_maximum(family, "p", at, logs, {"p": p}, Bernoulli(p).logpmf(points).sum())
    if family != "normal":
        return None
    mean, sd = float(points.mean()), float(points.std())
    low, high = (
        min(points.min(), *(d.mean for d in densities)),
        max(points.max(), *(d.mean for d in densities)),
    )
    # Equal points have an unbounded likelihood, so the width of a candidate is used.
    width = sd or densities[0].sd
    at = np.linspace(low - width, high + width, _POINTS)
    logs = [float(Normal(x, width).logpdf(points).sum()) for x in at]
    best = {"mean": mean, "sd": sd} if sd else {"mean": mean}
    top = Normal(mean, width).logpdf(points).sum()
    return _over_maximum(family, "mean", at, logs, best, top)


def _over_maximum(
    family: str, parameter: str, at: Doubles, logs: list[float], best: dict[str, float], top: Any
) -> Curve:
    with np.errstate(all="ignore"):
        relative = np.exp(np.array(logs) - float(top))
    return Curve(
        family,
        parameter,
        tuple(at.tolist()),
        tuple(relative.tolist()),
        tuple(logs),
        best,
        float(top),
    )
