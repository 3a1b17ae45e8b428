"""A preconditioner for the Hessian of a softmax classifier: curvature of classes x features."""

import numpy as np
from scipy.linalg import eigh

from neglog.learn._rows import Doubles

_LEAST = 1e-9  # of the columns' mean second moment: keeps collinear columns apart


class Preconditioner:
    """The inverse of a_k S + P for each class k, where the Hessian is that of the penalised nll.

    a_k = sum_i share_i p_ik (1 - p_ik) is the curvature of the class, S = sum_i share_i x_i x_i'
    that of the features, P the diagonal of the penalty. One decomposition serves for all a_k:
    with B = S + P / a0 and the basis in which B is the identity and S is diag(s),
    a_k S + P is diag(a0 + (a_k - a0) s). S is centred: the intercepts take what an offset of the
    features contributes.
    """

    def __init__(
        self, first: Doubles, second_moments: Doubles, penalty: Doubles, num_classes: int
    ) -> None:
        self._typical = 1 / num_classes  # a0
        self._mean = first  # of features that are not centred
        centred = first**2 if second_moments.ndim == 1 else np.outer(first, first)
        second_moments = second_moments - centred
        if second_moments.ndim == 1:
            np.maximum(second_moments, 0, out=second_moments)
        self._basis: Doubles | None = None
        if second_moments.ndim == 1:
            total = second_moments + penalty / self._typical
            total += _LEAST * total.mean()
            self._share = second_moments / total
            self._root = 1 / np.sqrt(total)
        else:
            total = second_moments + np.diag(penalty / self._typical)
            total[np.diag_indices_from(total)] += _LEAST * np.trace(total) / len(total)
            self._share, self._basis = eigh(second_moments, total)

    def __call__(self, v: Doubles, curvature: Doubles) -> Doubles:
        """(K, D + 1): the inverse, times v; the last column is that of the intercepts."""
        floor = 1e-9 * self._typical
        a = np.maximum(curvature, floor)[:, None]
        out = np.empty_like(v)
        features = v[:, :-1] - v[:, -1:] * self._mean
        blocks = np.maximum(self._typical + (a - self._typical) * self._share, floor)
        if self._basis is None:
            out[:, :-1] = features * self._root**2 / blocks
        else:
            out[:, :-1] = ((features @ self._basis) / blocks) @ self._basis.T
        out[:, -1] = v[:, -1] / a[:, 0] - out[:, :-1] @ self._mean
        return out
