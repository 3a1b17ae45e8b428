"""Labels as numbers of classes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def codes(y: NDArray[Any], classes: NDArray[Any], way_out: str) -> NDArray[np.int64]:
    """(N,) the place of each label among the classes, which need not be sorted."""
    order = np.argsort(classes, kind="stable")
    try:
        found = np.searchsorted(classes, y, sorter=order)
        found = order[np.minimum(found, len(classes) - 1)]
        strange = classes[found] != y
    except TypeError:  # text among numbers
        strange = np.ones(len(y), bool)
    if strange.any():
        row = int(np.argmax(strange))
        raise ValueError(f"y[{row}] is {y[row]!r}, which is no class of the model; {way_out}")
    return found
