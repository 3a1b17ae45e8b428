"""A fit on rows that lie in parts: on the workers of a cluster, or in a sequence of files.

    part, theta (, v) -> `sums` --+
    part, theta (, v) -> `sums` --+-- added -> a step of the solver -> theta (, v)
    part, theta (, v) -> `sums` --+

The nll, its gradient and its Hessian products are sums over rows. `sums` keeps nothing, so a task
that dies and is tried again gives the same numbers, and the optimum is that of one machine. Where
each core runs a task of its own, workers start with NEGLOG_NUM_THREADS=1 and OMP_NUM_THREADS=1.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_X_y

from .._show.extras import needs
from ._labels import class_weights, labels_of, row_weights
from ._rows import Doubles, FirstOrder, Moments, Rows, Scaling
from ._softmax_regression import SoftmaxRegression

__all__ = ["fit_dask", "fit_parts", "sums"]

Run = Callable[..., Iterable[Any]]


@dataclass(frozen=True)
class Setting:
    """What every part must know; what is not known yet is asked first."""

    target: str | None  # the column of the labels in a data frame
    weight: str | None  # that of the weights
    classes: Any = None  # (K,)
    class_weight: dict[Any, float] | None = None
    total: float = 1.0  # weight of all rows
    mass: Any = None  # (K,) the classes' shares of it
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


def _arrays(part: Any, setting: Setting) -> tuple[Any, Any, Doubles, list[str] | None]:
    """X, y, weights, and the names of the columns of X."""
    if hasattr(part, "columns"):
        own = [name for name in (setting.target, setting.weight) if name is not None]
        X, y = part.drop(columns=own), part[setting.target]
        weight, names = part[setting.weight] if setting.weight else None, list(X.columns)
    else:
        X, y, weight, names = (*part, None, None)[:4]
    if not len(y) or (weight is not None and not np.any(weight)):
        return X, y, np.zeros(len(y)), names
    X, y = check_X_y(X, y, accept_sparse="csr", dtype=[np.float64, np.float32])
    return X, y, row_weights(weight, len(y)), names


def fit_parts(
    model: SoftmaxRegression,
    run: Run,
    *,
    target: str | None = None,
    weight: str | None = None,
) -> SoftmaxRegression:
    """Fit a model on parts of the rows, wherever they are.

    Args:
        model: its options count; no `warm_start`.
        run: ``run(function, *arguments)`` gives ``function(part, *arguments)`` of each part. It is
            called a few times for each step of the solver, so the parts should stay in memory.
        target: the column of the labels, where the parts are data frames.
        weight: the column of the weights there.

    Returns:
        The model, fitted. Features are named by the data frames.

    Raises:
        ValueError: as for `SoftmaxRegression.fit`; the parts have unlike columns, or no rows.

    Warns:
        ConvergenceWarning: as for `SoftmaxRegression.fit`; separated classes are not named.

    Examples:
        >>> from neglog.learn import SoftmaxRegression
        >>> parts = [([[0.0], [1.0]], ["a", "a"]), ([[2.0], [1.5]], ["b", "a"])]
        >>> model = fit_parts(SoftmaxRegression(l2=0.1), lambda f, *a: [f(p, *a) for p in parts])
        >>> model.predict([[0.0], [9.0]])
        array(['a', 'b'], dtype='<U1')
    """
    model._check_options()
    setting, dtype = _setting(model, run, Setting(target, weight))
    model._minimise(_Parts(run, setting, dtype), None)
    return model


def _setting(model: SoftmaxRegression, run: Run, setting: Setting) -> tuple[Setting, Any]:
    """Classes, weights and scaling, from two rounds; and the dtype of X."""
    surveys = _present(run(sums, setting))
    shapes = {(columns, tuple(names or ())) for _, _, columns, names, _, _ in surveys}
    if len(shapes) > 1:
        raise ValueError(f"parts must have the same columns, got {sorted(shapes)[:2]}")
    ((columns, names),) = shapes
    found = labels_of(np.concatenate([survey[0] for survey in surveys]), model.classes)
    weight = np.concatenate([survey[1] for survey in surveys])
    by_class = class_weights(model.class_weight, found, weight) / weight
    model.classes_ = found.classes
    model.n_features_in_ = columns
    if names:
        model.feature_names_in_ = np.array(names, object)
    setting = replace(
        setting,
        classes=found.classes,
        class_weight=dict(zip(found.classes[found.target], by_class, strict=True)),
        total=float(weight @ by_class),
    )
    moments = Moments(*_added(run(sums, setting)))
    sparse = any(survey[5] for survey in surveys)
    scaling = Scaling.of(moments, centred=not sparse and model.fit_intercept)
    return replace(setting, scaling=scaling), np.result_type(*[survey[4] for survey in surveys])


class _Parts:
    """`RowSums` of rows that are elsewhere."""

    is_small = False

    def __init__(self, run: Run, setting: Setting, dtype: Any) -> None:
        self._run, self._setting, self.dtype = run, setting, np.dtype(dtype)
        self.scaling: Any = setting.scaling
        self.num_classes = len(setting.classes)
        self.precision = 1e-14 if self.dtype == np.float64 else 1e-7

    def first_order(self, theta: Doubles) -> FirstOrder:
        return FirstOrder(*_added(self._run(sums, self._setting, theta)))

    def second_order(self, theta: Doubles, v: Doubles) -> Doubles:
        product: Doubles = _added(self._run(sums, self._setting, theta, v))[0]
        return product

    def moments(self) -> Any:
        return tuple(_added(self._run(sums, self._setting)))


def _present(results: Iterable[Any]) -> list[Any]:
    found = [result for result in results if result is not None]
    if not found:
        raise ValueError("the parts hold no row with a weight above 0")
    return found


def _added(results: Iterable[Any]) -> list[Any]:
    return [sum(entries) for entries in zip(*_present(results), strict=True)]


def fit_dask(
    model: SoftmaxRegression, parts: Any, *, target: str | None = None, weight: str | None = None
) -> SoftmaxRegression:
    """Fit a model on a Dask DataFrame, or on delayed arrays, where they are.

    Args:
        model: as for `fit_parts`.
        parts: a DataFrame of features, labels and weights, or a sequence of delayed (X, y) or
            (X, y, weight). They are persisted: workers keep them during the fit.
        target: the column of the labels.
        weight: the column of the weights, if there are any.

    Returns:
        The model, fitted.

    Raises:
        ValueError: as for `fit_parts`.
        ModuleNotFoundError: Dask is missing: pip install 'neglog[dask]'.

    Examples: tests/learn/test_distributed_fit.py
    """
    with needs("fit_dask", "dask"):
        import dask
    held = dask.persist(*(parts.to_delayed() if hasattr(parts, "to_delayed") else parts))

    def run(function: Any, *arguments: Any) -> Any:
        return dask.compute(*[dask.delayed(function)(part, *arguments) for part in held])

    return fit_parts(model, run, target=target, weight=weight)
