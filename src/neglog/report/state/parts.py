"""The parts of a report's state, each of which adds rows and merges by itself."""

from .calibration import Calibration
from .classes import Classes
from .confusions import Confusions
from .distribution import Distribution
from .lists import Worst
from .rows import Rows
from .slices import Slices
from .suspects import Suspects
from .temperature import Temperature
from .totals import Totals


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
        self.temperature = Temperature()
        self.calibration = Calibration(classes)
        self.suspects = Suspects()

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        self.totals.add(rows)
        self.distribution.add(rows.nll, rows.weight)
        self.by_class.add(rows)
        self.slices.add(rows.by, rows.nll, rows.hits, rows.weight)
        self.confusions.add(rows)
        self.worst.add(rows)
        self.temperature.add(rows)
        self.calibration.add(rows)
        self.suspects.add(rows)

    def merge(self, other: "Parts", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        self.totals.merge(other.totals)
        self.distribution.merge(other.distribution)
        self.by_class.merge(other.by_class)
        self.slices.merge(other.slices)
        self.confusions.merge(other.confusions)
        self.worst.merge(other.worst, offset)
        self.temperature.merge(other.temperature)
        self.calibration.merge(other.calibration)
        self.suspects.merge(other.suspects, offset)
