"""What SoftmaxRegression minimises: the mean nll plus the penalty, its gradient and curvature."""

from typing import Protocol

import numpy as np

from neglog.learn._precondition import Preconditioner
from neglog.learn._rows import Doubles, RowSums


class Objective(Protocol):
    """A convex function of one table of numbers, as a solver sees it."""

    precision: float  # the relative rounding error of a value

    def value_and_gradient(self, theta: Doubles) -> tuple[float, Doubles]:
        """The value and the gradient at theta."""

    def hessian_product(self, v: Doubles) -> Doubles:
        """The Hessian at the theta of the last call of `value_and_gradient`, times v."""

    def precondition(self, v: Doubles) -> Doubles:
        """About the inverse of that Hessian, times v."""


class Penalised:
    """F = sum_i share_i nll_i + l2/2 sum coef^2 as a function of theta (K, D + 1).

    theta holds the coefficients and, in the last column, the intercepts for scaled features.
    """

    def __init__(self, rows: RowSums, l2: float, *, fit_intercept: bool = True) -> None:
        self.rows, self.fit_intercept = rows, fit_intercept
        penalty = l2 / rows.scaling.scale**2
        self._l2 = np.append(penalty, 0.0)  # by column of theta
        self._inverse = Preconditioner(*rows.moments(), penalty, rows.num_classes)
        self.precision = rows.precision
        self._theta = np.empty((0, 0))
        self._curvature = np.empty(0)
        self.nll = np.nan  # of the last call of `value_and_gradient`

    def penalty(self, theta: Doubles) -> float:
        return 0.5 * float(np.einsum("kd,kd,d->", theta, theta, self._l2))

    def value_and_gradient(self, theta: Doubles) -> tuple[float, Doubles]:
        sums = self.rows.first_order(theta)
        self._theta, self._curvature, self.nll = theta, sums.curvature, sums.nll
        gradient = self._free(sums.gradient + self._l2 * theta)
        return sums.nll + self.penalty(theta), gradient

    def hessian_product(self, v: Doubles) -> Doubles:
        return self._free(self.rows.second_order(self._theta, v) + self._l2 * v)

    def precondition(self, v: Doubles) -> Doubles:
        return self._inverse(v, self._curvature)

    def _free(self, table: Doubles) -> Doubles:
        """Without the intercepts, if there are none."""
        if not self.fit_intercept:
            table[:, -1] = 0
        return table
