"""A fit on rows in parts against the fit of one machine, on Dask's workers, and with one killed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

import pandas as pd
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

from neglog.learn import SoftmaxRegression
from neglog.learn.distributed import fit_dask, fit_parts, sums

CUTS = [0, 0, 5, 90, 200, 201, 330, 600]  # eight parts, one without rows, one of a single row
NAMES = np.array(["ant", "bee", "cat", "dog"])


def table(dtype: type = np.float64) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Columns of unlike size and offset; the classes of the first rows are fewer than all."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 4)) * [1.0, 100.0, 0.01, 1.0] + [0.0, 1000.0, 3.0, -5.0]
    z = (X - X.mean(axis=0)) / X.std(axis=0) @ rng.normal(size=(4, 4))
    y = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    y[:5] = 0
    return X.astype(dtype), NAMES[y], rng.integers(0, 3, size=600).astype(float)


def cut(*arrays: Any) -> list[tuple[Any, ...]]:
    return [
        tuple(array[a:b] for array in arrays) for a, b in zip(CUTS, [*CUTS[1:], 600], strict=True)
    ]


def here(parts: list[Any]) -> Callable[..., Any]:
    return lambda function, *arguments: [function(part, *arguments) for part in parts]


def assert_same(found: SoftmaxRegression, whole: SoftmaxRegression, X: Any) -> None:
    assert found.loss_ == pytest.approx(whole.loss_, rel=0, abs=1e-12)
    np.testing.assert_allclose(found.predict_proba(X), whole.predict_proba(X), rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.coef_, whole.coef_, rtol=1e-7, atol=1e-8)
    assert list(found.classes_) == list(whole.classes_)


@pytest.mark.parametrize(
    "options",
    [{}, {"class_weight": "balanced"}, {"class_weight": {"bee": 5.0}}, {"fit_intercept": False}],
    ids=str,
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_the_optimum_is_that_of_all_rows(form: Any, weighted: bool, options: Any) -> None:
    X, y, weight = table()
    if form is csr_array:
        X = X * (np.arange(600) % 3 > 0)[:, None]
    model = SoftmaxRegression(l2=1e-2, tol=1e-9, **options)
    parts = cut(form(X), y, weight) if weighted else cut(form(X), y)
    found = fit_parts(model, here(parts))
    whole = SoftmaxRegression(l2=1e-2, tol=1e-9, **options)
    whole.fit(form(X), y, sample_weight=weight if weighted else None)
    assert_same(found, whole, X)
    assert found.n_features_in_ == 4


@pytest.mark.parametrize("form", ["frame", "delayed arrays"])
def test_dask(form: str) -> None:
    dask = pytest.importorskip("dask", reason="needs the extra dask")
    X, y, weight = table()
    frame = pd.DataFrame(X, columns=list("abcd")).assign(label=y, often=weight)
    model, given = SoftmaxRegression(l2=1e-2, tol=1e-9), X
    with dask.config.set(scheduler="threads", num_workers=2):
        if form == "frame":
            dd = pytest.importorskip("dask.dataframe", reason="needs the extra dask")
            parts = dd.from_pandas(frame, npartitions=8)
            found = fit_dask(model, parts, target="label", weight="often")
            assert list(found.feature_names_in_) == list("abcd")
            given = frame[list("abcd")]
        else:
            found = fit_dask(model, [dask.delayed(part) for part in cut(X, y, weight)])
    whole = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(given, y, sample_weight=weight)
    assert_same(found, whole, given)


def test_a_worker_that_dies_and_whose_task_is_tried_again() -> None:
    """Every seventh task dies after its work; what it did is lost, and is done once more."""
    X, y, _ = table()
    parts, calls = cut(X, y), []

    def dying(function: Any, part: Any, *arguments: Any) -> Any:
        calls.append(None)
        done = function(part, *arguments)
        if len(calls) % 7 == 0:
            raise ConnectionError("the worker is gone")
        return done

    def run(function: Any, *arguments: Any) -> Any:
        for part in parts:
            try:
                yield dying(function, part, *arguments)
            except ConnectionError:
                yield dying(function, part, *arguments)

    found = fit_parts(SoftmaxRegression(l2=1e-2, tol=1e-9), run)
    undisturbed = fit_parts(SoftmaxRegression(l2=1e-2, tol=1e-9), here(parts))
    assert len(calls) > 100
    np.testing.assert_array_equal(found.coef_, undisturbed.coef_)
    assert_same(found, SoftmaxRegression(l2=1e-2, tol=1e-9).fit(X, y), X)


def test_float32_and_classes_ahead() -> None:
    X, y, _ = table(np.float32)
    classes = [*NAMES, "eel"]
    found = fit_parts(SoftmaxRegression(l2=1e-2, classes=classes), here(cut(X, y)))
    whole = SoftmaxRegression(l2=1e-2, classes=classes).fit(X, y)
    assert found.coef_.dtype == np.float32
    assert list(found.classes_) == classes
    np.testing.assert_allclose(found.predict_proba(X), whole.predict_proba(X), atol=1e-4)


def test_sums_keep_nothing() -> None:
    X, y, _ = table()
    asked: list[Any] = []

    def run(function: Any, *arguments: Any) -> Any:
        asked.append((function, arguments))
        return here(cut(X, y))(function, *arguments)

    fit_parts(SoftmaxRegression(l2=1e-2), run)
    part = cut(X, y)[3]
    for function, arguments in (asked[0], asked[1], asked[-2], asked[-1]):
        assert function is sums
        first, again = (sums(part, *arguments) for _ in range(2))
        for one, other in zip(first, again, strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_is_refused_and_told() -> None:
    X, y, _ = table()
    with pytest.raises(ValueError, match="the parts hold no row with a weight above 0"):
        fit_parts(SoftmaxRegression(), here([(X[:0], y[:0])]))
    with pytest.raises(ValueError, match="the parts hold no row"):
        fit_parts(SoftmaxRegression(), here([]))
    with pytest.raises(ValueError, match=r"one class only, .*'ant'"):
        fit_parts(SoftmaxRegression(), here([(X[:3], y[:3]), (X[3:5], y[3:5])]))
    with pytest.raises(ValueError, match="l2 must be"):
        fit_parts(SoftmaxRegression(l2=-1), here(cut(X, y)))
    with pytest.raises(ValueError, match="parts must have the same columns"):
        fit_parts(SoftmaxRegression(), here([(X[:300], y[:300]), (X[300:, :2], y[300:])]))
    with pytest.warns(ConvergenceWarning, match="stopped after 1 step"):
        fit_parts(SoftmaxRegression(max_iter=1), here(cut(X, y)))
