"""Sums over the rows of one part of a table: the pure function behind `learn.distributed`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_X_y

from ._in_memory import Rows
from ._labels import class_weights, labels_of, row_weights
from ._rows import Doubles, Moments, Scaling


@dataclass(frozen=True)
class Setting:
    """What every part must know; what is not known yet is asked first."""

    target: str | None  # the column of the labels in a data frame
    weight: str | None  # that of the weights
    classes: Any = None  # (K,)
    class_weight: dict[Any, float] | None = None
    total: float = 1.0  # weight of all rows
    scaling: Scaling | None = None


def sums(part: Any, setting: Setting, theta: Any = None, v: Any = None) -> Any:
    """The sums over the rows of one part: a pure function, which a worker calls.

    Args:
        part: (X, y) or (X, y, weight) as for `SoftmaxRegression.fit`, or a data frame.
        setting: what `fit_parts` hands on.
        theta: (K, D + 1) the model; None before the first step.
        v: (K, D + 1): the Hessian times v is wanted, not value and gradient.

    Returns:
        A tuple of numbers and arrays; None for a part without rows.

    Raises:
        ValueError: X, y or the weights are not as for `SoftmaxRegression.fit`.

    Examples: see `fit_parts`.
    """
    X, y, weight, names = _arrays(part, setting)
    kept = weight > 0
    if not kept.any():
        return None
    X, y, weight = X[kept], y[kept], weight[kept]
    labels = labels_of(y, setting.classes)
    if setting.classes is None:
        by_class = np.bincount(labels.target, weight)
        return labels.classes, by_class, X.shape[1], names, X.dtype, issparse(X)
    share = class_weights(setting.class_weight, labels, weight) / setting.total
    if setting.scaling is None:
        return Moments.of(X, share)
    rows = Rows(X, labels.target, share, len(setting.classes), setting.scaling)
    if theta is None:
        return rows.moments()
    return rows.first_order(theta) if v is None else (rows.second_order(theta, v),)


def _arrays(part: Any, setting: Setting) -> tuple[Any, Any, Doubles, tuple[str, ...] | None]:
    """X, y, weights, and the names of the columns of X."""
    if hasattr(part, "columns"):
        own = [name for name in (setting.target, setting.weight) if name is not None]
        X, y = part.drop(columns=own), part[setting.target]
        weight, names = part[setting.weight] if setting.weight else None, tuple(X.columns)
    else:
        X, y, weight, names = (*part, None, None)[:4]
    if not len(y) or (weight is not None and not np.any(weight)):
        return X, y, np.zeros(len(y)), names
    X, y = check_X_y(X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
    return X, y, row_weights(weight, len(y)), names
