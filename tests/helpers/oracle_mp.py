"""The same rows as oracle.rows by mpmath, 60 digits, class by class: slow, and independent."""

from typing import Any

import mpmath
import numpy as np
from oracle import LD, Exact, Rows, wide


def rows_mp(logits: Any, temperature: float = 1.0, softcap: float | None = None) -> Rows:
    """The same by mpmath with 60 digits, class by class, for finite logits or -inf."""
    with mpmath.workdps(60):
        parts = [_row_mp(row, mpmath.mpf(float(temperature)), softcap) for row in wide(logits)]
    return Rows(*(np.array(column) for column in zip(*parts, strict=True)))


def _row_mp(row: Exact, warmth: mpmath.mpf, softcap: float | None) -> tuple[Exact, ...]:
    z = [mpmath.mpf("-inf") if np.isneginf(x) else mpmath.mpf(str_exact(x)) / warmth for x in row]
    slope = [1 / warmth] * len(z)
    if softcap is not None:
        cap = mpmath.mpf(softcap)
        slope = [mpmath.sech(x / cap) ** 2 / warmth for x in z]
        z = [x if mpmath.isinf(x) else cap * mpmath.tanh(x / cap) for x in z]
    top = max(z)
    e = [mpmath.exp(x - top) for x in z]
    rest = [mpmath.fsum(e[:i] + e[i + 1 :]) for i in range(len(e))]
    total = mpmath.fsum(e)
    # log p_i = -log1p(the others relative to i); for a far miss the plain form is as exact
    far = [top - x > 1 for x in z]
    log_p = [
        (z[i] - top - mpmath.log(total)) if far[i] else -mpmath.log1p(rest[i] / e[i])
        for i in range(len(e))
    ]
    lse = top - log_p[z.index(top)]
    lists = ([x / total for x in e], log_p, [x / total for x in rest], [lse], slope)
    p, log_p_ld, complement, lse_ld, slope_ld = (np.array([to_ld(x) for x in a]) for a in lists)
    return p, log_p_ld, complement, lse_ld[0], slope_ld


def str_exact(x: np.longdouble) -> str:
    """A decimal that reads back as the same number in any wider format."""
    return np.format_float_scientific(x, unique=False, precision=60)


def to_ld(x: mpmath.mpf) -> np.longdouble:
    """30 digits are more than longdouble keeps; its exponents end before mpmath's do."""
    if mpmath.isfinite(x) and x and mpmath.mag(x) < -16000:
        return LD(0)
    return LD(mpmath.nstr(x, 30, min_fixed=0, max_fixed=0))
