"""Where a fit begins: the frequencies of the classes, and the way to the linear discriminant."""

import numpy as np
from scipy.linalg import solve

from neglog.learn._rows import Doubles

_LEAST = 1e-6  # of the features' mean second moment: keeps collinear columns apart


def priors(mass: Doubles, columns: int) -> Doubles:
    """Theta without features: the intercepts are the logarithms of the classes' shares."""
    theta = np.zeros((len(mass), columns + 1))
    theta[:, -1] = np.log(np.maximum(mass, 1e-3 / len(mass)))
    theta[:, -1] -= theta[:, -1].mean()
    return theta


def to_discriminant(
    mass: Doubles, away: Doubles, second_moments: Doubles, penalty: Doubles
) -> Doubles:
    """The direction from `priors` to the linear discriminant.

    That is the optimum where the features of each class are normal with the same covariance. It
    costs one decomposition of a D x D matrix. On 20,000 normal rows of 1,000 classes it has a
    value of 2.05 where `priors` have 6.39 and the optimum 1.48; Newton steps took 26 evaluations
    and 35 products to 1.92.

    Args:
        mass: (K,) the classes' shares.
        away: (K, D), a class's share x (the mean of its features - that of all).
        second_moments: (D, D) of features around their mean.
        penalty: (D,) of the columns.
    """
    floor = np.maximum(mass, 1e-3 / len(mass))[:, None]
    means = away / floor
    within = second_moments - (means * mass[:, None]).T @ means
    least = _LEAST * np.trace(second_moments) / len(second_moments)
    within[np.diag_indices_from(within)] += penalty * len(mass) + least
    direction = np.empty((len(mass), away.shape[1] + 1))
    direction[:, :-1] = solve(within, means.T, assume_a="pos").T
    direction[:, -1] = -0.5 * np.einsum("kd,kd->k", direction[:, :-1], means)
    return direction
