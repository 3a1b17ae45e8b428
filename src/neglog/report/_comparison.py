"""Two models on the same rows: what one costs more than the other, in all, by class and by row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._engine import Array
from ._findings import plain
from ._inputs import arrays
from ._report import Kind, Report
from ._shown import Shown
from .state.lists import entries, foremost, largest, moved
from .state.rows import Rows
from .state.sums import Groups, Moments

SCHEMA = "neglog.comparison/1"
MOST_LISTED = 50  # rows and classes, worse and better


class Comparison(Shown):
    """The paired difference of two models' nll: of the second minus of the first, row by row.

    A row counts if it counts in both reports. Rows come by `update`, states of parts of the rows
    by `merge`, as in a Report.

    Args:
        names: what the two are called.
        kind: what the predictions are, as for Report; each of the two is looked at by itself.
        class_names: one for each class.
        ignore_index: rows with this target are counted, and left out.

    Examples:
        >>> comparison = Comparison(["old", "new"])
        >>> comparison.update([[2.0, 0.0], [0.0, 1.0]], [[3.0, 0.0], [0.5, 1.0]], [0, 1])
        >>> round(comparison.to_dict()["difference"]["value"], 4)
        0.0412
    """

    def __init__(
        self,
        names: Sequence[str] = ("a", "b"),
        *,
        kind: Kind = "auto",
        class_names: Sequence[str] | None = None,
        ignore_index: int = -100,
    ) -> None:
        first, second = names
        self.names = [str(first), str(second)]
        self.class_names = class_names
        self.reports = [
            Report(kind=kind, class_names=class_names, ignore_index=ignore_index) for _ in names
        ]
        self.difference = Moments()
        self.by_class = Moments(0)
        self.worse, self.better = Changed(1), Changed(-1)

    def update(
        self,
        first: npt.ArrayLike,
        second: npt.ArrayLike,
        target: Any,
        *,
        row_weight: npt.ArrayLike | None = None,
        ids: Any = None,
        by: Mapping[str, Any] | None = None,
        text: Any = None,
        num_bytes: npt.ArrayLike | None = None,
    ) -> None:
        """Add rows: predictions of both models, (N, V) each; the rest as for Report.

        Raises:
            ValueError: the predictions differ in shape, or as for Report.
            TypeError: as for Report.
            IndexError: as for Report.
        """
        shapes = np.shape(first), np.shape(second)
        if shapes[0] != shapes[1]:
            raise ValueError(
                f"predictions to compare must have one shape, got {shapes[0]} and {shapes[1]}"
            )
        given = arrays(first, target, self.class_names, row_weight, ids, by, text, num_bytes)
        plain_target = (given.target, None, None, None, None, None, None)
        other = given._replace(predictions=arrays(second, *plain_target).predictions)
        classes = given.predictions.shape[1]
        parts = [report._parts(classes) for report in self.reports]
        self._know_classes(classes)
        a, b = self.reports
        for both in zip(a._rows(given), b._rows(other), strict=True):
            for part, rows in zip(parts, both, strict=True):
                if len(rows.nll):
                    part.add(rows)
            self._pair(*both)

    def _know_classes(self, classes: int) -> None:
        if not self.by_class.size:
            self.by_class = Moments(classes)

    def _pair(self, x: Rows, y: Rows) -> None:
        """Add the differences of the rows that are in both."""
        _, i, j = np.intersect1d(x.row, y.row, assume_unique=True, return_indices=True)
        if not len(i):
            return
        after = x.nll.copy()
        after[i] = y.nll[j]
        difference = (after - x.nll)[i]
        weight = None if x.weight is None else x.weight[i]
        self.difference.add(difference, weight)
        groups = Groups.of(x.target[i], len(self.by_class.rows))
        self.by_class.add(difference, weight, groups=groups)
        for changed in (self.worse, self.better):
            changed.add(x, after)

    def merge(self, other: "Comparison") -> None:
        """Add the rows of another comparison, which come after these.

        Raises:
            ValueError: the other compares other models, or as for Report.
        """
        if self.names != other.names:
            raise ValueError(f"names must be the same in both: {self.names}, {other.names}")
        offset = self.reports[0].read
        for mine, theirs in zip(self.reports, other.reports, strict=True):
            mine.merge(theirs)
        self.difference.merge(other.difference)
        if other.by_class.size:
            self._know_classes(other.by_class.size)
            self.by_class.merge(other.by_class)
        self.worse.merge(other.worse, offset)
        self.better.merge(other.better, offset)

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values: of the difference, and of both reports.

        Raises:
            ValueError: there is no row that counts in both.
        """
        reports = [report.to_dict() for report in self.reports]
        if not self.difference.rows[0]:
            raise ValueError("no row counts in both reports")
        found = {
            "schema": SCHEMA,
            "names": self.names,
            "paired": int(self.difference.rows[0]),
            "difference": self.difference.mean(),
            "classes": {"worse": self._classes(1), "better": self._classes(-1)},
            "rows": {"worse": self.worse.entries, "better": self.better.entries},
        }
        names = self.reports[0].class_names
        named: dict[str, Any] = plain(found, names)
        return named | {"reports": reports}

    def _classes(self, sign: int) -> list[dict[str, Any]]:
        """The classes whose nll rose (or fell) the most, summed over their rows."""
        change = sign * self.by_class.total
        order = np.flatnonzero(change > 0)
        order = order[np.lexsort((order, -change[order]))][:MOST_LISTED]
        weight = self.by_class.weight
        return [
            {
                "class": int(j),
                "difference": self.by_class.mean(int(j)),
                "support": float(weight[j]),
            }
            for j in order
        ]


class Changed:
    """The rows whose nll rose (sign 1) or fell (-1) the most."""

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.entries: list[dict[str, Any]] = []

    def add(self, rows: Rows, after: Array) -> None:
        """Add a batch, whose nll is `after` in the second report."""
        change = self.sign * (after - rows.nll)
        full = len(self.entries) == MOST_LISTED
        least = self.sign * self.entries[-1]["difference"] if full else 0.0
        at = largest(change, max(least, np.nextafter(0, 1)), MOST_LISTED, rows)
        self._take(
            [
                {name: entry[name] for name in ("row", "id", "text", "target")}
                | {"nll": [entry["nll"], float(after[i])]}
                | {"difference": self.sign * float(change[i])}
                for i, entry in zip(at.tolist(), entries(rows, at), strict=True)
            ]
        )

    def merge(self, other: "Changed", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        self._take(moved(other.entries, offset))

    def _take(self, more: list[dict[str, Any]]) -> None:
        every = [*self.entries, *more]
        self.entries = foremost(every, MOST_LISTED, "difference", self.sign)
