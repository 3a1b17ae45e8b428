"""What a report consists of, whoever shows it: sections of sentences, figures, tables and charts.

Every string in here may hold text from the data: names are cut and have no control characters, and
what shows them escapes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Span:
    """A number with its interval; both ends are nan where there is none."""

    value: float
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class Figure:
    """One number and what it means. The key is its word in the glossary."""

    key: str
    label: str
    value: str
    interval: str
    sentence: str


@dataclass(frozen=True)
class Figures:
    """Numbers that are read one after the other."""

    entries: Sequence[Figure]


@dataclass(frozen=True)
class Column:
    """A column of a table. `spare`: left out where there is no room for all."""

    key: str
    label: str
    kind: Literal["name", "number", "text"] = "number"
    spare: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells; `fractions` (0..1) become bars in the column of shares."""

    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    fractions: Sequence[float] = ()
    room: int = 30_000  # bytes in a page
    folded: bool = False  # what a chart shows already


@dataclass(frozen=True)
class Bars:
    """A bar per name from 0 to its value, with an interval; `mark` is a line across all of them."""

    title: str
    axis: str
    alt: str
    lines: Sequence[tuple[str, Span, str]]
    mark: tuple[str, float] | None = None


@dataclass(frozen=True)
class Steps:
    """Bars that begin where the last one ended."""

    title: str
    axis: str
    alt: str
    lines: Sequence[tuple[str, float, float, str]]  # label, from, to, value


@dataclass(frozen=True)
class Histogram:
    """Bins on a logarithmic axis: the share of the rows upwards, that of the nll downwards."""

    title: str
    axis: str
    up: str
    down: str
    alt: str
    bins: Sequence[tuple[float, float, float, float]]  # from, to, up, down
    marks: Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Stacks:
    """Bars of the same length, each divided into the same two parts."""

    title: str
    alt: str
    parts: tuple[str, str]
    lines: Sequence[tuple[str, float, str]]  # label, the first part's share, its text


@dataclass(frozen=True)
class Reliability:
    """Accuracy by confidence, with a band."""

    title: str
    x: str
    y: str
    perfect: str
    alt: str
    points: Sequence[tuple[float, Span]]


@dataclass(frozen=True)
class Scale:
    """A value on a logarithmic axis with what lies to the left and to the right."""

    title: str
    axis: str
    left: str
    right: str
    alt: str
    span: Span
    ends: tuple[float, float]


Chart = Bars | Steps | Histogram | Stacks | Reliability | Scale
Block = str | Figures | Table | Chart


@dataclass(frozen=True)
class Section:
    """A heading, and what is under it; a str among the blocks is a sentence."""

    key: str
    title: str
    blocks: Sequence[Block]
    parts: Sequence["Section"] = field(default_factory=tuple)
