"""The method `summary` of a classifier."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils.validation import check_is_fitted

from ..._contract import as_number
from .._features import validated
from .._labels import class_weights, is_soft, labels_of, row_weights
from .summarise import Fitted, Given, summarise
from .table import Summary


class WithSummary:
    """What a fit is worth, for a classifier with `classes_`, `coef_` and `intercept_`."""

    classes_: Any
    coef_: Any
    intercept_: Any
    l2: float
    fit_intercept: bool
    class_weight: Any

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
            TypeError: level is no number.
            ValueError: level is not between 0 and 1; a label is not in ``classes_``; X, y or
                sample_weight is not as for ``fit``; y holds probabilities; the penalty is not
                differentiable (l1); the matrix would take more than 1 GiB.

        Examples:
            >>> from neglog.learn import SoftmaxRegression
            >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], ["no", "no", "yes", "no", "yes"]
            >>> print(SoftmaxRegression(l2=0, tol=1e-9).fit(X, y).summary(X, y))
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
        if not 0 < as_number("level", level) < 1:
            raise ValueError(f"level must be between 0 and 1, got {level!r}")
        if getattr(self, "l1", 0):
            raise ValueError("summary needs l1=0: a coefficient at exactly 0 has no standard error")
        if is_soft(y):
            raise ValueError("y must hold one label for each row, got probabilities")
        X, y = validated(self, X, y, reset=False)
        count = row_weights(sample_weight, len(y))
        present = count > 0
        if not present.all():
            X, y, count = X[present], y[present], count[present]
        labels = labels_of(y, self.classes_)
        weight = class_weights(self.class_weight, labels, count)
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(X.shape[1])])
        model = Fitted(
            self.classes_,
            np.asarray(self.coef_, np.float64),
            np.asarray(self.intercept_, np.float64),
            self.fit_intercept,
            float(self.l2),
            self.class_weight is not None,
            names,
        )
        return summarise(model, Given(X, labels.target, count, weight), level, robust)
