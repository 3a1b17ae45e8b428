"""What separates the classes of a table, and in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._show.words import listed, printable, shortened
from . import programmes
from .splits import Direction, Indices, splits

MOST_NUMBERS = 2**25  # N q and N K: 256 MiB
MOST_COEFFICIENTS = 10_000  # K q, where pairs of classes are tried
MOST_VARIABLES = 300  # of a programme for all classes: 650 took 20 s
NAMES = 4  # of one kind in a message


@dataclass(frozen=True)
class Separation:
    """Directions along which the likelihood rises for ever."""

    complete: bool  # every row from every other class
    directions: tuple[Direction, ...]

    def text(self, classes: Sequence[Any], names: Sequence[str]) -> str:
        """complete separation; class 'a' from the others by each of 'x1' and 'x2'; ..."""
        if not (self.complete or self.directions):
            return (
                "some classes seem to be separated, too many and of too many features to say which"
            )
        alike: dict[bytes, list[Direction]] = {}
        for direction in self.directions:
            alike.setdefault(direction.classes.tobytes(), []).append(direction)
        said = [_said(some, classes, names) for some in alike.values()]
        more = [f"{len(said) - NAMES} more"] if len(said) > NAMES else []
        kind = "complete" if self.complete else "quasi-complete"
        return "; ".join([f"{kind} separation", *said[:NAMES], *more])


def _said(alike: Sequence[Direction], classes: Sequence[Any], names: Sequence[str]) -> str:
    """Directions of the same classes: by one feature each, or else by several together."""

    def some(names: Sequence[Any], which: Indices) -> str:
        shown = [repr(shortened(printable(str(names[j])), 40)) for j in which[:NAMES]]
        return listed(shown, max(len(which) - NAMES, 0))

    first = alike[0]
    found = f"{'class' if len(first.classes) == 1 else 'classes'} {some(classes, first.classes)}"
    if not len(first.features):
        return f"{found} without rows"
    if len(first.features) > 1:
        return f"{found} from the others by {some(names, first.features)} together"
    single = np.concatenate([each.features for each in alike if len(each.features) == 1])
    return (
        f"{found} from the others by {'each of ' if len(single) > 1 else ''}{some(names, single)}"
    )


def find(
    X: Any,
    target: Indices,
    num_classes: int,
    intercept: bool,
    *,
    right: bool = False,
    combinations: bool = True,
) -> Separation | None:
    """What separates the classes; None if nothing does.

    Where there are too many combinations to try, a `Separation` without directions says so.

    Args:
        X: (N, D) float64, dense or CSR, of the rows that count.
        target: (N,) 0..K-1.
        num_classes: K.
        intercept: whether the model has one.
        right: whether a model has every row right, which is a complete separation.
        combinations: whether combinations of features are tried.
    """
    present, target = np.unique(target, return_inverse=True)
    absent = np.setdiff1d(np.arange(num_classes), present)
    found = [Direction(absent, np.zeros(0, np.int64))] if len(absent) and intercept else []
    single = list(splits(X, target, len(present), intercept))
    combined: list[Direction] = []
    size, count = X.shape[1] + int(intercept), len(present)
    most = MOST_VARIABLES if right else MOST_COEFFICIENTS
    tried = max(size, count) * len(target) <= MOST_NUMBERS and size * count <= most
    if combinations and tried:
        table = programmes.scaled(X, intercept)
        number = np.arange(count) if right else programmes.groups(table, target, count)
        of_groups = int(number.max()) + 1
        tried = of_groups <= max(2, MOST_VARIABLES // size)
        if tried and of_groups > 1:
            combined, all_of_it = programmes.combinations(table, target, number, single, intercept)
            right = right or (all_of_it and of_groups == count)
    found += [Direction(present[each.classes], each.features) for each in single + combined]
    unknown = combinations and not tried
    if not (found or right or unknown):
        return None
    return Separation(right and not len(absent), tuple(found))
