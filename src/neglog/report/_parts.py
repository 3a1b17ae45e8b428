"""The parts of a report's state, each of which adds rows and merges by itself."""

from typing import Any

from ._classes import Classes
from ._confusions import Confusions
from ._distribution import Distribution
from ._lists import Worst
from ._rows import Rows
from ._slices import Slices
from ._totals import Totals


class Parts:
    """All parts, for a number of classes."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.totals = Totals()
        self.distribution = Distribution()
        self.by_class = Classes(classes)
        self.slices = Slices()
        self.confusions = Confusions(classes)
        self.worst = Worst()

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        for part in self._summed():
            part.add(rows)
        self.worst.add(rows)

    def merge(self, other: "Parts", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        for mine, theirs in zip(self._summed(), other._summed(), strict=True):
            mine.merge(theirs)
        self.worst.merge(other.worst, offset)

    def _summed(self) -> list[Any]:
        return [self.totals, self.distribution, self.by_class, self.slices, self.confusions]
