"""The page's likelihoods are Python's: products, sums of logarithms, maxima and curves."""

import math
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from page_helpers.browser import browser_fixture  # noqa: F401
from page_numbers import numbers_fixture  # noqa: F401

from neglog import explain_likelihood
from neglog.trace import Bernoulli, Normal

LIKELIHOODS = {
    "three tosses": ([1, 1, 0], {"fair": Bernoulli(0.5), "bent": Bernoulli(0.9)}),
    "a toss that cannot be": ([1, 1, 0], {"sure": Bernoulli(1.0), "never": Bernoulli(0.0)}),
    "a toss that only some allow": ([1, 0], {"sure": Bernoulli(1.0), "fair": Bernoulli(0.5)}),
    "no toss at all": ([1, 0.5], {"fair": Bernoulli(0.5)}),
    "orange or blue": (
        [1.2, 2.0, 2.3, 3.1, 1.7],
        {"orange": Normal(2.0, 0.8), "blue": Normal(4.5, 1.5)},
    ),
    "a tie": ([0.0], {"left": Normal(-1.0, 1.0), "right": Normal(1.0, 1.0)}),
    "a tie but for rounding": ([1, 0], {"tails": Bernoulli(0.2), "heads": Bernoulli(0.8)}),
    "all the same": ([3, 3, 3], {"narrow": Normal(3.0, 0.1), "wide": Normal(3.5, 2.0)}),
    "many": ([math.sin(i) * 2 for i in range(500)], {"standard": Normal(0.0, 1.0)}),
    "a coin and a curve": ([0, 1], {"coin": Bernoulli(0.3), "curve": Normal(0.5, 1.0)}),
}


@pytest.mark.parametrize(("data", "candidates"), LIKELIHOODS.values(), ids=LIKELIHOODS)
def test_likelihood_agrees(data: Any, candidates: Any, numbers: Any) -> None:
    python = explain_likelihood(data, candidates).to_dict()
    densities = {
        name: {"family": type(density).__name__.lower(), **vars(density)}
        for name, density in candidates.items()
    }
    [page] = numbers(
        "Likelihood.explain({ data, candidates })", [{"data": data, "candidates": densities}]
    )
    compare("likelihood", python, page)


def test_a_foreign_density_is_drawn_by_straight_lines(numbers: Any) -> None:
    """Python samples it; where it was sampled the page is exact, an impossible point included."""
    at, logs = [0.0, 1.0, 3.0, 4.0], [-1.0, -2.5, -0.5, -math.inf]
    density = {"family": "other", "at": at, "log_density": logs}
    places = [-1.0, 0.0, 0.5, 1.0, 2.0, 3.0, 3.5, 4.0, 5.0]
    got = numbers(
        "Likelihood.logDensity(density)(x)", [{"density": density, "x": x} for x in places]
    )
    assert list(map(float, got[:6])) == np.interp(places[:6], at, logs).tolist()
    assert got[6:] == ["-inf"] * 3
    [page] = numbers(
        "Likelihood.explain({ data, candidates })",
        [{"data": [1.0, 3.0], "candidates": {"foreign": density}}],
    )
    assert page["candidates"]["foreign"]["log_likelihood"] == -3.0
    assert page["curve"] is None
    assert page["probability"]["at"] == at


def compare(where: str, a: Any, b: Any) -> None:
    """The same tree; sums of hundreds of logarithms, and what they are exponents of, to 1e-9."""
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            compare(f"{where}.{key}", a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            compare(f"{where}[{i}]", x, y)
    elif where.endswith("exact_product"):
        assert abs(Decimal(a) - Decimal(b)) <= abs(Decimal(a)) * Decimal("1e-9"), where
    elif isinstance(a, float) or isinstance(b, float):
        place = 1e-12 if ".at[" in where else 0  # near 0 it is a difference
        assert math.isclose(float(a), float(b), rel_tol=1e-9, abs_tol=place), (where, a, b)
    else:
        assert a == b, where
