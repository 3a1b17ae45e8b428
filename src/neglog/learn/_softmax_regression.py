"""Multinomial logistic regression: the softmax classifier of maximum likelihood."""

import warnings
from collections.abc import Callable
from itertools import count
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted, column_or_1d
from threadpoolctl import threadpool_limits

from neglog._numpy import log_softmax, softmax
from neglog.learn._features import validated
from neglog.learn._in_memory import Rows
from neglog.learn._inference import WithSummary
from neglog.learn._kept import Kept
from neglog.learn._labels import class_weights, is_soft, labels_of, row_weights
from neglog.learn._rows import Doubles, Moments, RowSums, Scaling, linear
from neglog.learn._separation import why_none
from neglog.learn._solver.newton import Solution, newton
from neglog.learn._solver.objective import Penalised, centred
from neglog.learn._solver.orthant import orthant_newton


class SoftmaxRegression(WithSummary, Kept, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    r"""Linear softmax classifier, fitted by maximum (penalised) likelihood.

    .. math:: F = \frac{\sum_i s_i \, \mathrm{nll}_i}{\sum_i s_i}
                  + \frac{\mathrm{l2}}{2} \sum_{kd} W_{kd}^2
                  + \mathrm{l1} \sum_{kd} |W_{kd}|, \qquad
              \mathrm{nll}_i = -\log \mathrm{softmax}(W x_i + b)_{y_i}

    The nll is minus the log-likelihood of a row, so with ``l2=0`` the minimum is the maximum of
    the likelihood. F is convex. Newton steps minimise it, each found by conjugate gradients whose
    Hessian products are sums over rows: no N x V matrix is built where it would be large.

    Args:
        l2: penalty on the squared coefficients, >= 0; the intercept is free.
        l1: penalty on the absolute coefficients, >= 0: some become 0 exactly.
        fit_intercept: whether there are intercepts; without them they are 0.
        class_weight: None; a dict from label to weight; or "balanced", which gives every class
            the same total. Labels that are missing from the dict have weight 1.
        classes: the labels, where y may lack some; None: those in y. With l2 > 0 a class without
            rows gets small probabilities; with l2 = 0 it has no finite optimum, and its
            probabilities go to 0.
        warm_start: whether `fit` starts from the fitted model, if there is one.
        max_iter: maximum number of Newton steps, >= 1.
        tol: the fit has converged when no entry of the gradient exceeds it, > 0, the features
            taken at unit deviation.

    Attributes:
        classes_: (V,) the labels, sorted.
        coef_: (V, D) in the dtype of X, one row per class, also for two classes.
        intercept_: (V,) in the dtype of X.
        nll_: mean nll of the training rows, in nats.
        penalty_: ``l2 / 2 * sum(coef_**2) + l1 * sum(abs(coef_))``.
        loss_: ``nll_ + penalty_``, the minimum.
        n_iter_: number of Newton steps.
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
        S. G. Nash, "A survey of truncated-Newton methods", Journal of Computational and Applied
        Mathematics 124 (2000). A. Albert, J. A. Anderson, "On the existence of maximum likelihood
        estimates in logistic regression models", Biometrika 71 (1984).
    """

    def __init__(
        self,
        *,
        l2: float = 1e-4,
        l1: float = 0.0,
        fit_intercept: bool = True,
        class_weight: Any = None,
        classes: ArrayLike | None = None,
        warm_start: bool = False,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.l2 = l2
        self.l1 = l1
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
            y: (N,) labels of any kind, of two or more classes; or (N, V) probabilities.
            sample_weight: (N,) weights s >= 0; a weight of 2 counts a row twice, 0 leaves it out.
            callback: called with this model before the first step and after each step; all
                attributes and methods work there.

        Returns:
            The model itself.

        Raises:
            ValueError: an option is out of range; X, y or sample_weight holds nan or inf or has the
                wrong shape; y has one class only.

        Warns:
            ConvergenceWarning: ``max_iter`` steps were not enough; or without a penalty some
                classes can be separated, so that there is no maximum: which, by which features.
        """
        self._check_options()
        self.__dict__.pop("columns_", None)
        self._minimise(self._rows(X, y, sample_weight), callback)
        return self

    def _rows(self, X: Any, y: Any, sample_weight: ArrayLike | None) -> Rows:
        """The checked rows that have any weight; sets `classes_`."""
        X, y = validated(self, X, y)
        if y.ndim == 2 and not is_soft(y):
            y = column_or_1d(y, warn=True)
        before = getattr(self, "classes_", None) if self._is_warm() else None
        weight = row_weights(sample_weight, len(y))
        present = weight > 0
        if not present.all():
            X, y, weight = X[present], y[present], weight[present]
        labels = labels_of(y, self.classes if self.classes is not None else before)
        self._set_classes(labels.classes)
        weight = class_weights(self.class_weight, labels, weight)
        share = weight / weight.sum()
        scaling = Scaling.of(Moments.of(X, share), centred=self.fit_intercept and not issparse(X))
        target = labels.target
        if target.ndim == 2:
            target = np.ascontiguousarray(target, X.dtype)
        return Rows(X, target, share, len(self.classes_), scaling, rough=not self.l1)

    def _set_classes(self, classes: NDArray[Any]) -> None:
        if len(classes) < 2:
            raise ValueError(
                f"y has one class only, {classes[0]!r}: there is nothing to tell apart; "
                "give rows of two classes or more"
            )
        self.classes_ = classes

    def _is_warm(self) -> bool:
        return bool(self.warm_start) and hasattr(self, "coef_")

    def logits(self, X: Any) -> Doubles:
        """W x + b, (N, V): what the functions of neglog take."""
        check_is_fitted(self)
        if hasattr(self, "columns_"):  # fitted on tables
            X = self.columns_.matrix_of(X)
        else:
            X = validated(self, X, reset=False)
        return linear(X, self.coef_, self.intercept_)

    def decision_function(self, X: Any) -> Doubles:
        """The logits, (N, V); with two classes their difference, (N,), as scikit-learn has it."""
        logits = self.logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> NDArray[Any]:
        """The most probable label of each row: (N,)."""
        best = self.logits(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels

    def predict_proba(self, X: Any) -> Doubles:
        """softmax(W x + b), (N, V), columns in the order of ``classes_``."""
        probs: Doubles = softmax(self.logits(X))
        return probs

    def predict_log_proba(self, X: Any) -> Doubles:
        """log softmax(W x + b), (N, V), accurate even where the probability underflows."""
        log_probs: Doubles = log_softmax(self.logits(X))
        return log_probs

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _check_options(self) -> None:
        for name in ("l2", "l1"):
            value = getattr(self, name)
            if not (_is(Real, value) and 0 <= value < np.inf):
                raise ValueError(f"{name} must be a finite number >= 0, got {value!r}")
        if not (_is(Integral, self.max_iter) and self.max_iter >= 1):
            raise ValueError(f"max_iter must be an integer >= 1, got {self.max_iter!r}")
        if not (_is(Real, self.tol) and 0 < self.tol < np.inf):
            raise ValueError(f"tol must be a finite number > 0, got {self.tol!r}")

    def _minimise(
        self,
        rows: RowSums,
        callback: Callable[["SoftmaxRegression"], object] | None,
    ) -> None:
        objective = Penalised(
            rows, float(self.l2), float(self.l1), fit_intercept=bool(self.fit_intercept)
        )
        if self._is_warm():
            start = rows.scaling.theta(self.coef_, self.intercept_)
            start = start if self.l1 else centred(start)
            direction = None
        else:
            start, direction = objective.start()
        start = np.asarray(start, order=rows.order)
        if direction is not None:
            direction = np.asarray(direction, order=rows.order)
        steps = count()

        def after_step(theta: Doubles) -> None:
            self.n_iter_ = next(steps)
            if callback is not None:
                self._adopt(rows, objective, theta)
                callback(self)

        with threadpool_limits(rows.blas_threads, user_api="blas"):
            options: Any = {"max_iter": self.max_iter, "tol": self.tol, "after_step": after_step}
            if self.l1:
                found = orthant_newton(objective, objective.l1, start, **options)
            else:
                found = newton(objective, start, direction=direction, **options)
        self._adopt(rows, objective, found.theta)
        self._warn(objective, found)

    def _adopt(self, rows: RowSums, objective: Penalised, theta: Doubles) -> None:
        """The model at theta, which the objective has just seen."""
        dtype = rows.dtype
        self.coef_, self.intercept_ = (a.astype(dtype, "C") for a in rows.scaling.model(theta))
        self.nll_, self.penalty_ = objective.nll, objective.penalty(theta)
        self.loss_ = self.nll_ + self.penalty_

    def _warn(self, objective: Penalised, found: Solution) -> None:
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(self.n_features_in_)])
        why = ""
        if self.l2 == self.l1 == 0:
            why = why_none(objective, found, self.classes_.tolist(), names)
        if why:
            warnings.warn(
                f"l2=0 and the likelihood has no maximum: {why}. The coefficients grow without "
                f"end (nll_={self.nll_:.3g} after {self.n_iter_} steps); set l2 > 0, for "
                "instance l2=1e-4",
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
