"""Multinomial logistic regression: the softmax classifier of maximum likelihood."""

import warnings
from collections.abc import Callable, Sequence
from itertools import count
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from threadpoolctl import threadpool_limits

from neglog._numpy import log_softmax, softmax
from neglog.learn import _partial, _saving, _streaming
from neglog.learn._labels import class_weights, is_soft, labels_of, row_weights
from neglog.learn._newton import Solution, newton, newton_direction
from neglog.learn._objective import Penalised
from neglog.learn._rows import Doubles, Moments, Rows, Scaling, linear


class SoftmaxRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Linear softmax classifier, fitted by maximum (penalised) likelihood.

    .. math:: F = \frac{\sum_i s_i \, \mathrm{nll}_i}{\sum_i s_i}
                  + \frac{\mathrm{l2}}{2} \sum_{kd} W_{kd}^2, \qquad
              \mathrm{nll}_i = -\log \mathrm{softmax}(W x_i + b)_{y_i}

    The nll is minus the log-likelihood of a row, so with ``l2=0`` the minimum is the maximum of
    the likelihood. F is convex. L-BFGS minimises it on features that are centred and scaled; the
    minimum is that of the original features, which are neither copied nor changed.

    Args:
        l2: penalty on the squared coefficients, >= 0; the intercept is free.
        max_iter: maximum number of L-BFGS steps, >= 1.
        tol: the fit has converged when no entry of the gradient exceeds it, > 0.

    Attributes:
        classes_: (K,) the labels, sorted.
        coef_: (K, D) float64, one row per class, also for two classes.
        intercept_: (K,) float64.
        nll_: mean nll of the training rows, in nats.
        penalty_: ``l2 / 2 * sum(coef_**2)``.
        loss_: ``nll_ + penalty_``, the minimum.
        n_iter_: number of L-BFGS steps.
        n_features_in_: D.
        feature_names_in_: (D,), if the columns of X have names.

    Examples:
        >>> from neglog.learn import SoftmaxRegression
        >>> X = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0]]
        >>> y = ["low", "low", "mid", "low", "high", "high"]
        >>> model = SoftmaxRegression(l2=0.1).fit(X, y)
        >>> print(model.predict([[0.5], [4.5]]))
        ['low' 'high']
        >>> print(model.predict_proba([[0.5]]).round(2))
        [[0.01 0.83 0.16]]

    Differs from scikit-learn's ``LogisticRegression``: F is a mean, so ``l2`` does not have to
    follow the number of rows. With three or more classes and N rows (of total weight N)
    ``LogisticRegression(C=1 / (l2 * N))`` has the same minimum. With two classes it has one row
    w and penalises ``|w|^2``; here the minimum has the rows -w/2 and w/2, whose squares sum to
    ``|w|^2 / 2``: the penalty on w is half as large, and ``C=2 / (l2 * N)`` gives the same
    probabilities, with ``w = coef_[1] - coef_[0]``.

    References:
        D. C. Liu, J. Nocedal, "On the limited memory BFGS method for large scale optimization",
        Mathematical Programming 45 (1989). A. Albert, J. A. Anderson, "On the existence of
        maximum likelihood estimates in logistic regression models", Biometrika 71 (1984).
    """

    def __init__(
        self,
        *,
        l2: float = 1e-4,
        fit_intercept: bool = True,
        class_weight: Any = None,
        classes: ArrayLike | None = None,
        warm_start: bool = False,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.l2 = l2
        self.fit_intercept = fit_intercept
        self.class_weight = class_weight
        self.classes = classes
        self.warm_start = warm_start
        self.max_iter = max_iter
        self.tol = tol

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        callback: Callable[["SoftmaxRegression"], object] | None = None,
    ) -> Self:
        """Minimise F over the coefficients and the intercept.

        Args:
            X: (N, D) numbers, dense or sparse (CSR); float32 stays float32, anything else is read
                as float64.
            y: (N,) labels of any kind, of two or more classes; or (N, K) probabilities.
            sample_weight: (N,) weights s >= 0; a weight of 2 counts a row twice, 0 leaves it out.
            callback: called with this model before the first step and after each step; all
                attributes and methods work there.

        Returns:
            The model itself.

        Raises:
            ValueError: an option is out of range; X, y or sample_weight holds nan or inf or has the
                wrong shape; y has one class only.

        Warns:
            ConvergenceWarning: ``max_iter`` steps were not enough; or ``l2=0`` and the classes
                can be separated, so that there is no maximum and the coefficients keep growing.
        """
        self._check_options()
        self._minimise(self._rows(X, y, sample_weight), callback)
        return self

    def _rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Rows:
        """The checked rows that have any weight; sets `classes_`."""
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], multi_output=True
        )
        if y.ndim == 2 and not is_soft(y):
            y = column_or_1d(y, warn=True)
        before = getattr(self, "classes_", None) if self._is_warm() else None
        weight = row_weights(sample_weight, len(y))
        present = weight > 0
        if not present.all():
            X, y, weight = X[present], y[present], weight[present]
        labels = labels_of(y, self.classes if self.classes is not None else before)
        if len(labels.classes) < 2:
            raise ValueError(
                f"y has one class only, {labels.classes[0]!r}: there is nothing to tell apart; "
                "give rows of two classes or more"
            )
        weight = class_weights(self.class_weight, labels, weight)
        self.classes_ = labels.classes
        share = weight / weight.sum()
        scaling = Scaling.of(Moments.of(X, share), centred=not issparse(X))
        target = labels.target
        if target.ndim == 2:
            target = np.ascontiguousarray(target, X.dtype)
        return Rows(X, target, share, len(self.classes_), scaling)

    def _is_warm(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "coef_")

    def _start(self, scaling: Scaling) -> Doubles:
        """Theta of the first step: zeros, or the fitted model."""
        if self._is_warm():
            return scaling.theta(self.coef_, self.intercept_)
        return np.zeros((len(self.classes_), len(scaling.scale) + 1))

    def partial_fit(
        self,
        X: Any,
        y: Any,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """One pass of stochastic steps over these rows, from where the model is.

        Mini-batches of 2,048 rows in a random order take steps of Adam; the coefficients are an
        average of these steps.

        Args:
            X: (n, D) numbers, dense or CSR.
            y: (n,) labels.
            classes: all labels that will ever come; the first call needs them.
            sample_weight: (n,) weights >= 0.

        Returns:
            The model itself.

        Raises:
            ValueError: the first call has no classes; or as for `fit`.
        """
        self._check_options()
        _partial.partial_fit(self, X, y, classes, sample_weight)
        return self

    def fit_batches(
        self,
        batches: Any,
        *,
        target: str | None = None,
        features: Sequence[str] | None = None,
        classes: ArrayLike | None = None,
        epochs: int = 5,
        buffer: int = 1 << 18,
        progress: Callable[[int, float | None], object] | None = None,
    ) -> Self:
        """Fit data larger than memory: batches are read again in each epoch.

        A first pass measures the columns and finds the classes, `epochs` passes take stochastic
        steps as in `partial_fit`, and a last pass measures ``nll_``. The result is near the minimum
        that `fit` finds, not at it: after five epochs over 336,776 flights the loss was
        0.001 above the minimum of 0.806, and after twenty 0.0003.

        Args:
            batches: a list or another iterable that can be read several times, or a function that
                makes an iterator. Its items are Arrow record batches or tables, pandas or polars
                frames (with `target`); or tuples (X, y) or (X, y, weight) of arrays.
            target: the column of the classes.
            features: the columns to learn from; None: all others that are no index. Numbers are
                scaled, texts become categories, and a missing value is a feature of its own;
                ``columns_.notes`` says what was decided.
            classes: the labels, where the batches need not be searched for them.
            epochs: how often all rows are read for steps, >= 1.
            buffer: rows that are held and mixed at a time, at least. Rows that are sorted by class
                need a buffer of several classes.
            progress: called with the rows so far and their share of all epochs.

        Returns:
            The model itself; of tables, it takes tables from then on.

        Raises:
            ValueError: batches can be read once only; a column can be no feature; one class only.
            TypeError: an item is neither a table nor a tuple.
        """
        self._check_options()
        for name, value in (("epochs", epochs), ("buffer", buffer)):
            if not (_is(Integral, value) and value >= 1):
                raise ValueError(f"{name} must be an integer >= 1, got {value!r}")
        known = classes if classes is not None else self.classes
        reader: Any = _streaming.Pairs(known)
        if target is not None:
            reader = _streaming.Tables(target, features, known)
        _streaming.fit(self, batches, reader, epochs, buffer, progress)
        return self

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the fitted model to one .npz file, without pickle; whole or not at all.

        Args:
            path: the file.
            overwrite: whether to replace a file that exists.

        Raises:
            FileExistsError: the file exists.
            ValueError: a class or a setting is neither a number nor a string.
        """
        check_is_fitted(self)
        _saving.save(self, Path(path), overwrite)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The model that `save` has written.

        Args:
            path: the file.

        Returns:
            The model; nothing in the file is evaluated.

        Raises:
            ValueError: the file holds no model, is damaged, or comes from a newer version.
        """
        return _saving.load(cls, Path(path))  # type: ignore[no-any-return]

    def logits(self, X: Any) -> Doubles:
        """W x + b, (N, K): what the functions of neglog take."""
        check_is_fitted(self)
        if hasattr(self, "columns_"):  # fitted on a table
            X = self.columns_.matrix_of(X)
        else:
            X = validate_data(
                self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False
            )
        return linear(X, self.coef_, self.intercept_)  # type: ignore[no-any-return]

    def decision_function(self, X: Any) -> Doubles:
        """The logits, (N, K); with two classes their difference, (N,), as scikit-learn has it."""
        logits = self.logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row: (N,)."""
        best = self.logits(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def predict_proba(self, X: Any) -> Doubles:
        """softmax(W x + b), (N, K), columns in the order of ``classes_``."""
        probs: Doubles = softmax(self.logits(X))
        return probs

    def predict_log_proba(self, X: Any) -> Doubles:
        """log softmax(W x + b), (N, K), accurate even where the probability underflows."""
        log_probs: Doubles = log_softmax(self.logits(X))
        return log_probs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_options(self) -> None:
        if not (_is(Real, self.l2) and 0 <= self.l2 < np.inf):
            raise ValueError(f"l2 must be a finite number >= 0, got {self.l2!r}")
        if not (_is(Integral, self.max_iter) and self.max_iter >= 1):
            raise ValueError(f"max_iter must be an integer >= 1, got {self.max_iter!r}")
        if not (_is(Real, self.tol) and 0 < self.tol < np.inf):
            raise ValueError(f"tol must be a finite number > 0, got {self.tol!r}")

    def _minimise(
        self,
        rows: Rows,
        callback: Callable[["SoftmaxRegression"], object] | None,
    ) -> None:
        objective = Penalised(rows, float(self.l2), fit_intercept=self.fit_intercept)
        start = self._start(rows.scaling)
        steps = count()

        def after_step(theta: Doubles) -> None:
            self.n_iter_ = next(steps)
            if callback is not None:
                self._adopt(rows, objective, theta)
                callback(self)

        with threadpool_limits(1 if rows.is_small else None, user_api="blas"):
            found = newton(
                objective, start, max_iter=self.max_iter, tol=self.tol, after_step=after_step
            )
        self._adopt(rows, objective, found.theta)
        self._warn(rows, objective, found)

    def _adopt(self, rows: Rows, objective: Penalised, theta: Doubles) -> None:
        """The model at theta, which the objective has just seen."""
        dtype = rows.X.dtype
        self.coef_, self.intercept_ = (a.astype(dtype) for a in rows.scaling.model(theta))
        self.nll_, self.penalty_ = objective.nll, objective.penalty(theta)
        self.loss_ = self.nll_ + self.penalty_

    def _warn(self, rows: Rows, objective: Penalised, found: Solution) -> None:
        if self.l2 == 0 and _is_unbounded(rows, objective, found):
            warnings.warn(
                "l2=0 and some classes can be separated without error: the likelihood has no "
                f"maximum and the coefficients grow without end (nll_={self.nll_:.3g} after "
                f"{self.n_iter_} steps); set l2 > 0, for instance l2=1e-4",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif not found.converged:
            warnings.warn(
                f"stopped after {self.n_iter_} steps with a gradient of "
                f"{np.abs(found.gradient).max():.1e}, above tol={self.tol:g} ({found.why}); "
                "raise max_iter, l2 or tol",
                ConvergenceWarning,
                stacklevel=4,
            )


def _is(kind: type, value: object) -> bool:
    """isinstance, for arguments whose annotation a type checker would trust."""
    return isinstance(value, kind)


def _is_unbounded(rows: Rows, objective: Penalised, found: Solution) -> bool:
    """Whether the loss has no minimum, l2 being 0.

    It has none if every row is classified correctly, because larger coefficients are then better.
    If only some classes can be separated, the loss falls along some direction as e^-t. However
    small the gradient is, the next Newton step then moves a logit by about 1 nat. At a minimum it
    moves none (measured: 0.17 or more without a minimum, 2e-5 or less with one).
    """
    theta = found.theta
    logits = linear(rows.X, *rows.scaling.model(theta))
    if rows.target.ndim == 1 and (logits.argmax(axis=1) == rows.target).all():
        return True
    step = newton_direction(objective, found.gradient)
    moved = linear(rows.X, *rows.scaling.model(theta + step)) - logits
    return bool(np.abs(moved - moved.mean(axis=1, keepdims=True)).max() > 0.01)
