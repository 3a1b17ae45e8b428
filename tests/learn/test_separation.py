"""Separated classes: found, named with their features, and not seen where a maximum exists."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_array
from sklearn.datasets import load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning

from neglog.learn import SoftmaxRegression
from neglog.learn._separation import Separation, find

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]


def drawn(X: Doubles, num_classes: int, seed: int, size: float = 1.0) -> Labels:
    """Labels of a softmax model: a maximum exists if there are enough rows."""
    rng = np.random.default_rng(seed)
    z = X @ rng.normal(size=(X.shape[1], num_classes)) * size
    labels: Labels = (z + rng.gumbel(size=z.shape)).argmax(axis=1)
    return labels


def noise(rows: int, columns: int, seed: int = 0) -> Doubles:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def named(found: Separation | None, num_classes: int, columns: int) -> str:
    assert found is not None
    return found.text(list("abcdefghij"[:num_classes]), [f"x{j}" for j in range(columns)])


def a_gap(X: Doubles, y: Labels) -> None:
    """x1 is larger in class 2 than elsewhere."""
    X[y == 2, 1] = 5 + np.abs(X[y == 2, 1])


def a_dummy(X: Doubles, y: Labels) -> None:
    """x1 is 0 or 1, and 1 in class 2 only."""
    X[:, 1] = (y == 2) & (X[:, 1] > 0)


def a_touch(X: Doubles, y: Labels) -> None:
    """x1 is at least 0 in class 2 and at most 0 elsewhere, with rows of all classes at 0."""
    X[:, 1] = np.where(y == 2, 1, -1) * np.abs(X[:, 1])
    X[::2, 1] = 0


def a_combination(X: Doubles, y: Labels) -> None:
    """x1 + x3 is larger in class 2 than elsewhere, neither of them alone."""
    X[:, 3] = -X[:, 1] + np.where(y == 2, 1, -1) * np.abs(X[:, 3]) * 0.1


def a_touching_combination(X: Doubles, y: Labels) -> None:
    """The same, with equality in half of the rows."""
    a_combination(X, y)
    X[::2, 3] = -X[::2, 1]


SEPARATED = {
    "a gap": (a_gap, "quasi-complete separation; class 'c' from the others by 'x1'"),
    "a dummy": (a_dummy, "quasi-complete separation; class 'c' from the others by 'x1'"),
    "a touch": (a_touch, "quasi-complete separation; class 'c' from the others by 'x1'"),
    "a combination": (
        a_combination,
        "quasi-complete separation; class 'c' from the others by 'x3' and 'x1' together",
    ),
    "a touching combination": (
        a_touching_combination,
        "quasi-complete separation; class 'c' from the others by 'x1' and 'x3' together",
    ),
}


@pytest.mark.parametrize("num_classes", [3, 6])
@pytest.mark.parametrize("case", SEPARATED)
def test_one_class_among_others(case: str, num_classes: int) -> None:
    """None of it is there before the change, and the other classes stay mixed after it."""
    X = noise(500, 5)
    y = drawn(X, num_classes, 1)
    assert find(X, y, num_classes, True) is None
    change, said = SEPARATED[case]
    change(X, y)
    for form in (X, csr_array(X)):
        assert named(find(form, y, num_classes, True), num_classes, 5) == said
    rest = y != 2
    kept = np.unique(y[rest], return_inverse=True)[1]
    assert find(X[rest], kept, num_classes - 1, True) is None


def test_two_classes_name_the_second() -> None:
    X = noise(200, 3)
    y = (X[:, 1] > 0).astype(np.int64)
    text = named(find(X, y, 2, True), 2, 3)
    assert text == "complete separation; class 'b' from the others by 'x1'"


def test_classes_in_the_order_of_a_feature() -> None:
    X = noise(300, 2)
    y = np.digitize(X[:, 0], [-0.5, 0.5])
    text = named(find(X, y, 3, True), 3, 2)
    assert text == (
        "complete separation; class 'a' from the others by 'x0'; class 'c' from the others by 'x0'"
    )


def test_known_tables() -> None:
    X, y = load_iris(return_X_y=True)
    text = named(find(X, y, 3, True), 3, 4)
    assert text.startswith(
        "quasi-complete separation; class 'a' from the others by each of 'x2' and 'x3'"
    )
    assert find(X[50:], y[50:] - 1, 2, True) is None
    X, y = load_wine(return_X_y=True)
    assert named(find(X, y, 3, True), 3, 13).startswith("complete separation; class 'a'")


def test_without_an_intercept_the_threshold_is_zero() -> None:
    X = np.abs(noise(50, 1)) + 1
    y = (X[:, 0] > 1.5).astype(np.int64)
    assert find(X, y, 2, True) is not None
    assert find(X, y, 2, False) is None
    assert named(find(X - 1.5, y, 2, False), 2, 1).startswith("complete")


def test_a_class_without_rows() -> None:
    X = noise(200, 2)
    y = drawn(X, 2, 3) * 2
    assert named(find(X, y, 3, True), 3, 2) == "quasi-complete separation; class 'b' without rows"


def separable(X: Doubles, y: Labels, num_classes: int) -> tuple[bool, bool]:
    """Whether anything can be separated, and whether all can: one programme for all rows.

    max sum(s) with 0 <= s <= 1 and (d_y - d_k) x >= s: every s that can be above 0 is 1.
    """
    rows = np.column_stack([X, np.ones(len(X))])
    pairs = [(i, k) for i in range(len(y)) for k in range(num_classes) if k != y[i]]
    slopes = np.zeros((len(pairs), num_classes, rows.shape[1]))
    for row, (i, k) in enumerate(pairs):
        slopes[row, y[i]], slopes[row, k] = -rows[i], rows[i]
    size = slopes[0].size
    best = linprog(
        np.r_[np.zeros(size), -np.ones(len(pairs))],
        A_ub=np.column_stack([slopes.reshape(len(pairs), -1), np.eye(len(pairs))]),
        b_ub=np.zeros(len(pairs)),
        bounds=[(None, None)] * size + [(0, 1)] * len(pairs),
    )
    return -best.fun > 0.5, -best.fun > len(pairs) - 0.5


def test_small_tables_against_one_programme_for_all_rows() -> None:
    """Whole numbers, so that rows often lie on the border; as many rows as leaves it open."""
    rng = np.random.default_rng(5)
    seen = []
    for _ in range(30):
        num_classes, columns = int(rng.integers(2, 5)), int(rng.integers(1, 4))
        rows = int(rng.integers(2, 7)) * num_classes
        X = rng.integers(-2, 3, size=(rows, columns)).astype(float)
        y = np.r_[np.arange(num_classes), rng.integers(0, num_classes, rows - num_classes)]
        found = find(X, y, num_classes, True)
        answer = found is not None, found is not None and found.complete
        assert answer == separable(X, y, num_classes)
        seen.append(answer)
    assert min(seen.count(kind) for kind in [(False, False), (True, False), (True, True)]) >= 3


@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
@pytest.mark.parametrize("overlap", [1e-1, 1e-3, 1e-5])
def test_no_false_alarm_however_steep(overlap: float, unit: float) -> None:
    """Classes that overlap by so little have their maximum at coefficients of about 1/overlap."""
    X = noise(1_000, 3)
    margin = X @ [1.0, -2.0, 0.5]
    y = (margin > 0).astype(np.int64)
    side = np.tile([1.0, -1.0], 20)  # forty rows beside the plane
    X[:40] -= np.outer((margin[:40] - side * overlap) / 5.25, [1.0, -2.0, 0.5])
    y[:40] = side > 0
    assert find(X, y, 2, True) is not None
    y[:40] = side < 0  # and on the wrong side of it
    assert find(X * unit, y, 2, True) is None
    assert find(np.c_[X, X[:, 0] + X[:, 1], np.ones(len(X))] * unit, y, 2, True) is None


def test_what_is_too_large_is_judged_by_single_features(monkeypatch: pytest.MonkeyPatch) -> None:
    X = noise(300, 4)
    y = drawn(X, 3, 1)
    monkeypatch.setattr("neglog.learn._separation.found.MOST_COEFFICIENTS", 10)
    a_combination(X, y)
    assert "too many and of too many features" in named(find(X, y, 3, True), 3, 4)
    assert find(X, y, 3, True, combinations=False) is None
    a_gap(X, y)
    assert named(find(X, y, 3, True), 3, 4).endswith("class 'c' from the others by 'x1'")


@pytest.mark.parametrize("case", SEPARATED)
def test_a_fit_warns_and_names_them(case: str) -> None:
    """A silent "converged" would pass for a maximum: the gradient does vanish."""
    X = noise(300, 5)
    y = drawn(X, 4, 1)
    SoftmaxRegression(l2=0).fit(X, y)  # no warning, as warnings are errors
    SEPARATED[case][0](X, y)
    with pytest.warns(ConvergenceWarning) as told:
        model = SoftmaxRegression(l2=0).fit(pd.DataFrame(X, columns=list("vwxyz")), y)
    (warning,) = told
    text = str(warning.message)
    said = SEPARATED[case][1].replace("'c'", "'2'").replace("x1", "w").replace("x3", "y")
    if "together" in said:  # both are as important
        said, text = (
            said.replace("'y' and 'w'", "'w' and 'y'"),
            text.replace("'y' and 'w'", "'w' and 'y'"),
        )
    assert f"no maximum: {said}. The coefficients grow" in text
    assert "set l2 > 0" in text
    assert warning.filename == __file__
    assert np.isfinite(model.coef_).all()
    SoftmaxRegression(l2=1e-4).fit(X, y)


@pytest.mark.parametrize("form", [np.asarray, csr_array])
def test_a_fit_with_a_maximum_far_out_is_not_doubted(form: Any) -> None:
    X = noise(2_000, 2)
    margin = X @ [1.0, -2.0]
    y = (margin > 0).astype(np.int64)
    near = np.argsort(np.abs(margin))[:20]  # and from there on a few labels are wrong
    y[near] = np.arange(20) % 2
    model = SoftmaxRegression(l2=0).fit(form(X), y)
    assert np.abs(model.coef_).max() > 20


def test_a_class_fixed_ahead_without_rows_is_named() -> None:
    X = noise(200, 2)
    with pytest.warns(ConvergenceWarning, match="class 'b' without rows"):
        SoftmaxRegression(l2=0, classes=["a", "b", "c"]).fit(
            X, np.array(["a", "c"])[drawn(X, 2, 3)]
        )


def test_long_and_wild_names_are_cut() -> None:
    X = noise(100, 6)
    X[:, :] = np.sort(X, axis=0)
    y = (np.arange(100) >= 50).astype(np.int64)
    found = find(X, y, 2, True)
    assert found is not None
    names: list[Any] = ["\x1b[31m", "x" * 99, "c", "d", "e", "f"]
    text = found.text([0, 1], names)
    assert "'\\\\x1b[31m'" in text
    assert "x" * 41 not in text
    assert text.endswith("'c', 'd' and 2 more")
