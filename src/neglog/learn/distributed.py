"""A fit on rows that lie in parts: on the workers of a cluster, or in a sequence of files.

    part, theta (, v) -> `sums` --+
    part, theta (, v) -> `sums` --+-- added -> a step of the solver -> theta (, v)
    part, theta (, v) -> `sums` --+

The nll, its gradient and its Hessian products are sums over rows. `sums` keeps nothing: a task that
dies and is tried again gives the same numbers, and the optimum is that of one machine. Workers that
have a core each start with NEGLOG_NUM_THREADS=1 and OMP_NUM_THREADS=1.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import reduce
from typing import Any, Literal

import numpy as np

from .._show.extras import needs
from ._labels import class_weights, labels_of
from ._parts import Setting, sums
from ._rows import Doubles, FirstOrder, Moments, Scaling
from ._softmax_regression import SoftmaxRegression

__all__ = ["fit_dask", "fit_parts", "sums"]

Run = Callable[..., Iterable[Any]]


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
        run: ``run(function, *arguments)`` gives ``function(part, *arguments)`` of each part, a few
            times for each step of the solver: the parts should stay in memory.
        target: the column of the labels, where the parts are data frames.
        weight: the column of the weights there.

    Returns: the model, fitted.

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
    model._minimise(_surveyed(model, run, Setting(target, weight)), None)
    return model


def _surveyed(model: SoftmaxRegression, run: Run, setting: Setting) -> "_Parts":
    """The parts with the classes, weights and scaling of them all, from two rounds."""
    found, by_class, columns, names, dtypes, sparse = zip(
        *_present(run(sums, setting)), strict=True
    )
    if len(set(columns)) > 1 or len(set(names)) > 1:
        raise ValueError(f"the parts must have the same columns, got {set(columns)}, {set(names)}")
    model.n_features_in_ = columns[0]
    if names[0]:
        model.feature_names_in_ = np.array(names[0], object)
    labels = labels_of(np.concatenate(found), model.classes)
    model._set_classes(labels.classes)
    weight = np.concatenate(by_class)
    weighted = class_weights(model.class_weight, labels, weight)
    setting = replace(
        setting,
        classes=labels.classes,
        class_weight=dict(zip(labels.classes[labels.target], weighted / weight, strict=True)),
        total=float(weighted.sum()),
    )
    moments = reduce(Moments.plus, _present(run(sums, setting)))
    scaling = Scaling.of(moments, centred=model.fit_intercept and not any(sparse))
    mass = np.bincount(labels.target, weighted, len(labels.classes)) / setting.total
    return _Parts(run, replace(setting, scaling=scaling), mass, np.result_type(*dtypes))


class _Parts:
    """`RowSums` of rows that are elsewhere."""

    blas_threads = None  # elsewhere
    has_few_rows = False
    order: Literal["C", "F"] = "C"

    def __init__(self, run: Run, setting: Setting, mass: Doubles, dtype: Any) -> None:
        self._run, self._setting, self.mass, self.dtype = run, setting, mass, dtype
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

    def class_blocks(self, *_: Any) -> None:
        """Tables of K x D x D numbers would have to travel."""

    def refine(self) -> bool:
        return False


def _present(results: Iterable[Any]) -> list[Any]:
    if found := [result for result in results if result is not None]:
        return found
    raise ValueError("the parts hold no row with a weight above 0")


def _added(results: Iterable[Any]) -> list[Any]:
    return [sum(entries) for entries in zip(*_present(results), strict=True)]


def fit_dask(
    model: SoftmaxRegression, parts: Any, *, target: str | None = None, weight: str | None = None
) -> SoftmaxRegression:
    """Fit a model on a Dask DataFrame, or on delayed arrays, where they are.

    Args:
        model: as for `fit_parts`, as are target and weight.
        parts: a DataFrame of features, labels and weights, or a sequence of delayed (X, y) or
            (X, y, weight). They are persisted: workers keep them during the fit.

    Returns: the model.

    Raises:
        ValueError, ModuleNotFoundError: as for `fit_parts`; Dask is missing.

    Examples: `fit_dask(SoftmaxRegression(), dd.read_parquet("s3://..."), target="label")`
    """
    with needs("fit_dask", "dask"):
        from dask import base
        from dask.delayed import delayed
    given = parts.to_delayed() if hasattr(parts, "to_delayed") else parts
    held = base.persist(*given)  # type: ignore[no-untyped-call]

    def run(function: Any, *arguments: Any) -> Any:
        tasks = [delayed(function)(part, *arguments) for part in held]
        return base.compute(*tasks)  # type: ignore[no-untyped-call]

    return fit_parts(model, run, target=target, weight=weight)
