"""Labels of any kind -> classes 0..K-1 or probabilities, and the weight of each row."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.multiclass import check_classification_targets

from neglog.learn._rows import Doubles


class Labels(NamedTuple):
    """What y says of N rows and K classes."""

    classes: NDArray[Any]  # (K,) the labels, sorted
    target: NDArray[Any]  # (N,) int64, or (N, K) probabilities


def is_soft(y: Any) -> bool:
    """Whether y holds a probability of each class instead of a label."""
    return getattr(y, "ndim", 1) == 2 and y.shape[1] > 1 and np.asarray(y).dtype.kind == "f"


def labels_of(y: NDArray[Any], classes: ArrayLike | None = None) -> Labels:
    """Hard or soft labels; `classes` fixes the classes ahead, those without rows included."""
    if is_soft(y):
        return _soft(y, classes)
    check_classification_targets(y)
    if classes is None:
        found, target = np.unique(y, return_inverse=True)
        return Labels(found, target.astype(np.int64))
    known = np.unique(np.asarray(classes))
    target = np.searchsorted(known, y)
    wrong = known[np.minimum(target, len(known) - 1)] != y
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(
            f"y holds {y[row]!r} in row {row}, which is not one of classes; add it to classes, or "
            "leave such rows out"
        )
    return Labels(known, target.astype(np.int64))


def _soft(y: NDArray[Any], classes: ArrayLike | None) -> Labels:
    known = np.arange(y.shape[1]) if classes is None else np.unique(np.asarray(classes))
    if len(known) != y.shape[1]:
        raise ValueError(
            f"y has {y.shape[1]} columns and classes {len(known)} labels: each class has a column"
        )
    good = (y >= 0).all(axis=1) & (np.abs(y.sum(axis=1, dtype=np.float64) - 1) < 1e-4)
    if not good.all():
        row = int(np.argmin(good))
        raise ValueError(
            f"y has a column for each class, so each row must be probabilities that sum to 1; row "
            f"{row} sums to {y[row].sum(dtype=np.float64):.6g}"
        )
    return Labels(known, y)


def class_weights(class_weight: Any, labels: Labels, weight: Doubles) -> Doubles:
    """(N,): the rows' weights times those of their classes."""
    if class_weight is None:
        return weight
    if labels.target.ndim == 2:
        raise ValueError(
            "class_weight needs one label for each row, and y has probabilities; put the weights "
            "into sample_weight"
        )
    of_class = np.ones(len(labels.classes))
    if isinstance(class_weight, dict):
        for name, number in class_weight.items():
            of_class[labels.classes == name] = number
    elif isinstance(class_weight, str) and class_weight == "balanced":
        total = np.bincount(labels.target, weight, len(labels.classes))
        present = total > 0
        of_class[present] = total.sum() / (present.sum() * total[present])
    else:
        raise ValueError(
            f"class_weight must be None, 'balanced' or a dict from label to weight, "
            f"got {class_weight!r}"
        )
    if not (np.isfinite(of_class).all() and (of_class >= 0).all()):
        raise ValueError(f"class_weight must hold finite numbers >= 0, got {class_weight!r}")
    return np.asarray(weight * of_class[labels.target])


def row_weights(sample_weight: ArrayLike | None, rows: int) -> Doubles:
    """(N,) float64, checked; ones where none are given."""
    if sample_weight is None:
        return np.ones(rows)
    weight = np.asarray(sample_weight, np.float64)
    if weight.shape != (rows,):
        raise ValueError(
            f"sample_weight must hold one number for each of the {rows} rows of X, "
            f"got shape {weight.shape}"
        )
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        row = int(np.argmin(np.isfinite(weight) & (weight >= 0)))
        raise ValueError(f"sample_weight must be finite and >= 0, row {row} has {weight[row]}")
    if not weight.any():
        raise ValueError("sample_weight is zero in every row: at least one weight must be > 0")
    return weight
