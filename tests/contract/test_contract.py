"""cross_entropy with every option in every combination, against the definitions.

Each test has one dtype, width and kind of target, and loops over all combinations of options. The
axis changes with the combination, the dtype and the width, so that every combination meets each
axis. Faces other than NumPy's take every fifth combination: each test covers all pairs of options,
and the tests together cover all combinations.
"""

import itertools
from typing import Any

import pytest
from budgets import ULPS
from combinations import PRODUCT, check_all, every_nth

# no classes to spare; one vector; one vector and a bit; more than a cache line
WIDTHS = (3, 10, 17, 70)
BEYOND_SEGMENT = 9000  # rows are summed by segments of 8192 classes


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", WIDTHS)
def test_classes(face: Any, dtype: str, width: int) -> None:
    check_all(face, dtype, width, dense=False, n=face.thinned)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", WIDTHS)
def test_probabilities(face: Any, dtype: str, width: int) -> None:
    check_all(face, dtype, width, dense=True, n=face.thinned, ignore="none")


@pytest.mark.parametrize("ignore", [PRODUCT["ignore"], ("none",)], ids=["classes", "probabilities"])
@pytest.mark.parametrize("turn", range(5))
def test_a_fifth_of_the_combinations_has_all_pairs(turn: int, ignore: tuple[str, ...]) -> None:
    fixed = {} if len(ignore) > 1 else {"ignore": "none"}
    met = {
        pair
        for _, c in every_nth(5, turn, **fixed)
        for pair in itertools.combinations(c.items(), 2)
    }
    table = [[(name, v) for v in values] for name, values in (PRODUCT | {"ignore": ignore}).items()]
    for one, other in itertools.combinations(table, 2):
        assert met >= set(itertools.product(one, other))


# Longer than a segment, options one by one off and on, but only the weights of both kinds.
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_beyond_a_segment(face: Any, dtype: str, dense: bool) -> None:
    fixed = {"weights": "both", "reduction": "mean", "temperature": "row"}
    check_all(face, dtype, BEYOND_SEGMENT, dense, ignore="none" if dense else "some", **fixed)
