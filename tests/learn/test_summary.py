"""The summary of a fit: statsmodels' MNLogit, exact small cases, and what is not valid."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

import pandas as pd
from scipy.sparse import csr_array
from scipy.special import ndtri

from neglog.learn import SoftmaxRegression
from neglog.learn._inference import Summary, information

Doubles = NDArray[np.float64]
NUMBERS = ("coef", "se", "z", "p", "low", "high")


def drawn(rows: int = 300, columns: int = 3, num_classes: int = 3, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    z = X @ rng.normal(size=(columns, num_classes)) + rng.normal(size=num_classes)
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def fitted(X: Any, y: Any, l2: float = 0.0, tol: float = 1e-10, **fit: Any) -> SoftmaxRegression:
    return SoftmaxRegression(l2=l2, tol=tol).fit(X, y, **fit)


def column(summary: Summary, name: str) -> Doubles:
    """(K - 1, q)"""
    return np.array([getattr(row, name) for row in summary.rows]).reshape(
        summary.num_classes - 1, -1
    )


@pytest.mark.parametrize("robust", [False, True])
def test_it_is_that_of_statsmodels(robust: bool) -> None:
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    data = sm.datasets.anes96.load_pandas()
    X, y = data.exog, data.endog
    kind = "HC0" if robust else "nonrobust"
    peer = sm.MNLogit(y, sm.add_constant(X)).fit(disp=0, method="newton", tol=1e-14, cov_type=kind)
    ours = fitted(X, y).summary(X, y, robust=robust, level=0.9)
    interval = np.asarray(peer.conf_int(alpha=0.1)).reshape(6, 6, 2)
    theirs = {
        "coef": np.asarray(peer.params).T,
        "se": np.asarray(peer.bse).T,
        "z": np.asarray(peer.tvalues).T,
        "p": np.asarray(peer.pvalues).T,
        "low": interval[..., 0],
        "high": interval[..., 1],
    }
    for name, table in theirs.items():  # statsmodels has the intercept first
        np.testing.assert_allclose(
            column(ours, name), np.roll(table, -1, axis=1), rtol=1e-6, atol=1e-6
        )
    of_model = {
        "log_likelihood": peer.llf,
        "null_log_likelihood": peer.llnull,
        "lr": peer.llr,
        "df": peer.df_model,
        "p": peer.llr_pvalue,
        "aic": peer.aic,
        "bic": peer.bic,
        "pseudo_r2": peer.prsquared,
        "num_rows": len(y),
    }
    for name, number in of_model.items():
        assert getattr(ours, name) == pytest.approx(number, rel=1e-6)
    assert ours.rows[0].feature == "logpopul"
    assert (ours.rows[-1].feature, ours.rows[-1].class_) == ("intercept", 6)
    assert (ours.reference, ours.notes) == (0, ())


def test_a_table_of_counts_has_the_errors_of_the_text_books() -> None:
    """Without features, log(n_k / n_0) has the variance 1 / n_k + 1 / n_0."""
    counts = np.array([40, 10, 25])
    y = np.repeat(["a", "b", "c"], counts)
    half = np.where(np.arange(75) % 2, 1.0, -1.0)[:, None]  # a feature, nearly without effect
    ours = fitted(half, y).summary(half, y)
    assert ours.rows[1].coef == pytest.approx(np.log(10 / 40), abs=0.02)
    assert ours.rows[1].se == pytest.approx(np.sqrt(1 / 10 + 1 / 40), rel=1e-2)
    exact = 40 * np.log(40 / 75) + 10 * np.log(10 / 75) + 25 * np.log(25 / 75)
    assert ours.null_log_likelihood == pytest.approx(exact, rel=1e-14)


def test_a_two_by_two_table_is_exact() -> None:
    """log odds ratio, its variance the sum of the four reciprocal counts."""
    x = np.repeat([0.0, 0.0, 1.0, 1.0], [30, 12, 9, 21])[:, None]
    y = np.repeat([0, 1, 0, 1], [30, 12, 9, 21])
    (slope, intercept) = fitted(x, y).summary(x, y).rows
    assert slope.coef == pytest.approx(np.log(30 * 21 / (12 * 9)), rel=1e-8)
    assert slope.se == pytest.approx(np.sqrt(1 / 30 + 1 / 12 + 1 / 9 + 1 / 21), rel=1e-8)
    assert intercept.se == pytest.approx(np.sqrt(1 / 30 + 1 / 12), rel=1e-8)
    assert slope.high - slope.coef == pytest.approx(ndtri(0.975) * slope.se, rel=1e-12)


def test_a_weight_is_a_row_given_so_often() -> None:
    X, y = drawn()
    weight = np.random.default_rng(1).integers(0, 4, size=len(y))
    again = np.repeat(X, weight, 0), np.repeat(y, weight)
    for robust in (False, True):
        weighted = fitted(X, y, sample_weight=weight).summary(X, y, weight, robust=robust)
        repeated = fitted(*again).summary(*again, robust=robust)
        for name in NUMBERS:
            np.testing.assert_allclose(
                column(weighted, name), column(repeated, name), rtol=1e-6, atol=1e-7
            )
        for name in ("num_rows", "log_likelihood", "null_log_likelihood", "aic", "bic"):
            assert getattr(weighted, name) == pytest.approx(getattr(repeated, name), rel=1e-10)


def test_a_sparse_table_is_the_same_table(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = drawn()
    X[X < 0] = 0
    whole = fitted(X, y).summary(X, y, robust=True)
    monkeypatch.setattr("neglog.learn._inference.design.CHUNK", 200)  # of 16 rows
    parts = fitted(csr_array(X), y).summary(csr_array(X), y, robust=True)
    for name in NUMBERS:
        np.testing.assert_allclose(column(parts, name), column(whole, name), rtol=1e-6, atol=1e-8)


def test_units_do_not_matter() -> None:
    X, y = drawn()
    unit, shift = np.array([1e-6, 1e6, 1e-3]), np.array([0.0, 1e7, 2000.0])
    plain = fitted(X, y).summary(X, y)
    X = X * unit + shift
    odd = fitted(X, y, tol=1e-8).summary(X, y)
    np.testing.assert_allclose(
        column(odd, "se")[:, :3] * unit, column(plain, "se")[:, :3], rtol=1e-5
    )
    np.testing.assert_allclose(column(odd, "z")[:, :3], column(plain, "z")[:, :3], rtol=1e-4)
    assert odd.notes == ()


# ---- what is not valid


def test_collinear_columns_are_named_and_the_others_keep_their_errors() -> None:
    X, y = drawn()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    plain = fitted(frame, y).summary(frame, y)
    frame["sum"], frame["one"] = frame.a + 2 * frame.b, 7.0
    ours = fitted(frame, y).summary(frame, y)
    assert np.isnan(column(ours, "se")).any(axis=0).tolist() == [
        True,
        True,
        False,
        True,
        True,
        True,
    ]
    np.testing.assert_allclose(column(ours, "se")[:, 2], column(plain, "se")[:, 2], rtol=1e-5)
    said = " | ".join(ours.notes)
    assert "'one' is constant" in said
    assert all(f"'{name}'" in said for name in ("a", "b", "sum"))
    assert "'c'" not in said
    for name in ("df", "aic", "bic", "p"):
        assert getattr(ours, name) == pytest.approx(getattr(plain, name), rel=1e-6)
    assert "collinear" in str(ours)


def test_more_columns_than_rows() -> None:
    y = np.arange(12) % 3
    wide = np.random.default_rng(3).normal(size=(12, 30))
    ours = SoftmaxRegression(l2=0.1).fit(wide, y).summary(wide, y)
    assert np.isfinite(column(ours, "se")).all()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_separated_coefficients_have_no_error_and_the_others_do() -> None:
    X, y = drawn(num_classes=4)
    X[:, 1] = (y == 2) & (X[:, 1] > 0)
    model = SoftmaxRegression(l2=0).fit(X, y)
    ours = model.summary(X, y)
    missing = np.isnan(column(ours, "se"))
    assert missing[1].tolist() == [False, True, False, True]
    assert not missing[[0, 2]].any()
    (note,) = ours.notes
    assert note.startswith("quasi-complete separation; class '2' from the others by 'x1': no max")
    assert "fit with l2 > 0" in note
    # The limit: rows with the dummy say nothing on the others, which have the fit without them.
    rest = X[:, 1] == 0
    small = X[rest][:, [0, 2]]
    limit = fitted(small, y[rest]).summary(small, y[rest])
    np.testing.assert_allclose(
        column(ours, "se")[[0, 2]][:, [0, 2, 3]], column(limit, "se")[[0, 2]], rtol=1e-3
    )


def test_rows_of_another_table_are_noticed() -> None:
    X, y = drawn()
    (note,) = fitted(X, y).summary(X + 1, y).notes
    assert "not at the maximum for these rows" in note


def test_with_a_penalty_nothing_is_tested() -> None:
    """The errors are those of a normal prior: the inverse of information + N l2 R."""
    X, y = drawn(num_classes=2)
    l2 = 0.05
    model = fitted(X, y, l2)
    ours = model.summary(X, y)
    p = model.predict_proba(X)[:, 1]
    rows = np.column_stack([X, np.ones(len(X))])
    # with two classes, sum over both rows of coef^2 is (difference)^2 / 2
    exact = (rows * (p * (1 - p))[:, None]).T @ rows + np.diag([len(X) * l2 / 2] * 3 + [0])
    np.testing.assert_allclose(
        column(ours, "se")[0], np.sqrt(np.diag(np.linalg.inv(exact))), rtol=1e-9
    )
    assert np.isnan([[row.z, row.p] for row in ours.rows]).all()
    assert np.isnan([ours.p, ours.aic, ours.bic]).all()
    assert "l2=0.05: coefficients are drawn towards 0" in ours.notes[0]
    assert "Fit with l2=0 for tests" in ours.notes[0]


def test_with_class_weights_only_the_robust_errors_hold() -> None:
    """A weight of class k counts its rows' losses so often, but not as rows of their own."""
    X, y = drawn(num_classes=2)
    model = SoftmaxRegression(l2=0, tol=1e-10, class_weight={1: 3.0}).fit(X, y)
    assert np.isnan(column(model.summary(X, y), "se")).all()
    ours = model.summary(X, y, robust=True)
    p = model.predict_proba(X)[:, 1]
    rows, weight = np.column_stack([X, np.ones(len(X))]), np.where(y == 1, 3.0, 1.0)
    bread = np.linalg.inv((rows * (weight * p * (1 - p))[:, None]).T @ rows)
    scores = rows * (weight * (y - p))[:, None]
    exact = np.sqrt(np.diag(bread @ scores.T @ scores @ bread))
    np.testing.assert_allclose(column(ours, "se")[0], exact, rtol=1e-8)
    assert ours.num_rows == 300
    assert np.isnan([ours.p, ours.aic, ours.bic]).all()
    assert ours.notes[0].startswith("class_weight: this is a weighted likelihood")


def test_without_an_intercept() -> None:
    sm = pytest.importorskip("statsmodels.api", reason="needs statsmodels")
    X, y = drawn()
    model = SoftmaxRegression(l2=0, tol=1e-10, fit_intercept=False).fit(X, y)
    ours = model.summary(X, y)
    peer = sm.MNLogit(y, X).fit(disp=0, method="newton", tol=1e-14)
    np.testing.assert_allclose(column(ours, "se"), np.asarray(peer.bse).T, rtol=1e-6)
    assert ours.aic == pytest.approx(2 * 6 - 2 * peer.llf, rel=1e-10)
    assert ours.null_log_likelihood == pytest.approx(-300 * np.log(3), rel=1e-14)
    assert ours.df == 6


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    X, y = drawn()
    model = fitted(X, y)
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 95"):
        model.summary(X, y, level=95)
    with pytest.raises(ValueError, match=r"y holds .*9.*, which is not one of classes"):
        model.summary(X, np.where(y == 0, 9, y))
    with pytest.raises(TypeError, match="level"):
        model.summary(X, y, level="0.9")
    with pytest.raises(ValueError, match="one label for each row, got probabilities"):
        model.summary(X, np.eye(3)[y])
    with pytest.raises(ValueError, match="300 rows of X"):
        model.summary(X, y, np.ones(3))
    with pytest.raises(ValueError, match="features"):
        model.summary(X[:, :2], y)
    monkeypatch.setattr(information, "MOST", 8 * 11**2)
    with pytest.raises(ValueError, match=r"3 classes x 4 coefficients, squared: .*GiB, above"):
        model.summary(X, y)


def test_the_size_is_checked_before_memory_is_taken() -> None:
    """100,000 classes of 20 features would take 32 TiB."""
    with pytest.raises(ValueError, match=r"32857\.1 GiB, above the limit of 1 GiB; merge classes"):
        information.check_size(100_000, 21)
