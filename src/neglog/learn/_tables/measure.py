"""What the columns of a table hold, counted part by part, and what follows for each column."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from neglog._engine import Array
from neglog._read.doubts import UNNAMED, doubt_by_name
from neglog._read.tables.features import Dates, Feature, Texts
from neglog._read.values import quoted, quoted_list

from .recipe import OneHot, Recipe, Scaled, kind_of

MOST_CATEGORIES = 1000  # of a column of texts
TIMES = {"date", "datetime", "time", "timestamp"}  # usual names of an index that are features, too


@dataclass
class Measure:
    """One column: its mean and deviation, or how often each text came."""

    name: str
    kind: str  # number, date or text
    rows: int = 0
    missing: int = 0
    mean: float = 0.0
    squares: float = 0.0  # sum of (x - mean)^2
    counts: bool = True  # whether every number is the one before it plus 1
    last: float = np.nan
    texts: Counter[str] = field(default_factory=Counter)

    def add(self, column: Feature) -> None:
        """Count more rows.

        Raises:
            ValueError: they hold something else than the rows before.
        """
        if kind_of(column) != self.kind:
            raise ValueError(
                f"column {quoted(self.name)} holds {self.kind}s, and further on {kind_of(column)}s:"
                " make it one type"
            )
        if isinstance(column, Texts):
            self._add_texts(column)
        else:
            self._add_numbers(column.days if isinstance(column, Dates) else column)

    def _add_texts(self, column: Texts) -> None:
        counts = np.bincount(column.codes + 1, minlength=len(column.values) + 1)
        self.rows += len(column.codes)
        self.missing += int(counts[0])
        for value, count in zip(column.values, counts[1:].tolist(), strict=True):
            if count:
                self.texts[value] += count

    def _add_numbers(self, values: Array) -> None:
        known = values[~np.isnan(values)]
        if self.counts and len(values):
            steps = np.diff(values, prepend=values[0] - 1 if self.rows == 0 else self.last)
            self.counts, self.last = bool((steps == 1).all()), float(values[-1])
        before, more = self.rows - self.missing, len(known)
        self.rows += len(values)
        self.missing += len(values) - more
        if more:  # as Chan, Golub and LeVeque merge two means and two sums of squares
            mean = float(known.mean())
            away, both = mean - self.mean, before + more
            self.squares += float(np.square(known - mean).sum()) + away**2 * before * more / both
            self.mean += away * more / both

    @property
    def scale(self) -> float:
        """The standard deviation, that of scikit-learn's StandardScaler."""
        return float(np.sqrt(self.squares / max(self.rows - self.missing, 1)))

    @property
    def is_constant(self) -> bool:
        """Whether all rows hold one value, up to the rounding of the mean."""
        if self.kind == "text":
            return len(self.texts) + (self.missing > 0) == 1
        return not self.missing and self.scale <= 1e-9 * abs(self.mean)

    def is_id(self) -> str:
        """Why this names the row instead of telling something about it; empty if it does not."""
        doubt = doubt_by_name(self.name)
        named = doubt is not None and doubt.option == "--id" and self.name.lower() not in TIMES
        if named or UNNAMED.fullmatch(self.name.lower()):
            return "a name for an index"
        if self.kind == "number" and self.counts and self.rows > 2:
            return "it counts the rows"
        if self.kind == "text" and len(self.texts) == self.rows > 2:
            return "another text in each row"
        return ""

    def refused(self) -> str:
        """Why this can be no feature; empty if it can."""
        if self.missing == self.rows:
            return "empty in every row"
        if len(self.texts) > MOST_CATEGORIES:
            most = f"at most {MOST_CATEGORIES:,} are categories"
            return f"{len(self.texts):,} different texts, and {most}"
        return ""


def add(measures: dict[str, Measure], columns: Mapping[str, Feature]) -> None:
    """Count more rows of a table."""
    for name, column in columns.items():
        if name not in measures:
            measures[name] = Measure(name, kind_of(column))
        measures[name].add(column)


def decide(
    measures: Mapping[str, Measure],
    named: bool,
    way_out: Callable[[Sequence[str]], str],
    target: str | None = None,
) -> Recipe:
    """The features that these columns become.

    Args:
        measures: of each column.
        named: whether the caller has named the columns; ids are features then, too.
        way_out: how to leave these columns out, for the message.
        target: the column of the classes.

    Raises:
        ValueError: a column can be no feature, or none is left.
    """
    ids = {} if named else {name: why for name, m in measures.items() if (why := m.is_id())}
    rest = [m for name, m in measures.items() if name not in ids]
    refused = {m.name: why for m in rest if (why := m.refused())}
    if refused:
        listed = [f"{quoted(name)}: {why}" for name, why in refused.items()]
        raise ValueError(
            "\n  ".join(["some columns can be no features", *listed, way_out(list(refused))])
        )
    constant = [m.name for m in rest if m.is_constant]
    used = [m for m in rest if not m.is_constant]
    if not used:
        raise ValueError(
            "no column is left as a feature"
            + (f": {quoted_list(constant)} never change" if constant else "")
        )
    return Recipe(
        tuple(
            Scaled(m.name, m.mean, m.scale or 1.0, m.missing > 0, m.kind)
            for m in used
            if m.kind != "text"
        ),
        tuple(
            OneHot(m.name, tuple(sorted(m.texts)), m.missing > 0) for m in used if m.kind == "text"
        ),
        target,
        tuple(_notes(used, constant, ids)),
    )


def _notes(used: Sequence[Measure], constant: Sequence[str], ids: Mapping[str, str]) -> list[str]:
    """What was decided, a line each."""
    by_kind = {kind: [m for m in used if m.kind == kind] for kind in ("number", "date", "text")}
    notes = []
    if by_kind["number"]:
        notes.append(f"numbers, scaled: {_listed(m.name for m in by_kind['number'])}")
    if by_kind["date"]:
        notes.append(f"dates, as days since 1970: {_listed(m.name for m in by_kind['date'])}")
    if by_kind["text"]:
        counted = (f"{m.name} ({len(m.texts):,})" for m in by_kind["text"])
        notes.append(f"categories, one-hot: {_listed(counted)}")
    gaps = [f"{m.name} ({m.missing / m.rows:.1%})" for m in used if m.missing]
    if gaps:
        notes.append(f"missing values, each a feature of its own: {_listed(gaps)}")
    if constant:
        notes.append(f"left out, the same in every row: {_listed(constant)}")
    notes += [f"left out, {why}: {name}" for name, why in ids.items()]
    return notes


def _listed(names: Iterable[str], most: int = 12) -> str:
    given = list(names)
    more = f" and {len(given) - most} more" if len(given) > most else ""
    return ", ".join(given[:most]) + more
