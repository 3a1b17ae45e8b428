"""Temperature scaling: one number that fits the confidence of a model to its errors."""

import warnings
from collections.abc import Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from .._contract import check_shape
from .._numpy import log_softmax, softmax
from ._labels import row_weights
from ._rows import Doubles

CHUNK = 2**18  # logits that are widened to float64 at a time
STEPS = 100  # tests take up to 40
CLOSE = 1e-8  # a relative step; the error after it is about its square
GONE = 40.0  # nats by which a class must lie below another to vanish beside it: e^-40 < 2^-53


class TemperatureScaling(BaseEstimator):  # type: ignore[misc]
    r"""The temperature that makes the mean nll of rows the smallest.

    .. math:: T = \arg\min_{T > 0} \frac{\sum_i s_i \, \mathrm{nll}_i(T)}{\sum_i s_i}, \qquad
              \mathrm{nll}_i(T) = -\log \mathrm{softmax}(z_i / T)_{y_i}

    Rows that the model was not fitted on show how sure it may be. T > 1 makes it less sure, T < 1
    surer; which class is the likeliest stays the same. The nll is convex in 1/T, where Newton's
    method finds the minimum to the last digits.

    Args:
        classes: (V,) the labels of the columns, such as ``classes_`` of a classifier; None: y
            holds the numbers of columns.

    Attributes:
        temperature_: T, above 0; inf where the logits are no better than none.
        nll_: mean nll of the rows at T, in nats.
        n_iter_: number of Newton steps.
        classes_: (V,) the labels of the columns.
        n_features_in_: V.

    Examples:
        >>> from neglog.learn import TemperatureScaling
        >>> logits = [[4.0, 0.0], [0.0, 4.0], [4.0, 0.0], [0.0, 4.0]]
        >>> scaling = TemperatureScaling().fit(logits, [0, 1, 1, 1])  # sure of all, right in 3 of 4
        >>> scaling.predict_proba([[4.0, 0.0]]).round(4)
        array([[0.75, 0.25]])
        >>> round(scaling.temperature_, 4)
        3.641

    Differs from scikit-learn's ``CalibratedClassifierCV(method="temperature")``: it takes the
    logits themselves, of any model, and says where no finite T exists.

    References:
        C. Guo et al., "On calibration of modern neural networks", ICML (2017).
    """

    def __init__(self, *, classes: ArrayLike | None = None) -> None:
        self.classes = classes

    def fit(self, logits: Any, y: Any, sample_weight: ArrayLike | None = None) -> Self:
        """Find T.

        Args:
            logits: (N, V) any real dtype; -inf for a class that cannot be.
            y: (N,) labels out of ``classes``, or numbers of columns.
            sample_weight: (N,) weights >= 0; a weight of 2 counts a row twice, 0 leaves it out.

        Returns:
            The estimator itself.

        Raises:
            ValueError: a shape does not fit; a logit is nan or +inf, or that of a row's own class
                -inf; a label is no class; a weight is negative or all are 0.

        Warns:
            ConvergenceWarning: every row is right, so that the nll falls with T down to 0 (T is
                then so small that nothing is left to gain); or the logits are no better than
                none (T is then inf: all classes are equally likely).
        """
        table = _checked(logits)
        self.n_features_in_ = table.shape[1]
        self.classes_ = self._labels()
        y = np.asarray(y)
        check_shape("y", y.shape, table.shape[:1], "one label for each row of logits")
        weight = row_weights(sample_weight, len(table))
        rows = _Rows(table, _columns(y, self.classes_), weight)
        rows.check()
        self.n_iter_, inverse = _minimum(rows)
        self.temperature_ = 1 / inverse if inverse else np.inf
        self.nll_ = rows.nll(inverse)
        return self

    def logits(self, logits: Any) -> Doubles:
        """logits / T, (N, V)."""
        check_is_fitted(self)
        table = _checked(logits)
        if table.shape[1] != self.n_features_in_:
            raise ValueError(
                f"logits must have the {self.n_features_in_} columns of the fit, "
                f"got {table.shape[1]}"
            )
        return _times(table, 1 / self.temperature_)

    def predict_proba(self, logits: Any) -> Doubles:
        """softmax(logits / T), (N, V)."""
        probs: Doubles = softmax(self.logits(logits))
        return probs

    def predict(self, logits: Any) -> NDArray[Any]:
        """The label of the largest logit of each row, (N,); T does not matter to it."""
        self.logits(logits)
        labels: NDArray[Any] = self.classes_[np.asarray(logits).argmax(axis=1)]
        return labels

    def _labels(self) -> NDArray[Any]:
        if self.classes is None:
            return np.arange(self.n_features_in_)
        labels = np.asarray(self.classes)
        check_shape("classes", labels.shape, (self.n_features_in_,), "one label for each column")
        if len(np.unique(labels)) < len(labels):
            raise ValueError("classes must differ from each other")
        return labels


def _checked(logits: Any) -> NDArray[Any]:
    table = np.asarray(logits)
    if table.dtype.kind not in "fiub" or table.ndim != 2 or table.shape[1] < 2 or not len(table):
        raise ValueError(
            "logits must be real numbers of shape (N, V), a row or more and two classes or more, "
            f"got {table.dtype} of shape {table.shape}; for one number per row, the margin of the "
            "second of two classes, stack zeros before it: np.column_stack([0 * z, z])"
        )
    return table


def _columns(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.int64]:
    """(N,) the column of each label; the labels of the columns need not be sorted."""
    order = np.argsort(classes, kind="stable")
    try:
        found = np.searchsorted(classes, y, sorter=order)
        found = order[np.minimum(found, len(classes) - 1)]
        strange = classes[found] != y
    except TypeError:  # text among numbers
        strange = np.ones(len(y), bool)
    if strange.any():
        row = int(np.argmax(strange))
        raise ValueError(
            f"y[{row}] is {y[row]!r}, which is the label of no column; classes= names the "
            "columns, which are else 0, 1, ..."
        )
    return found


def _times(table: NDArray[Any], inverse: float) -> Doubles:
    """table / T, a class that cannot be staying impossible at T = inf."""
    wide = table.astype(np.float64)
    return np.multiply(wide, inverse, out=wide, where=wide != -np.inf)


class _Rows:
    """Logits a chunk at a time, and sums over the rows at a temperature."""

    def __init__(self, logits: NDArray[Any], target: NDArray[np.int64], weight: Doubles) -> None:
        self.logits = logits
        self.target = target
        self.share = weight / weight.sum()

    def chunks(self) -> Iterator[tuple[NDArray[np.int64], Doubles, NDArray[np.int64], Doubles]]:
        """(which rows, their logits, targets, shares), without those of weight 0."""
        rows = np.flatnonzero(self.share)
        for which in np.array_split(rows, -(-len(rows) * self.logits.shape[1] // CHUNK)):
            yield (
                which,
                self.logits[which].astype(np.float64),
                self.target[which],
                self.share[which],
            )

    def check(self) -> None:
        for which, z, target, _ in self.chunks():
            wrong = np.isnan(z) | (z == np.inf)
            wrong[np.arange(len(z)), target] |= z[np.arange(len(z)), target] == -np.inf
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                raise ValueError(
                    f"logits[{which[row]}, {column}] is {z[row, column]}: logits must be finite, "
                    "or -inf for a class that cannot be and is not that of the row"
                )

    def largest_gaps(self) -> tuple[float, float]:
        """The largest of a row's logits less that of its class, and the largest below 0."""
        most, below = -np.inf, -np.inf
        for _, z, target, _ in self.chunks():
            gap = _gap(z, target)
            most = max(most, float(gap.max()))
            below = max(below, float(gap.max(initial=-np.inf, where=gap < 0)))
        return most, below

    def nll(self, inverse: float) -> float:
        return sum(
            -float(share @ np.take_along_axis(log_softmax(_times(z, inverse)), y[:, None], 1)[:, 0])
            for _, z, y, share in self.chunks()
        )

    def slopes(self, inverse: float) -> tuple[float, float]:
        """First and second derivative of the nll by 1/T: mean and variance of a row's logits."""
        slope = curvature = 0.0
        for _, z, target, share in self.chunks():
            p = softmax(_times(z, inverse))
            gap = _gap(z, target)
            mean = np.einsum("nk,nk->n", p, gap)
            gap -= mean[:, None]
            p *= gap
            slope += float(share @ mean)
            curvature += float(share @ np.einsum("nk,nk->n", p, gap))
        return slope, curvature


def _gap(z: Doubles, target: NDArray[np.int64]) -> Doubles:
    """Logits less that of the row's class, written over z; 0 where they are -inf."""
    z -= np.take_along_axis(z, target[:, None], 1)
    z[z == -np.inf] = 0
    return z


def _minimum(rows: _Rows) -> tuple[int, float]:
    """Number of Newton steps, and the 1/T of the least nll.

    The first step is from 0, where it does not depend on the unit of the logits. The sign of the
    slope keeps both ends of an interval around the minimum; a step that leaves it is halved back.
    """
    slope, curvature = rows.slopes(0.0)
    if slope >= 0:
        _warn("the logits are no better than none: the nll is least where all are alike, T = inf")
        return 0, 0.0
    most, below = rows.largest_gaps()
    if most <= 0:
        _warn(
            "every row is right, so the nll falls with T down to 0: T is set so low that nothing is"
            " left to gain; fit it on rows with errors"
        )
        return 0, GONE / -below
    low, high, inverse = 0.0, np.inf, 0.0
    for step in range(1, STEPS):
        moved = inverse - slope / curvature if curvature > 0 else np.inf
        if not low < moved < high:
            moved = (low + high) / 2 if high < np.inf else 2 * inverse
        if abs(moved - inverse) <= CLOSE * moved:
            return step, moved
        inverse = moved
        slope, curvature = rows.slopes(inverse)
        low, high = (inverse, high) if slope < 0 else (low, inverse)
    return STEPS, inverse


def _warn(text: str) -> None:
    warnings.warn(text, ConvergenceWarning, stacklevel=4)
