"""The explanation of a likelihood: against plain formulas, SciPy and exact products."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from neglog import Bernoulli, Normal, explain_likelihood
from neglog.trace import Likelihood

POINTS = [1.0, 2.0, 2.5, 1.7]
TWO = {"orange": Normal(1.8, 0.6), "blue": Normal(4, 1)}


def likelihood(data: Any, candidates: Any) -> Likelihood:
    subject = explain_likelihood(data, candidates).subject
    assert isinstance(subject, Likelihood)
    return subject


def gauss(x: float, mean: float, sd: float) -> float:
    return math.exp(-((x - mean) ** 2) / (2 * sd**2)) / (sd * math.sqrt(2 * math.pi))


def test_every_factor_of_the_product_is_shown() -> None:
    orange, blue = likelihood(POINTS, TWO).candidates
    expected = [gauss(x, 1.8, 0.6) for x in POINTS]
    np.testing.assert_allclose(orange.density, expected, rtol=1e-14)
    np.testing.assert_allclose(orange.product, np.cumprod(expected), rtol=1e-14)
    assert orange.log_likelihood == pytest.approx(sum(map(math.log, expected)), rel=1e-14)
    assert float(orange.exact_product) == pytest.approx(math.prod(expected), rel=1e-11)
    assert (orange.family, orange.underflow_at) == ("normal", None)
    assert blue.log_likelihood < orange.log_likelihood


def test_the_curve_that_fits_wins() -> None:
    assert likelihood(POINTS, TWO).winner == ("orange",)
    assert likelihood([4.0, 5.0], TWO).winner == ("blue",)


def test_a_tie_has_two_winners() -> None:
    assert likelihood([0.0], {"left": Normal(-1, 1), "right": Normal(1, 1)}).winner == (
        "left",
        "right",
    )
    coins = {"mostly tails": Bernoulli(0.2), "mostly heads": Bernoulli(0.8)}
    assert likelihood([1, 0], coins).winner == tuple(coins)  # log 0.2 + log 0.8, either way


def test_three_tosses() -> None:
    coin = likelihood([1, 1, 0], {"fair": Bernoulli(0.5), "bent": Bernoulli(0.9)})
    assert coin.candidates[0].product == (0.5, 0.25, 0.125)
    assert coin.candidates[0].exact_product == Decimal("0.125")
    assert float(coin.candidates[1].exact_product) == pytest.approx(0.081, rel=1e-11)
    assert coin.curve is not None
    assert coin.curve.best == {"p": 2 / 3}
    assert coin.curve.best_log_likelihood == pytest.approx(math.log(4 / 27))
    assert coin.at == (0.0, 1.0)
    assert coin.candidates[1].density_at == pytest.approx((0.1, 0.9))


def test_a_long_product_underflows_where_the_sum_of_logarithms_does_not() -> None:
    coin = likelihood([1, 0] * 1000, {"fair": Bernoulli(0.5)}).candidates[0]
    assert coin.product[-1] == 0
    assert coin.underflow_at == 1075  # 2**-1074 is the smallest double
    assert coin.log_likelihood == pytest.approx(-2000 * math.log(2), rel=1e-15)
    half = Fraction(1, 2**2000)
    assert abs(Fraction(coin.exact_product) / half - 1) < Fraction(1, 10**10)


def test_a_point_that_cannot_be_is_no_underflow() -> None:
    coin = likelihood([1, 0, 1], {"always": Bernoulli(1.0), "fair": Bernoulli(0.5)})
    always, _ = coin.candidates
    assert (always.log_likelihood, always.underflow_at) == (-math.inf, None)
    assert always.exact_product == 0
    assert coin.winner == ("fair",)


@pytest.mark.parametrize("candidates", [TWO, {"one": Normal(0, 0.1)}], ids=len)
def test_the_maximum_of_the_curve_is_the_mean(candidates: Any) -> None:
    curve = likelihood(POINTS, candidates).curve
    assert curve is not None
    assert curve.best["mean"] == pytest.approx(np.mean(POINTS))
    assert curve.best["sd"] == pytest.approx(np.std(POINTS))
    assert max(curve.likelihood) == pytest.approx(1, abs=1e-3)
    assert max(curve.likelihood) <= 1
    top = curve.at[int(np.argmax(curve.likelihood))]
    assert abs(top - np.mean(POINTS)) <= curve.at[1] - curve.at[0]
    expected = sum(math.log(gauss(x, **curve.best)) for x in POINTS)
    assert curve.best_log_likelihood == pytest.approx(expected)


def test_equal_points_have_no_best_width() -> None:
    curve = likelihood([2.0, 2.0], {"a": Normal(0, 3)}).curve
    assert curve is not None
    assert curve.best == {"mean": 2.0}
    assert np.isfinite(curve.best_log_likelihood)


def test_frozen_distributions_of_scipy_do_as_well() -> None:
    stats = pytest.importorskip("scipy.stats")
    mixed = likelihood(POINTS, {"ours": Normal(1.8, 0.6), "scipy": stats.norm(1.8, 0.6)})
    ours, scipys = mixed.candidates
    np.testing.assert_allclose(ours.log_density, scipys.log_density, rtol=1e-13)
    assert (scipys.family, dict(scipys.parameters), mixed.curve) == ("other", {}, None)
    counts = likelihood([0, 2, 3], {"calls": stats.poisson(2.0)})
    assert counts.at == (0.0, 1.0, 2.0, 3.0)
    assert counts.candidates[0].density[1] == pytest.approx(2 * math.exp(-2))


@pytest.mark.parametrize(
    "candidates", [TWO, {"fair": Bernoulli(0.5), "never": Bernoulli(0.0)}], ids=list
)
def test_the_dict_is_json_without_literals_of_its_own(candidates: Any) -> None:
    data = [1, 0, 1]
    found = json.loads(json.dumps(explain_likelihood(data, candidates).to_dict(), allow_nan=False))
    assert list(found) == ["kind", "data", "candidates", "winner", "curve", "probability"]
    first = next(iter(found["candidates"].values()))
    assert list(first)[:3] == ["family", "parameters", "density"]
    assert len(first["product"]) == 3
    assert found["kind"] == "likelihood"
    if "never" in candidates:
        never = found["candidates"]["never"]
        assert (never["log_likelihood"], never["exact_product"]) == ("-inf", "0")


class TwoNumbers:
    def logpdf(self, x: Any) -> Any:
        return np.zeros(2)


@pytest.mark.parametrize(
    ("data", "candidates", "error", "said"),
    [
        ([], TWO, ValueError, "data must be a list of at least one number"),
        ("12", TWO, ValueError, "data must be a list"),
        ([1, "x"], TWO, TypeError, r"data\[1\] must be a real number, got 'x'"),
        ([1, math.nan], TWO, ValueError, r"data\[1\] must be finite, got nan"),
        ([1], {}, ValueError, "candidates must name at least one density"),
        ([1], [Normal(0, 1)], TypeError, "candidates must be a dict"),
        ([1], {1: Normal(0, 1)}, TypeError, "candidates must have strings as names"),
        ([1], {"a": 5}, TypeError, r"candidates\['a'\] must have logpdf or logpmf, got 5"),
        ([1], {"a": TwoNumbers()}, ValueError, "one number for each of 1 points, got shape"),
    ],
)
def test_bad_input_is_named(data: Any, candidates: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        explain_likelihood(data, candidates)


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: Normal(0, 0), ValueError, "sd must be finite and above 0, got 0"),
        (lambda: Normal(math.inf, 1), ValueError, "mean must be finite, got inf"),
        (lambda: Normal("x", 1), TypeError, "mean must be a real number"),
        (lambda: Bernoulli(1.5), ValueError, r"p must lie in \[0, 1\], got 1.5"),
    ],
)
def test_densities_refuse_what_is_none(make: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        make()
