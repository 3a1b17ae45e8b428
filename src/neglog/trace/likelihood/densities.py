"""Two densities, normal and Bernoulli; SciPy's frozen distributions work as well."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._contract import as_number, as_positive, as_share


@dataclass(frozen=True)
class Normal:
    """The Gaussian density `exp(-(x - mean)^2 / (2 sd^2)) / (sd sqrt(2 pi))`.

    Args:
        mean: the mean, a finite number.
        sd: the standard deviation, above 0.

    Raises:
        TypeError: an argument is not a real number.
        ValueError: a mean that is not finite, an sd that is not above 0.

    Examples:
        >>> print(Normal(0.0, 1.0).logpdf(0.0).round(6))
        -0.918939

    Differs from scipy.stats.norm: a value with two numbers, not a family.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not math.isfinite(as_number("mean", self.mean)):
            raise ValueError(f"mean must be finite, got {self.mean}")
        as_positive("sd", self.sd, "nothing")

    def logpdf(self, x: npt.ArrayLike) -> Any:
        """The logarithm of the density at each point, in the shape of the points."""
        distance = (np.asarray(x, dtype=np.float64) - self.mean) / self.sd
        return -0.5 * distance**2 - math.log(self.sd) - 0.5 * math.log(2 * math.pi)


@dataclass(frozen=True)
class Bernoulli:
    """A coin: 1 with probability p, 0 with probability 1 - p.

    Args:
        p: the probability of 1, from 0 to 1.

    Raises:
        TypeError: p is not a real number.
        ValueError: p lies outside [0, 1].

    Examples:
        >>> print(Bernoulli(0.25).logpmf([1, 0]).round(6))
        [-1.386294 -0.287682]

    Differs from scipy.stats.bernoulli: a value with one number, not a family.
    """

    p: float

    def __post_init__(self) -> None:
        as_share("p", self.p)

    def logpmf(self, k: npt.ArrayLike) -> Any:
        """The log-probability of each toss; -inf for a number that is neither 0 nor 1."""
        tosses = np.asarray(k, dtype=np.float64)
        with np.errstate(divide="ignore"):
            yes, no = np.log(self.p), np.log1p(-float(self.p))
        return np.where(tosses == 1, yes, np.where(tosses == 0, no, -np.inf))
