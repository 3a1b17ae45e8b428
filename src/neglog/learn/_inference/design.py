"""The columns of X in a well-conditioned form, and those that say the same twice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg import eigh, lstsq, qr
from scipy.sparse import issparse
from sklearn.utils.sparsefuncs import min_max_axis

from .._rows import Doubles

CHUNK = 2**20  # doubles that a chunk's widest array may take: 8 MiB
# Of the largest eigenvalue of the columns' correlations. A column that is the sum of two others,
# rounded to float32, leaves 1e-15; one that differs from such a sum by 1e-5 leaves 1e-10.
COLLINEAR = 1e-12


@dataclass(frozen=True)
class Design:
    """X centred, scaled to a mean square of 1 and with a last column of ones, a chunk at a time.

    Coefficients c of this form are `c @ back.T` for the columns as they came.
    """

    X: Any  # (N, D) float64, dense or CSR
    weight: Doubles  # (N,)
    centre: Doubles  # (D,)
    scale: Doubles  # (D,)
    intercept: bool

    @classmethod
    def of(cls, X: Any, weight: Doubles, intercept: bool) -> Self:
        low, high = min_max_axis(X, axis=0) if issparse(X) else (X.min(axis=0), X.max(axis=0))
        low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
        size = np.maximum(np.abs(low), np.abs(high))  # squares of the columns would overflow
        size[size == 0] = 1.0
        centre = np.zeros(len(size))
        if intercept:
            mean = np.asarray(X.T @ (weight / weight.sum()), np.float64)
            centre = np.where(low == high, low, mean)  # a constant column becomes 0 exactly
        made = cls(X, weight, centre, size, intercept)
        squares = sum(share @ x[:, : len(size)] ** 2 for _, x, share in made.chunks(1))
        spread = np.sqrt(squares / weight.sum())
        return cls(X, weight, centre, size * np.where(spread > 0, spread, 1.0), intercept)

    @property
    def columns(self) -> int:
        return len(self.scale) + int(self.intercept)

    def chunks(self, times: int) -> Iterator[tuple[slice, Doubles, Doubles]]:
        """(rows, their columns, their weights), for work that widens a row `times` times."""
        step = max(CHUNK // (self.columns * times), 1)
        for start in range(0, len(self.weight), step):
            rows = slice(start, start + step)
            part = self.X[rows].toarray() if issparse(self.X) else self.X[rows]
            part = (part - self.centre) / self.scale
            if self.intercept:
                part = np.column_stack([part, np.ones(len(part))])
            yield rows, part, self.weight[rows]

    @property
    def back(self) -> Doubles:
        """(columns, columns): coefficients of this form to those of X."""
        matrix = np.diag(np.append(1 / self.scale, np.ones(int(self.intercept))))
        if self.intercept:
            matrix[-1, :-1] = -self.centre / self.scale
        return matrix

    def basis(self) -> tuple[Doubles, Doubles]:
        """Orthonormal directions that the columns span, and those that they leave out."""
        gram = sum((x * share[:, None]).T @ x for _, x, share in self.chunks(1))
        values, directions = eigh(gram / self.weight.sum())
        spanned = values > COLLINEAR * values[-1]
        return directions[:, spanned], directions[:, ~spanned]


def relations(null: Doubles, names: Sequence[str]) -> list[list[str]]:
    """The columns of each linear relation: one that follows from the others first."""
    if not null.shape[1]:
        return []
    pivots = qr(null.T, pivoting=True, mode="r")[1][: null.shape[1]]
    each = lstsq(null[pivots], null.T)[0]  # row k: 1 at its own pivot, 0 at those of the others
    found = []
    for pivot, relation in zip(pivots, np.abs(each), strict=True):
        others = [j for j in np.flatnonzero(relation > 1e-6) if j != pivot]
        found.append([names[j] for j in [pivot, *others]])
    return found
