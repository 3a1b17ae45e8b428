"""What SoftmaxRegression rejects, and the messages."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("sklearn", reason="needs the extra cli")

from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from neglog.learn import SoftmaxRegression

Doubles = NDArray[np.float64]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"l2": -1}, "l2 must be a finite number >= 0, got -1"),
        ({"l2": float("nan")}, "l2 must be"),
        ({"l2": "1"}, "l2 must be a finite number >= 0, got '1'"),
        ({"max_iter": 0}, "max_iter must be an integer >= 1, got 0"),
        ({"max_iter": 1.5}, "max_iter must be"),
        ({"tol": 0}, "tol must be a finite number > 0, got 0"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SoftmaxRegression(**options).fit(*load_iris(return_X_y=True))


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (np.ones(149), r"one number for each of the 150 rows of X, got shape \(149,\)"),
        (np.ones((150, 1)), r"got shape \(150, 1\)"),
        (np.r_[np.ones(149), -1], "row 149 has -1.0"),
        (np.r_[np.nan, np.ones(149)], "row 0 has nan"),
        (np.zeros(150), "zero in every row"),
    ],
)
def test_weights_that_are_none(weight: Doubles, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SoftmaxRegression().fit(*load_iris(return_X_y=True), sample_weight=weight)


def test_one_class_is_nothing_to_learn() -> None:
    X, y = load_iris(return_X_y=True)
    with pytest.raises(ValueError, match=r"one class only, .*0"):
        SoftmaxRegression().fit(X[y == 0], y[y == 0])
    with pytest.raises(ValueError, match="one class only"):
        SoftmaxRegression().fit(X, y, sample_weight=y == 0)


def test_a_model_that_is_not_fitted() -> None:
    with pytest.raises(NotFittedError):
        SoftmaxRegression().predict([[1.0]])


@pytest.mark.parametrize("missing", ["sklearn", "scipy"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
try:
    import neglog.learn
except ImportError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'neglog[learn]'" in run.stdout
