"""The four number types, and the errors of numbers rounded to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Nothing traps: infinities and nan are explained, not rejected.
_RATIO = Context(prec=30, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


@dataclass(frozen=True)
class Type:
    """A binary number type: its significant bits and its range."""

    name: str
    bits: int
    lowest: int  # the smallest normal number is 2**lowest
    highest: int  # every finite number is below 2**highest

    def round(self, x: Any) -> Any:
        """Round an array of any shape to this type, ties to even, as float64."""
        if self.bits == 53:
            return x
        exponent = np.maximum(np.frexp(x)[1], self.lowest + 1)
        unit = np.ldexp(1.0, exponent - self.bits)
        rounded = np.rint(x / unit) * unit
        far = np.abs(rounded) >= 2.0**self.highest
        return np.where(far, np.copysign(np.inf, rounded), rounded)

    def total(self, terms: Doubles) -> Any:
        """Add the terms from left to right and round each sum."""
        if self.name != "bfloat16":  # NumPy's running sum rounds to the dtype
            return np.add.accumulate(np.append(0.0, terms), dtype=self.name)[-1].astype(np.float64)
        sum_ = np.float64(0.0)
        for term in terms:
            sum_ = self.round(sum_ + term)
        return sum_


TYPES = {
    kind.name: kind
    for kind in (
        Type("float64", 53, -1022, 1024),
        Type("float32", 24, -126, 128),
        Type("bfloat16", 8, -126, 128),
        Type("float16", 11, -14, 16),
    )
}


@dataclass(frozen=True)
class Column:
    """One computation of a step: numbers in row-major order, relative errors and flags.

    A flag is "" or what went wrong: "overflow" (infinite although the exact number is finite),
    "nan", "underflow" (too small for the type) or "cancel" (at least half of the digits are lost).
    """

    values: tuple[float, ...]
    error: tuple[float, ...]
    flag: tuple[str, ...]


def column(kind: Type, values: Any, exact: Sequence[Decimal]) -> Column:
    """The values compared with their exact counterparts."""
    numbers = tuple((np.ravel(values) + 0.0).tolist())  # no -0.0
    errors = tuple(map(relative_error, numbers, exact))
    flags = tuple(_flag(kind, x, e, to) for x, e, to in zip(numbers, errors, exact, strict=True))
    return Column(numbers, errors, flags)


def relative_error(x: float, exact: Decimal) -> float:
    """|x - exact| / |exact|: 0 if they agree, infinite if no digit can."""
    number = Decimal(x)
    if number == exact or (number.is_nan() and exact.is_nan()):
        return 0.0
    if not number.is_finite() or not exact.is_finite() or not exact:
        return np.inf
    return float(abs(_RATIO.divide(_RATIO.subtract(number, exact), exact)))


def _flag(kind: Type, x: float, error: float, exact: Decimal) -> str:
    if error <= 2.0 ** (1 - kind.bits):
        return ""
    if np.isnan(x):
        return "nan"
    if np.isinf(x):
        return "overflow"
    if exact.is_finite() and abs(exact) < Decimal(2.0**kind.lowest):
        return "underflow"
    return "cancel" if error > 2.0 ** (-kind.bits / 2) else ""
