"""The loss and the accuracy by the values of columns that the caller names."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..._engine import Array
from .classes import MOST_LISTED, table
from .rows import Coded
from .sums import Groups, Moments

MOST_VALUES = 10_000


class Slices:
    """For each column its values, in order of their first row, and the means of each."""

    def __init__(self) -> None:
        self.columns: dict[str, Column] = {}

    def add(
        self,
        by: Mapping[str, Coded],
        nll: Array,
        hits: Array | None,
        weight: Array | None = None,
        per: Array | None = None,
    ) -> None:
        """Add rows: their values, nll and hits (N,), and what the means are per."""
        for name, coded in by.items():
            column = self.columns.setdefault(name, Column(name))
            groups = column.groups(coded)
            column.nll.add(nll, weight, groups=groups, per=per)
            if hits is not None:
                column.hits.add(hits, weight, groups=groups, per=per)

    def merge(self, other: "Slices") -> None:
        """Add the rows of the other."""
        for name, column in other.columns.items():
            self.columns.setdefault(name, Column(name)).merge(column)

    def findings(self) -> dict[str, Any]:
        """A table per column."""
        return {name: column.findings() for name, column in self.columns.items()}


class Column:
    """The values of one column, and the means of each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.values: list[str] = []
        self.nll = Moments(0)
        self.hits = Moments(0)

    def groups(self, coded: Coded) -> Groups:
        """The groups of rows with these values."""
        return Groups.of(self._places(coded.values)[coded.codes], len(self.values))

    def merge(self, other: "Column") -> None:
        """Add the rows of the other."""
        at = self._places(other.values)
        for mine, theirs in ((self.nll.sums, other.nll.sums), (self.hits.sums, other.hits.sums)):
            mine.add(theirs.high, at)
            mine.low[at] += theirs.low

    def _places(self, values: list[str]) -> Array:
        """Where these values stand in `self.values`; new ones are appended."""
        known = {value: j for j, value in enumerate(self.values)}
        places: Array = np.array(
            [known.setdefault(value, len(known)) for value in values], np.int64
        )
        if len(known) > MOST_VALUES:
            raise ValueError(
                f"by: {self.name} has more than {MOST_VALUES} values; name a column with fewer,"
                " such as a language or a source"
            )
        new = list(known)[len(self.values) :]
        if not new:
            return places
        self.values += new
        for moments in (self.nll, self.hits):
            sums = moments.sums
            sums.high, sums.low = (
                np.pad(x, ((0, len(new)), (0, 0))) for x in (sums.high, sums.low)
            )
        return places

    def findings(self) -> dict[str, Any]:
        """The values that cost the most."""
        every = table(self.nll, self.hits, MOST_VALUES, "value")["listed"]
        for line in every:
            line["value"] = self.values[line["value"]]
            line["weight"] = line.pop("support")
        # Which of two values came first depends on the order of the rows; their names do not.
        every.sort(key=lambda line: (-line["share"], line["value"]))
        return {"listed": every[:MOST_LISTED], "left_out": max(len(every) - MOST_LISTED, 0)}
