"""Multinomial logistic regression: the softmax classifier of maximum likelihood."""

import warnings
from collections.abc import Callable
from itertools import count
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult, minimize
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data
from threadpoolctl import threadpool_limits

from neglog._numpy import log_softmax, softmax
from neglog.learn._inference import Fitted, Summary, summarise
from neglog.learn._labels import codes
from neglog.learn._objective import Doubles, Objective, linear


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

    def __init__(self, *, l2: float = 1e-4, max_iter: int = 1000, tol: float = 1e-6) -> None:
        self.l2 = l2
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
            X: (N, D) numbers, dense or sparse (CSR), read as float64. (With products in float32 the
                line search fails at a gradient of 3e-6, because of their rounding errors.)
            y: (N,) labels of any kind, of two or more classes.
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
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        weight = _weights(sample_weight, len(y))
        present = weight > 0
        if not present.all():
            X, y, weight = X[present], y[present], weight[present]
        self.classes_, target = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has one class only, {self.classes_[0]!r}: there is nothing to tell apart; "
                "give rows of two classes or more"
            )
        share = weight / weight.sum()
        objective = Objective.of(X, target, share, len(self.classes_), float(self.l2))
        self._minimise(objective, callback)
        return self

    def logits(self, X: Any) -> Doubles:
        """W x + b, (N, K): what the functions of neglog take."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return linear(X, self.coef_, self.intercept_)

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

    def summary(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        level: float = 0.95,
        robust: bool = False,
    ) -> Summary:
        """Standard errors, tests and intervals of the coefficients, as differences to class 0.

        Args:
            X: (N, D), the rows that the model was fitted on: it keeps none.
            y: (N,) their labels.
            sample_weight: (N,) their weights; a weight of 2 counts a row twice.
            level: of the intervals, between 0 and 1.
            robust: standard errors from the sandwich (HC0) instead of the information matrix:
                valid for large N even where the model is not the true one.

        Returns:
            A frozen table; `print` shows it, `to_dict` gives it as JSON would hold it. What is not
            valid is nan, and its notes say why: collinear columns, classes that can be separated,
            rows that are not those of the fit. With ``l2 > 0`` coefficients are drawn towards 0;
            then nothing is tested, and standard errors are those of a normal prior.

        Raises:
            ValueError: level is not between 0 and 1; a label is not in ``classes_``; X, y or
                sample_weight is not as for ``fit``; the matrix would take more than 1 GiB.

        Examples:
            >>> from neglog.learn import SoftmaxRegression
            >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], ["no", "no", "yes", "no", "yes"]
            >>> print(SoftmaxRegression(l2=0).fit(X, y).summary(X, y))
            5 rows, 2 classes, against class no
            log-likelihood       -2.4220   with no feature      -3.3651   pseudo-R2 0.2803
            LR chi2(1) 1.8862, p 0.1696   AIC 8.8439   BIC 8.0628
            standard errors: model-based; low and high: 95 % intervals
            <BLANKLINE>
                             coef       se     z       p     low    high
            yes
              x0           1.0904   0.9749  1.12  0.2633 -0.8203  3.0011
              intercept   -2.8035   2.5632 -1.09  0.2740 -7.8272  2.2201

        Equal to statsmodels' ``MNLogit``, which leaves the first class out in the same way.
        """
        check_is_fitted(self)
        if not (_is(Real, level) and 0 < level < 1):
            raise ValueError(f"level must be between 0 and 1, got {level!r}")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64, reset=False)
        weight = _weights(sample_weight, len(y))
        target = codes(y, self.classes_, "give the rows of the fit")
        present = weight > 0
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
        fitted = Fitted(self.classes_, self.coef_, self.intercept_, True, float(self.l2), names)
        if not present.all():
            X, target, weight = X[present], target[present], weight[present]
        return summarise(fitted, X, target, weight, level, robust)

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
        self, objective: Objective, callback: Callable[["SoftmaxRegression"], object] | None
    ) -> None:
        steps = count()

        def after_step(theta: Doubles) -> None:
            self.n_iter_ = next(steps)
            if callback is not None:
                self._adopt(objective, theta)
                callback(self)

        after_step(objective.start())
        # maxcor: 30 remembered steps instead of 10 save 13 to 65 % of the steps. ftol: a small
        # step is no reason to stop; SciPy stops anyway if the loss no longer changes.
        options = {
            "maxiter": self.max_iter,
            "maxfun": 100 * self.max_iter,
            "maxls": 50,
            "maxcor": 30,
            "gtol": self.tol,
            "ftol": 0.0,
        }
        # The BLAS of NumPy and that of SciPy each have threads that wait by spinning. On small
        # products they take time from each other (digits, two busy cores: 9.0 s; one thread: 0.3).
        with threadpool_limits(1 if objective.is_small else None, user_api="blas"):
            result = minimize(
                objective,
                objective.start(),
                jac=True,
                method="L-BFGS-B",
                callback=after_step,
                options=options,
            )
        self._adopt(objective, result.x)
        self._warn(objective, result)

    def _adopt(self, objective: Objective, theta: Doubles) -> None:
        self.coef_, self.intercept_ = objective.model(theta)
        self.nll_, self.penalty_ = objective.parts(theta)
        self.loss_ = self.nll_ + self.penalty_

    def _warn(self, objective: Objective, result: OptimizeResult) -> None:
        if self.l2 == 0 and _is_unbounded(objective, result):
            warnings.warn(
                "l2=0 and some classes can be separated without error: the likelihood has no "
                f"maximum and the coefficients grow without end (nll_={self.nll_:.3g} after "
                f"{self.n_iter_} steps); set l2 > 0, for instance l2=1e-4",
                ConvergenceWarning,
                stacklevel=4,
            )
        elif not result.success:
            warnings.warn(
                f"stopped after {self.n_iter_} steps with a gradient of "
                f"{np.abs(result.jac).max():.1e}, above tol={self.tol:g} ({result.message}); "
                "raise max_iter, l2 or tol",
                ConvergenceWarning,
                stacklevel=4,
            )


def _is(kind: type, value: object) -> bool:
    """isinstance, for arguments whose annotation a type checker would trust."""
    return isinstance(value, kind)


def _is_unbounded(objective: Objective, result: OptimizeResult) -> bool:
    """Whether the loss has no minimum, l2 being 0.

    It has none if every row is classified correctly, because larger coefficients are then better.
    If only some classes can be separated, the loss falls along some direction as e^-t. However
    small the gradient is, the next Newton step then moves a logit by about 1 nat. At a minimum it
    moves none (measured: 0.17 or more without a minimum, 2e-5 or less with one).
    """
    logits = objective.logits(result.x)
    if (logits.argmax(axis=1) == objective.target).all():
        return True
    step = result.hess_inv @ -result.jac
    return bool(np.abs(objective.logits(result.x + step) - logits).max() > 0.01)


def _weights(sample_weight: ArrayLike | None, rows: int) -> Doubles:
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
