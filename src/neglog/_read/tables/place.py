"""Where something stands, for messages: file, row, column."""

from dataclasses import dataclass, replace

from ..values import quoted


@dataclass(frozen=True)
class Place:
    """Rows of a file from `first` on, counted from 0, and one of their columns."""

    file: str
    first: int = 0
    name: str = ""

    def of(self, column: str) -> "Place":
        """The same rows, and this column."""
        return replace(self, name=column)

    def column(self, row: int | None = None) -> str:
        """The column, at the row of these that is counted from 0."""
        where = "" if row is None else f", row {self.first + row}"
        return f"{self.file}{where}, column {quoted(self.name)}"

    def __str__(self) -> str:
        return f"{self.file}, from row {self.first}"
