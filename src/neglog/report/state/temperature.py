"""The temperature at which the nll is least, and what that says about the model.

With beta = 1 / T and u = log beta, the mean nll F(u) has one minimum. A batch adds its share of F
and of its slope at nine values of u; at the end a polynomial through both finds the minimum.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import Chebyshev, chebder, chebvander

from ..._engine import Array
from ..._engine.scores import BETAS
from .rows import Rows
from .sums import Estimate, Moments, Sums, interval

NODES = np.log(BETAS)
REACH = 4  # nodes on either side through which a curve goes
UNIT = REACH * math.log(2)  # of u, in which they lie between -1 and 1
ONE = int(np.flatnonzero(BETAS == 1)[0])
TINY = 1e-300
FLAT = 1e-12  # nats; where F varies by no more, every temperature is as good


class Best(NamedTuple):
    """The best temperature with its interval, the mean nll there, and whether it lies outside."""

    temperature: Estimate
    nll: float
    gain: float
    beyond: bool


class Temperature:
    """Sums of nll, slope and squared slope at nine temperatures."""

    def __init__(self) -> None:
        self.tempered = Sums(len(BETAS), 3)  # w nll, w d, w^2 d^2 with d = d nll / d u
        self.surplus = Moments()  # of nll - entropy

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self.tempered.add(rows.scores.tempered)
        self.surplus.add(rows.nll - rows.entropy, rows.weight)

    def merge(self, other: "Temperature") -> None:
        """Add the rows of the other."""
        self.tempered.merge(other.tempered)
        self.surplus.merge(other.surplus)

    def best(self) -> Best:
        """The temperature at which the mean nll is least, of those from 1/16 to 16."""
        weight = float(self.surplus.weight[0])
        nll, slope, square = self.tempered.value.T / [[weight], [weight], [weight**2]]
        if np.ptp(nll) <= FLAT:
            return Best(Estimate(1.0, math.nan, math.nan), float(nll[ONE]), 0.0, False)
        right = int(np.argmax(slope >= 0)) if slope[-1] >= 0 else len(BETAS)
        if right in (0, len(BETAS)):
            end = min(right, len(BETAS) - 1)
            value = Estimate(float(1 / BETAS[end]), math.nan, math.nan)
            least, beyond = float(nll[end]), True
        else:
            some, left = around(right), float(NODES[right - 1])
            curve = hermite((NODES[some] - left) / UNIT, nll[some], slope[some] * UNIT)
            # Rounded, so that the last bits of the sums do not show: they depend on the batches.
            x = round(minimum(curve), 9)
            u, curvature = left + UNIT * x, float(curve.deriv(2)(x)) / UNIT**2
            value = self._interval(u, curvature, square)
            least, beyond = round(float(between(nll, slope, u)), 12), False
        gain = max(round(float(nll[ONE]) - least, 12), 0.0)
        return Best(value, least, gain, beyond)

    def _interval(self, u: float, curvature: float, square: Array) -> Estimate:
        """Normal in u, with the variance  sum w^2 d^2 / (sum w F'')^2, cut at the nodes."""
        known = int(self.surplus.rows[0]) > 1 and curvature > 0
        square = np.exp(np.interp(u, NODES, np.log(np.maximum(square, TINY))))
        variance = float(square) / curvature**2 if known else math.nan
        return interval(-u, variance).within(*(-NODES[[-1, 0]])).through(math.exp)

    def findings(self, uncertainty: float) -> dict[str, Any]:
        """Why the nll is what it is; `uncertainty` is the entropy of the class frequencies."""
        best = self.best()
        return {
            "uncertainty": uncertainty,
            "discrimination": uncertainty - best.nll,
            "miscalibration": best.gain,
            "nll_minus_entropy": self.surplus.mean(),
            "temperature": {
                **best.temperature._asdict(),
                "gain": best.gain,
                "nll": best.nll,
                "beyond": best.beyond,
            },
        }


def around(right: int) -> slice:
    """The nodes through which a curve goes between node `right` and the one before it.

    Through four of them instead of eight, the mean nll between nodes was wrong by 3 times as much
    (10 classes: 3e-5 nats, 1,000 classes: 1e-3).
    """
    return slice(max(right - REACH, 0), right + REACH)


def conditions(x: Array) -> Array:
    """What coefficients are multiplied by to give a curve's values and slopes at x."""
    n = 2 * len(x)
    slopes = chebvander(x, n - 2) @ chebder(np.eye(n))
    both: Array = np.concatenate([chebvander(x, n - 1), slopes])
    return both


def hermite(x: Array, value: Array, slope: Array) -> Chebyshev:
    """The polynomial of least degree with these values and slopes at x."""
    return Chebyshev(np.linalg.solve(conditions(x), np.concatenate([value, slope])))


def between(value: Array, slope: Array, u: float) -> Array:
    """Curves at u, from their values and slopes at the nodes (last axis)."""
    some = around(int(np.searchsorted(NODES, u)))
    x = (NODES[some] - u) / UNIT
    shares = np.linalg.solve(conditions(x).T, chebvander(0.0, 2 * len(x) - 1)[0])
    # Not a matrix product: its last bits depend on where a row stands.
    found: Array = (value[..., some] * shares[: len(x)]).sum(-1)
    found += (slope[..., some] * shares[len(x) :] * UNIT).sum(-1)
    return found


def minimum(curve: Chebyshev) -> float:
    """Where the slope, below 0 at 0 and not a node later, changes its sign: by bisection."""
    slope, low, high = curve.deriv(), 0.0, 1 / REACH
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return high
