"""A preconditioner for the Hessian of a softmax classifier: curvature of classes x features."""

from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import eigh

from neglog._engine import Array
from neglog._head.chunks import chunks
from neglog.learn._rows import Doubles

_LEAST = 1e-9  # of the columns' mean second moment: keeps collinear columns apart
_MANY = 2**16  # second moments
_AT_ONCE = 2**20  # numbers


class Preconditioner:
    """The inverse of a_k S + P for each class k, where the Hessian is that of the penalised nll.

    a_k = sum_i share_i p_ik (1 - p_ik) is the curvature of the class, S = sum_i share_i x_i x_i'
    that of the features, P the diagonal of the penalty. One decomposition serves for all a_k:
    with B = S + P / a0 and the basis in which B is the identity and S is diag(s),
    a_k S + P is diag(a0 + (a_k - a0) s). S is centred: the intercepts take what an offset of the
    features contributes.
    """

    def __init__(
        self, mean: Doubles, second_moments: Doubles, penalty: Doubles, mass: Doubles
    ) -> None:
        self._typical = 1 / len(mass)  # a0
        self.mass = mass * (1 - mass) + 1e-3 * self._typical**2
        self._mean = mean  # of features that are not centred
        self._penalty = penalty
        if second_moments.ndim == 1:
            second_moments = np.maximum(second_moments, 0)
        # float32 takes half the time and is exact enough for what only directs the solver
        self._dtype: Any = np.float32 if second_moments.size >= _MANY else np.float64
        self._moments = second_moments
        self._applied: Array = second_moments.astype(self._dtype)

    @cached_property
    def _basis(self) -> tuple[Doubles, Array]:
        """The shares s, and the basis."""
        total = self._moments + np.diag(self._penalty / self._typical)
        total[np.diag_indices_from(total)] += _LEAST * np.trace(total) / len(total)
        share, basis = eigh(self._moments, total)
        return share, basis.astype(self._dtype)

    def metric(self, v: Doubles) -> Doubles:
        """(K, D + 1): the curvature where each row has the probabilities of the mean, times v."""
        out = np.empty_like(v)
        slope = v[:, :-1]
        shift = self.mass * (v[:, -1] + slope @ self._mean)
        if self._moments.ndim == 1:
            out[:, :-1] = slope * self._moments * self.mass[:, None]
        else:
            out[:, :-1] = (slope.astype(self._dtype) @ self._applied) * self.mass[:, None]
        out[:, :-1] += shift[:, None] * self._mean
        out[:, -1] = shift
        return out

    def __call__(self, v: Doubles, curvature: Doubles) -> Doubles:
        """The inverse times v (n, D + 1), whose rows have these curvatures; intercepts last."""
        out = np.empty_like(v)
        for part in chunks(len(v), max(_AT_ONCE // v.shape[1], 1)):
            self._divide(v[part], curvature[part], out[part])
        return out

    def _divide(self, v: Doubles, curvature: Doubles, out: Doubles) -> None:
        floor = 1e-9 * self._typical
        a = np.maximum(curvature, floor)[:, None]
        features = np.multiply(v[:, -1:], -self._mean, out=out[:, :-1])
        features += v[:, :-1]
        if self._moments.ndim == 1:
            least = _LEAST * (self._moments * self._typical + self._penalty).mean()
            blocks = a * self._moments
            blocks += self._penalty + least
            features /= blocks
        else:
            share, basis = self._basis
            blocks = np.maximum(self._typical + (a - self._typical) * share, floor)
            features[...] = ((features.astype(basis.dtype) @ basis) / blocks) @ basis.T
        out[:, -1] = v[:, -1] / a[:, 0] - features @ self._mean
