"""SoftmaxRegression: the optimum, scikit-learn's contract, edge cases."""

import pickle
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks
from threadpoolctl import threadpool_limits

from neglog.learn import SoftmaxRegression

Doubles = NDArray[np.float64]


@pytest.fixture(autouse=True, scope="module")
def one_blas_thread() -> Iterator[None]:
    """A scikit-learn fit takes 100 ms with one thread, and seconds with two on a busy CPU."""
    with threadpool_limits(1, user_api="blas"):
        yield


@parametrize_with_checks([SoftmaxRegression()])
@pytest.mark.filterwarnings("default::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_accepts_it(estimator: Any, check: Any) -> None:
    check(estimator)


# ---- the optimum


def loss_of(coef: Doubles, intercept: Doubles, X: Doubles, target: Doubles, l2: float) -> float:
    """The objective in plain NumPy: mean nll + l2/2 * sum of squares."""
    z = X @ coef.T + intercept
    top = z.max(axis=1, keepdims=True)
    nll = np.log(np.exp(z - top).sum(axis=1)) + top[:, 0] - z[np.arange(len(z)), target]
    return float(nll.mean() + l2 / 2 * (coef**2).sum())


DATA = {
    "iris": load_iris(return_X_y=True),  # K = 3, well scaled
    "wine": load_wine(return_X_y=True),  # K = 3, columns from 0.1 to 1680
    "digits": (lambda X, y: (X / 16, y))(*load_digits(return_X_y=True)),  # K = 10, empty columns
}


@cache
def least_loss(name: str, l2: float) -> float:
    """The objective at scikit-learn's optimum."""
    X, y = DATA[name]
    peer = LogisticRegression(
        C=1 / (l2 * len(y)), solver="newton-cholesky", tol=1e-10, max_iter=1000
    ).fit(X, y)
    return loss_of(peer.coef_, peer.intercept_, X, y, l2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("l2", [1e-4, 1e-2])
@pytest.mark.parametrize("name", DATA)
def test_the_optimum_is_that_of_logistic_regression(name: str, l2: float, dtype: type) -> None:
    X, y = DATA[name]
    ours = SoftmaxRegression(l2=l2).fit(X.astype(dtype), y)
    best = least_loss(name, l2)
    assert loss_of(ours.coef_, ours.intercept_, X, y, l2) == pytest.approx(best, rel=0, abs=1e-6)
    assert ours.loss_ == pytest.approx(best, rel=0, abs=1e-6)


def test_two_classes_have_two_rows_and_half_the_penalty() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    l2 = 1e-2
    ours = SoftmaxRegression(l2=l2, tol=1e-9).fit(X, y)
    peer = LogisticRegression(
        C=2 / (l2 * len(y)), solver="newton-cholesky", tol=1e-10, max_iter=1000
    ).fit(X, y)
    assert ours.coef_.shape == (2, X.shape[1])
    np.testing.assert_allclose(ours.coef_[0], -ours.coef_[1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.coef_[1] - ours.coef_[0], peer.coef_[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=1e-6)
    with_the_same_c = LogisticRegression(C=1 / (l2 * len(y)), solver="newton-cholesky").fit(X, y)
    assert np.abs(ours.predict_proba(X) - with_the_same_c.predict_proba(X)).max() > 1e-3


def test_the_parts_of_the_loss_are_shown_apart() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression(l2=0.1).fit(X, y)
    assert model.penalty_ == pytest.approx(0.05 * (model.coef_**2).sum(), rel=1e-14)
    assert model.nll_ == pytest.approx(-model.predict_log_proba(X)[range(150), y].mean(), rel=1e-12)
    assert model.loss_ == model.nll_ + model.penalty_


def test_units_do_not_matter_to_the_fit() -> None:
    """Without a penalty, the probabilities do not depend on the units of the features."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 3))
    y = (X @ [1, 2, 0.5] + rng.logistic(size=200) > 0).astype(int)
    plain = SoftmaxRegression(l2=0).fit(X, y)
    odd = X * [1e-6, 1e6, 1.0] + [0.0, 0.0, 2000.0]
    scaled = SoftmaxRegression(l2=0).fit(odd, y)
    assert scaled.n_iter_ < 30
    np.testing.assert_allclose(scaled.predict_proba(odd), plain.predict_proba(X), atol=1e-5)


def test_features_of_any_size() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression(l2=0).fit(X[50:] * [1e-100, 1, 1, 1e100], y[50:])
    peer = SoftmaxRegression(l2=0).fit(X[50:], y[50:])
    assert model.nll_ == pytest.approx(peer.nll_, abs=1e-8)


# ---- what goes in


@pytest.mark.parametrize(
    "names",
    [
        np.array(["dog", "cat", "hen"]),
        np.array([30, -10, 20]),
        np.array(["dog", "cat", "hen"], object),
        np.array([2.0, 0.0, 1.0]),
    ],
    ids=["str", "int", "object", "whole floats"],
)
def test_labels_of_any_kind(names: NDArray[Any]) -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression().fit(X, names[y])
    assert list(model.classes_) == sorted(names)
    assert model.predict(X).dtype == names.dtype
    assert model.score(X, names[y]) > 0.95


def test_bool_labels() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression().fit(X, y == 0)
    assert model.predict(X).dtype == bool
    assert model.score(X, y == 0) == 1.0


@pytest.mark.parametrize("sparse", [False, True])
def test_a_weight_is_a_row_given_so_often(sparse: bool) -> None:
    X, y = DATA["wine"]
    weight = np.random.default_rng(0).integers(0, 4, size=len(y))
    form = csr_array if sparse else np.asarray
    weighted = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(form(X), y, sample_weight=weight)
    repeated = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(
        np.repeat(X, weight, 0), np.repeat(y, weight)
    )
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)
    assert weighted.loss_ == pytest.approx(repeated.loss_, abs=1e-9)
    ten_times = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(X, y, sample_weight=10 * weight)
    assert ten_times.loss_ == pytest.approx(weighted.loss_, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_sparse_matrix_is_the_same_matrix(dtype: type) -> None:
    X, y = DATA["digits"]
    X, y = X[:300].astype(dtype), y[:300]
    dense, sparse = SoftmaxRegression(l2=1e-2), SoftmaxRegression(l2=1e-2)
    dense.fit(X, y)
    sparse.fit(csr_array(X), y)
    assert sparse.loss_ == pytest.approx(dense.loss_, abs=1e-6)
    assert sparse.coef_.flags.c_contiguous  # as a loaded model's, so that both predict the same
    np.testing.assert_allclose(
        sparse.predict_proba(csr_array(X)), dense.predict_proba(X), rtol=0, atol=1e-3
    )


def test_the_arguments_are_left_as_they_were() -> None:
    X, y = (part.copy() for part in DATA["iris"])
    weight = np.ones(len(y))
    for array in (X, y, weight):
        array.flags.writeable = False
    model = SoftmaxRegression().fit(X, y, sample_weight=weight)
    model.predict_proba(X)
    np.testing.assert_array_equal(X, DATA["iris"][0])


def test_a_fitted_model_can_be_pickled() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression().fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_log_probabilities_beyond_the_smallest_number() -> None:
    model = SoftmaxRegression(l2=1e-4).fit([[0.0], [1.0], [2.0], [3.0]], [0, 0, 1, 1])
    far = [[1e4]]
    assert model.predict_proba(far)[0, 0] == 0
    assert np.isfinite(model.predict_log_proba(far)[0, 0])


# ---- what comes out while it runs


def test_the_callback_sees_a_model_that_works() -> None:
    X, y = DATA["iris"]
    seen = []

    def look(model: SoftmaxRegression) -> None:
        seen.append((model.n_iter_, model.nll_, model.penalty_, model.score(X, y)))

    model = SoftmaxRegression(l2=1e-2).fit(X, y, callback=look)
    steps, nll, penalty, _ = zip(*seen, strict=True)
    assert steps == tuple(range(model.n_iter_ + 1))
    assert (nll[0], penalty[0]) == (pytest.approx(np.log(3), rel=1e-15), 0)
    assert seen[-1] == (model.n_iter_, model.nll_, model.penalty_, model.score(X, y))
    losses = np.add(nll, penalty)
    assert (np.diff(losses) < 1e-12).all()
    np.testing.assert_array_equal(
        model.coef_, SoftmaxRegression(l2=1e-2).fit(X, y).coef_, "looking changes nothing"
    )


def test_too_few_steps_are_told() -> None:
    X, y = DATA["wine"]
    with pytest.warns(ConvergenceWarning, match=r"stopped after 3 steps.*raise max_iter") as told:
        SoftmaxRegression(max_iter=3).fit(X, y)
    assert told[0].filename == __file__


def separated() -> tuple[Doubles, NDArray[np.int64]]:
    """Two classes with a gap between them."""
    X = np.linspace(-1, 1, 20)[:, None]
    return X, (X[:, 0] > 0).astype(int)


def partly_separated() -> tuple[Doubles, NDArray[np.int64]]:
    """One value of x occurs with one class only, the other value with both."""
    X = np.repeat([[0.0], [1.0]], 10, axis=0)
    y = np.repeat([0, 1], 10)
    y[0] = 1
    return X, y


@pytest.mark.parametrize(
    "data",
    [separated, partly_separated, lambda: DATA["wine"], lambda: DATA["iris"]],
    ids=["a gap", "one value pure", "wine: a gap", "iris: one class apart"],
)
def test_no_maximum_is_not_taken_for_one(data: Any) -> None:
    X, y = data()
    with pytest.warns(ConvergenceWarning, match=r"likelihood has no maximum.*set l2 > 0"):
        model = SoftmaxRegression(l2=0).fit(X, y)
    assert np.isfinite(model.coef_).all()
    assert 0 <= model.nll_ < 0.2
    assert np.isfinite(model.predict_log_proba(X)).all()
    SoftmaxRegression(l2=1e-4).fit(X, y)  # the way out: no warning


@pytest.mark.parametrize("collinear", [False, True])
def test_a_maximum_that_exists_is_not_doubted(collinear: bool) -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 4))
    y = (X @ [1, 2, 0, 0] + rng.logistic(size=300) > 0).astype(int)
    model = SoftmaxRegression(l2=0).fit(np.c_[X, X[:, 0]] if collinear else X, y)
    assert 0.3 < model.nll_ < np.log(2)


# ---- what is refused
