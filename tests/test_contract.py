"""cross_entropy with every option in every combination, against the definitions.

One test is one dtype, width and kind of target, and loops over the whole product of options; the
axis goes round with the combination, the dtype and the width, so every combination meets each.
"""

from typing import Any

import pytest
from budgets import ULPS
from combinations import check_all

# no classes to spare; one vector; one vector and a bit; more than a cache line
WIDTHS = (3, 10, 17, 70)
BEYOND_SEGMENT = 9000  # rows are summed by segments of 8192 classes


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", WIDTHS)
def test_classes(face: Any, dtype: str, width: int) -> None:
    check_all(face, dtype, width, dense=False)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", WIDTHS)
def test_probabilities(face: Any, dtype: str, width: int) -> None:
    check_all(face, dtype, width, dense=True, ignore="none")


# Longer than a segment, options one by one off and on, but only the weights of both kinds.
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_beyond_a_segment(face: Any, dtype: str, dense: bool) -> None:
    fixed = {"weights": "both", "reduction": "mean", "temperature": "row"}
    check_all(face, dtype, BEYOND_SEGMENT, dense, ignore="none" if dense else "some", **fixed)
