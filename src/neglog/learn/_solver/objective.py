"""What SoftmaxRegression minimises: the mean nll plus the penalty, its gradient and curvature."""

from typing import Protocol

import numpy as np

from neglog.learn._rows import BlockOptions, Blocks, Doubles, RowSums
from neglog.learn._solver.precondition import Preconditioner
from neglog.learn._solver.start import priors, to_discriminant

# Products of a step beyond which the next one gets blocks of its own. To a gradient of 1e-7,
# 5,000 x 784 rows of 10 classes (MNIST) take 54 products instead of 180 without blocks, 50,000 x 64
# of 100 classes 23 instead of 87, 20,000 x 64 of 1,000 classes 89 instead of 240. With 8, they take
# 79, 36 and 106; with 2 the last takes 84, and more time, because blocks cost a few products.
_MANY = 4
_WIDE, _FEW = 256, 16


class Objective(Protocol):
    """A convex function of one table of numbers, as a solver sees it."""

    @property
    def precision(self) -> float:
        """The relative rounding error of a value."""

    def value_and_gradient(self, theta: Doubles) -> tuple[float, Doubles]:
        """The value and the gradient at theta."""

    def metric(self, v: Doubles) -> float | None:
        """v'Mv, where M is a curvature that does not depend on theta, if there is one."""

    def hessian_product(self, v: Doubles, damping: float = 0.0) -> Doubles:
        """H + damping M at the theta of the last call of `value_and_gradient`, times v."""

    def precondition(self, v: Doubles, damping: float = 0.0) -> Doubles:
        """About the inverse of that, times v."""

    def refine(self) -> bool:
        """Be as exact as the data allow from now on; False: it was so already."""


class Penalised:
    """F = sum_i share_i nll_i + l2/2 sum coef^2 as a function of theta (K, D + 1).

    The rest of the penalty, l1 sum |coef|, is l1 |theta| by column.
    theta holds the coefficients and, in the last column, the intercepts for scaled features.
    """

    def __init__(
        self, rows: RowSums, l2: float, l1: float = 0.0, *, fit_intercept: bool = True
    ) -> None:
        self.rows, self.fit_intercept = rows, fit_intercept
        penalty = l2 / rows.scaling.scale**2
        self._l2 = np.append(penalty, 0.0)  # by column of theta
        self.l1 = np.append(l1 / rows.scaling.scale, 0.0)
        first, second = rows.moments()
        if not fit_intercept:
            first = np.zeros_like(first)
        self._centred = second - (first**2 if second.ndim == 1 else np.outer(first, first))
        self._mean, self._columns = first, len(penalty)
        self._inverse = Preconditioner(first, self._centred, penalty, rows.mass)
        self._blocks: Blocks | None = None
        # The decomposition of many columns' second moments takes longer than blocks of few classes.
        wide = self._columns >= _WIDE and rows.num_classes <= _FEW
        self._is_slow = wide or rows.has_few_rows
        self._many = 0 if rows.has_few_rows else _MANY * (2 if wide else 1)
        self._products = 0
        self._theta = np.empty((0, 0))
        self._curvature = np.empty(0)
        self.nll = np.nan  # of the last call of `value_and_gradient`
        self._found: tuple[float, Doubles] | None = None  # by it

    @property
    def precision(self) -> float:
        return self.rows.precision

    def refine(self) -> bool:
        self._found = None
        return self.rows.refine()

    def start(self) -> tuple[Doubles, Doubles | None]:
        """Theta of the first step, and the direction of that step if it is not Newton's."""
        zeros = np.zeros((self.rows.num_classes, self._columns + 1))
        if not self.fit_intercept or self.l1.any():
            return zeros, None
        direction = priors(self.rows.mass, self._columns)
        if self._centred.ndim == 2:
            _, gradient = self.value_and_gradient(zeros)
            sums = self._mean / len(zeros) - gradient[:, :-1]
            away = sums - self.rows.mass[:, None] * self._mean
            direction += to_discriminant(self.rows.mass, away, self._centred, self._l2[:-1])
            direction[:, -1] -= direction[:, :-1] @ self._mean
        return zeros, centred(direction)

    def penalty(self, theta: Doubles) -> float:
        return self._square(theta) + float(np.sum(np.abs(theta) * self.l1))

    def _square(self, theta: Doubles) -> float:
        return 0.5 * float(np.einsum("kd,kd,d->", theta, theta, self._l2))

    def value_and_gradient(self, theta: Doubles) -> tuple[float, Doubles]:
        if theta is self._theta and self._found:  # so the first step begins
            return self._found
        self._is_slow |= self._products > self._many
        self._products = 0
        sums = self.rows.first_order(theta)
        self._theta, self._curvature, self.nll = theta, sums.curvature, sums.nll
        gradient = self._free(sums.gradient + self._l2 * theta)
        self._found = sums.nll + self._square(theta), gradient
        return self._found

    def hessian_product(self, v: Doubles, damping: float = 0.0) -> Doubles:
        self._products += 1
        product = self.rows.second_order(self._theta, v) + self._l2 * v
        if damping:
            product += damping * self._inverse.metric(v)
        return self._free(product)

    def metric(self, v: Doubles) -> float | None:
        # A diagonal knows nothing of columns that are much alike: directions along them bend up to
        # 45 times as much as it says, and it would damp all others by as much. Languages (30,000
        # sparse rows of 93 classes) took 293 products, without damping 202.
        if self._centred.ndim == 1:
            return None
        return float(np.vdot(v, self._inverse.metric(v)))

    def precondition(self, v: Doubles, damping: float = 0.0) -> Doubles:
        curvature = self._curvature + damping * self._inverse.mass
        if self.l1.any():
            return self._free(self._inverse(v, curvature))
        if self._is_slow:
            self._sharpen(damping)
        # What all classes share has no curvature but the penalty's, and never a gradient: without
        # it MNIST-5k takes 123 products instead of 154.
        v = centred(v)
        if self._blocks is None:
            return centred(self._inverse(v, curvature))
        columns, inverse = self._blocks
        in_blocks = inverse(v[:, columns], curvature)
        if self._centred.ndim == 2:
            return centred(in_blocks)
        v[:, -1] = 0  # the other columns have their diagonal
        out = self._inverse(v, curvature)
        out[:, columns] = in_blocks
        return centred(out)

    def _sharpen(self, damping: float) -> None:
        """Take the blocks of the classes at theta, where they are to be had."""
        self._is_slow = False
        second = None
        if self._centred.ndim == 2:
            second = np.ones((self._columns + 1, self._columns + 1))
            second[:-1, :-1] = self._centred + np.outer(self._mean, self._mean)
            second[:-1, -1] = second[-1, :-1] = self._mean
        damped = damping * self._inverse.mass
        options = BlockOptions(second, self._l2, damped, self.fit_intercept, self._inverse)
        self._blocks = None  # its memory serves the next ones
        self._blocks = self.rows.class_blocks(self._theta, self._curvature, options)

    def _free(self, table: Doubles) -> Doubles:
        """Without the intercepts, if there are none."""
        if not self.fit_intercept:
            table[:, -1] = 0
        return table


def centred(table: Doubles) -> Doubles:
    """Without what all classes share: softmax does not see it, and the least penalty has none."""
    rest: Doubles = table - table.mean(axis=0)
    return rest
