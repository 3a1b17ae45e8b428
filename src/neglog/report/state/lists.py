"""Rows that are listed one by one: the k worst."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..._engine import Array
from .rows import Rows

MOST_LISTED = 100
LONGEST_ID, LONGEST_TEXT = 200, 500  # characters


def entries(rows: Rows, at: Array) -> list[dict[str, Any]]:
    """Plain values of the rows at these places."""
    columns = (rows.row, rows.nll, rows.target, rows.predicted, rows.confidence)
    return [
        {
            "row": row,
            "id": None if rows.ids is None else cut(rows.ids[i], LONGEST_ID),
            "text": None if rows.text is None else cut(rows.text[i], LONGEST_TEXT),
            "nll": nll,
            "target": target,
            "predicted": predicted,
            "p_predicted": confidence,
            "by": {name: coded.values[coded.codes[i]] for name, coded in rows.by.items()},
        }
        for i, row, nll, target, predicted, confidence in zip(
            at.tolist(), *(column[at].tolist() for column in columns), strict=True
        )
    ]


def cut(value: Any, most: int) -> str | None:
    """A value as text of at most so many characters."""
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def order(entry: Mapping[str, Any]) -> tuple[str, int]:
    """Which of two equal rows comes first: by id where there are ids, else by row."""
    return entry["id"] or "", entry["row"]


def foremost(
    entries: Iterable[dict[str, Any]], most: int, key: str = "nll", sign: int = 1
) -> list[dict[str, Any]]:
    """The entries with the largest `key` (sign -1: the smallest), equal ones in their order."""
    ranked = sorted(entries, key=lambda e: (-sign * e[key], *order(e), e.get("token", 0)))
    return ranked[:most]


def moved(entries: Iterable[Mapping[str, Any]], offset: int) -> list[dict[str, Any]]:
    """Entries of a report whose rows come after `offset` others."""
    return [{**entry, "row": entry["row"] + offset} for entry in entries]


def tied_places(rows: Rows, at: Array) -> Array:
    """These places, equal rows in their order."""
    if rows.ids is None:
        return at[np.argsort(rows.row[at], kind="stable")]
    names = [cut(rows.ids[i], LONGEST_ID) or "" for i in at.tolist()]
    return at[sorted(range(len(at)), key=lambda k: (names[k], rows.row[at[k]]))]


def largest(values: Array, least: float, most: int, rows: Rows) -> Array:
    """The places of the largest values (N,), none below `least`; at most `most` of them."""
    at = np.flatnonzero(values >= least)
    if len(at) <= most:
        return at
    least = np.partition(values[at], -most)[-most]
    above = at[values[at] > least]
    tied = tied_places(rows, at[values[at] == least])
    return np.concatenate([above, tied[: most - len(above)]])


class Worst:
    """The rows with the largest nll."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def add(self, rows: Rows) -> None:
        """Add a batch."""
        least = self.entries[-1]["nll"] if len(self.entries) == MOST_LISTED else -np.inf
        self._take(entries(rows, largest(rows.nll, least, MOST_LISTED, rows)))

    def merge(self, other: "Worst", offset: int) -> None:
        """Add the rows of the other, whose numbers begin at `offset`."""
        self._take(moved(other.entries, offset))

    def _take(self, more: list[dict[str, Any]]) -> None:
        self.entries = foremost([*self.entries, *more], MOST_LISTED)

    def findings(self) -> list[dict[str, Any]]:
        """The rows, the worst one first."""
        return [likely(entry) for entry in self.entries]


def likely(entry: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the probability of the predicted class beside the class."""
    found = {**entry, "p": math.exp(-entry["nll"])}
    found["predicted"] = {"class": entry["predicted"], "p": found.pop("p_predicted")}
    return found
