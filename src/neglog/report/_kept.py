"""What a report and one of log-probabilities share: rows that are counted, states that last."""

from pathlib import Path
from typing import Any, Self

from ._saving import load, save
from ._shown import Shown


class Kept(Shown):
    """A state that is saved, and how many rows it has seen."""

    def __init__(self) -> None:
        self.read = 0
        self.left_out = {"missing": 0, "not finite": 0, "probability 0": 0}
        self.has_ids = self.merged_without_ids = False

    @property
    def used(self) -> int:
        """How many of the rows count."""
        raise NotImplementedError

    def _count(self, other: "Kept") -> None:
        """Count the rows of another report, which come after these."""
        self.merged_without_ids |= self.read > 0 and not (self.has_ids and other.has_ids)
        self.merged_without_ids |= other.merged_without_ids
        self.has_ids |= other.has_ids
        self.read += other.read
        for why, count in other.left_out.items():
            self.left_out[why] += count

    def save(self, path: str | Path) -> None:
        """Write the state as JSON, for `load` and `merge`."""
        save(self, Path(path))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """A report that `save` wrote.

        Raises:
            ValueError: the file does not hold a report of this class.
        """
        found: Any = load(Path(path), cls)
        return found  # type: ignore[no-any-return]
