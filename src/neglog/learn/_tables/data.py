"""A table in memory: its features, and its target as classes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neglog._engine import Array
from neglog._read.tables.features import (
    Dates,
    Feature,
    Rows,
    Texts,
    joined,
    refuse_infinite,
    settled,
    taken,
)
from neglog._read.values import quoted


@dataclass(frozen=True)
class Data:
    """Rows with a target."""

    columns: Mapping[str, Feature]
    classes: Array  # (K,) sorted, int64 or strings
    target: Array  # (n,) 0..K-1
    unlabelled: int  # rows that were left out, because they have no target

    def part(self, rows: Array) -> dict[str, Feature]:
        """The features of some rows."""
        return {name: taken(column, rows) for name, column in self.columns.items()}

    def held_out(self, share: float, seed: int = 0) -> Array:
        """(n,) bool: rows chosen at random; a class keeps all of its rows if none else is left."""
        chosen: Array = np.random.default_rng(seed).random(len(self.target)) < share
        left = np.bincount(self.target[~chosen], minlength=len(self.classes))
        chosen[left[self.target] == 0] = False
        return chosen


def gathered(rows: Iterable[Rows], target: str) -> Data:
    """All rows of a source.

    Raises:
        ValueError: the target holds no classes.
    """
    parts = list(rows)
    place = parts[0].place
    columns: dict[str, Feature] = {}
    for name in parts[0].columns:
        column = settled(joined([part.columns[name] for part in parts]))
        if not isinstance(column, Texts | Dates):
            refuse_infinite(column, place.of(name))
        columns[name] = column
    labels = joined([part.target for part in parts if part.target is not None])
    classes, codes = classes_of(labels, place.of(target).column())
    known = codes >= 0
    if not known.all():
        columns = {name: taken(column, known) for name, column in columns.items()}
    return Data(columns, classes, codes[known], int((~known).sum()))


def classes_of(column: Feature, what: str) -> tuple[Array, Array]:
    """The sorted classes in a column, and (n,) the class of each row, -1 where there is none.

    Raises:
        ValueError: it holds dates or fractions, or fewer than two classes.
    """
    classes, codes = labels_in(settled(column), what)
    _check(classes, codes, what)
    return classes, codes


def labels_in(column: Feature, what: str) -> tuple[Array, Array]:
    """The same for a part of the rows, which may have any number of classes."""
    if isinstance(column, Dates):
        raise ValueError(f"{what}: a class needs names or whole numbers, and these are dates")
    if isinstance(column, Texts):
        classes, places = np.unique(np.array(column.values, str), return_inverse=True)
        codes = np.append(places, -1)[column.codes]
    else:
        known = ~np.isnan(column)
        whole, places = np.unique(column[known], return_inverse=True)
        if (np.trunc(whole) != whole).any() or np.abs(whole).max(initial=0) > 2**53:
            odd = whole[np.trunc(whole) != whole][:1].tolist() or whole[-1:].tolist()
            raise ValueError(
                f"{what}: a class needs names or whole numbers, and {odd[0]} is none: group the"
                " numbers into classes first"
            )
        classes = whole.astype(np.int64)
        codes = np.full(len(column), -1)
        codes[known] = places
    return classes, codes


def _check(classes: Array, codes: Array, what: str) -> None:
    if len(classes) == 0:
        raise ValueError(f"{what} is empty in every row: a fit needs the class of some rows")
    if len(classes) == 1:
        raise ValueError(
            f"{what} has one class only, {quoted(classes[0].item())}: there is nothing to tell"
            " apart"
        )
    if len(classes) > max(2, len(codes) / 2):
        raise ValueError(
            f"{what} has {len(classes):,} different values in {len(codes):,} rows: these are no"
            " classes"
        )


def codes_among(column: Feature, classes: Any) -> tuple[Array, int]:
    """(n,) the class of each row, -1 where there is none; and how many labels are no class."""
    place = {str(name): j for j, name in enumerate(classes.tolist())}
    if isinstance(column, Texts):
        names, codes = list(column.values), column.codes
    else:
        values = column.days if isinstance(column, Dates) else column
        numbers, codes = np.unique(values, return_inverse=True)
        names = [f"{x:.0f}" if x == np.trunc(x) else str(x) for x in numbers.tolist()]
        codes = np.where(np.isnan(values), -1, codes)
    found = np.array([*(place.get(name, -1) for name in names), -1])[codes]
    return found, int(((found < 0) & (codes >= 0)).sum())
