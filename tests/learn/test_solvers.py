"""What a solver ends with: the conditions of the optimum, for every penalty."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from scipy.sparse import csr_array
from sklearn.datasets import load_digits, load_iris, load_wine
from sklearn.linear_model import LogisticRegression

from neglog.learn import SoftmaxRegression

Doubles = NDArray[np.float64]
DATA = {
    "iris": load_iris(return_X_y=True),
    "wine": (lambda X, y: ((X - X.mean(0)) / X.std(0), y))(*load_wine(return_X_y=True)),
    "digits": (lambda X, y: (X[:500] / 16, y[:500]))(*load_digits(return_X_y=True)),
}


def gradient_of(model: SoftmaxRegression, X: Doubles, y: Any) -> tuple[Doubles, Doubles]:
    """Of the mean nll by coefficients and intercepts, in plain NumPy."""
    z = X @ model.coef_.T + model.intercept_
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p.T @ X / len(y), p.mean(0)


@pytest.mark.parametrize("l2", [0.0, 1e-3])
@pytest.mark.parametrize("l1", [1e-3, 1e-2])
@pytest.mark.parametrize("name", DATA)
def test_an_absolute_penalty_meets_its_conditions(name: str, l1: float, l2: float) -> None:
    """Each coefficient is 0 with a slope within l1, or has a slope of l1 against its sign."""
    X, y = DATA[name]
    model = SoftmaxRegression(l1=l1, l2=l2, tol=1e-7).fit(X, y)
    slope, shift = gradient_of(model, X, y)
    slope += l2 * model.coef_
    zero = model.coef_ == 0
    assert 0 < zero.mean() < 1
    assert np.abs(slope[zero]).max() <= l1 + 1e-6
    assert slope[~zero] == pytest.approx(-l1 * np.sign(model.coef_[~zero]), abs=2e-6)
    assert np.abs(shift).max() < 1e-6
    penalty = l1 * np.abs(model.coef_).sum() + l2 / 2 * (model.coef_**2).sum()
    assert model.penalty_ == pytest.approx(penalty, rel=1e-12)


def test_an_absolute_penalty_has_scikit_learns_optimum() -> None:
    X, y = DATA["wine"]
    ours = SoftmaxRegression(l1=1e-2, l2=0.0, tol=1e-8).fit(X, y)
    peer = LogisticRegression(
        C=1 / (1e-2 * len(y)), l1_ratio=1, solver="saga", tol=1e-9, max_iter=20000, random_state=0
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(ours.coef_ == 0, peer.coef_ == 0)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_gradient_vanishes(sparse: bool, fit_intercept: bool) -> None:
    X, y = DATA["digits"]
    model = SoftmaxRegression(l2=1e-3, tol=1e-8, fit_intercept=fit_intercept)
    model.fit(csr_array(X) if sparse else X, y)
    slope, shift = gradient_of(model, X, y)
    assert np.abs(slope + 1e-3 * model.coef_).max() < 1e-7
    if fit_intercept:
        assert np.abs(shift).max() < 1e-7
    else:
        assert not model.intercept_.any()


def test_soft_labels_are_rows_of_each_class() -> None:
    X, y = DATA["iris"]
    soft = np.random.default_rng(0).dirichlet(np.ones(3), len(y))
    model = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(X, soft)
    rows = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(
        np.repeat(X, 3, 0), np.tile([0, 1, 2], len(y)), sample_weight=soft.ravel()
    )
    np.testing.assert_allclose(model.predict_proba(X), rows.predict_proba(X), rtol=0, atol=1e-7)
    hard = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(X, np.eye(3)[y])
    same = SoftmaxRegression(l2=1e-2, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(hard.predict_proba(X), same.predict_proba(X), rtol=0, atol=1e-8)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 3.0, 2: 0.5}])
def test_class_weights_are_scikit_learns(class_weight: Any) -> None:
    X, y = DATA["iris"]
    X, y = X[20:], y[20:]
    ours = SoftmaxRegression(l2=1e-2, tol=1e-9, class_weight=class_weight).fit(X, y)
    total = {0: 3.0 * 30 + 50 + 0.5 * 50} if isinstance(class_weight, dict) else {0: len(y)}
    peer = LogisticRegression(
        C=1 / (1e-2 * total[0]), class_weight=class_weight, solver="newton-cg", tol=1e-10
    ).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), peer.predict_proba(X), rtol=0, atol=1e-6)


def test_classes_fixed_ahead_keep_their_columns() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression(l2=1e-3, classes=[5, 0, 1, 2]).fit(X, y)
    assert list(model.classes_) == [0, 1, 2, 5]
    probs = model.predict_proba(X)
    assert probs.shape == (150, 4)
    assert 0 <= probs[:, 3].max() < 1e-3
    plain = SoftmaxRegression(l2=1e-3).fit(X, y)
    np.testing.assert_allclose(probs[:, :3], plain.predict_proba(X), rtol=0, atol=2e-3)


def test_a_warm_start_takes_fewer_steps() -> None:
    X, y = DATA["digits"]
    model = SoftmaxRegression(l2=1e-3, warm_start=True).fit(X, y)
    cold = model.n_iter_
    model.set_params(l2=1.05e-3).fit(X, y)
    assert model.n_iter_ < cold
    assert model.loss_ == pytest.approx(SoftmaxRegression(l2=1.05e-3).fit(X, y).loss_, rel=1e-8)


def test_float32_stays_float32() -> None:
    X, y = DATA["digits"]
    model = SoftmaxRegression(l2=1e-3).fit(X.astype(np.float32), y)
    assert model.coef_.dtype == model.intercept_.dtype == np.float32
    assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
    assert model.loss_ == pytest.approx(SoftmaxRegression(l2=1e-3).fit(X, y).loss_, rel=1e-6)


def test_more_columns_than_rows_and_constant_ones() -> None:
    rng = np.random.default_rng(0)
    X = np.c_[rng.normal(size=(20, 50)), np.full(20, 7.0), np.zeros(20)]
    y = np.arange(20) % 4
    model = SoftmaxRegression(l2=1e-2).fit(X, y)
    assert np.abs(model.coef_[:, -2:]).max() < 1e-6
    assert model.score(X, y) == 1.0


@pytest.mark.parametrize("names", [None, ["width", "height", "depth", "age"]])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_number_that_is_none_names_its_column(bad: float, names: Any) -> None:
    X, y = DATA["iris"]
    X = X.copy()
    X[7, 2] = bad
    where = "column 2" if names is None else "column 'depth'"
    if names is not None:
        X = pytest.importorskip("pandas").DataFrame(X, columns=names)
    with pytest.raises(ValueError, match=f"{where} has {bad} in row 7"):
        SoftmaxRegression().fit(X, y)
    if names is None:
        with pytest.raises(ValueError, match=f"{where} has {bad} in row 7"):
            SoftmaxRegression().fit(csr_array(X), y)


def test_the_two_class_model_is_a_sigmoid() -> None:
    X, y = DATA["iris"]
    model = SoftmaxRegression(l2=1e-3).fit(X[:100, :1], y[:100])
    score = model.decision_function(X[:, :1])
    assert score.shape == (150,)
    sigmoid = 1 / (1 + np.exp(-score))
    np.testing.assert_allclose(model.predict_proba(X[:, :1])[:, 1], sigmoid, rtol=1e-12)
