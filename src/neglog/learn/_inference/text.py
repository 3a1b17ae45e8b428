"""A summary as text, 80 columns wide."""

import textwrap
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from ..._show.words import printable, short

if TYPE_CHECKING:
    from .table import Coefficient, Summary

WIDTH = 80
NAME = 22  # columns
MOST_ROWS = 60
HEADER = ("coef", "se", "z", "p", "low", "high")
WIDTHS = (11, 11, 8, 8, 10, 10)


def as_text(summary: "Summary") -> str:
    """The numbers of the model, notes, and a row for each coefficient below its class."""
    shown = summary.rows[:MOST_ROWS]
    lines = [*_head(summary), "", _line("", HEADER)]
    for row, before in zip(shown, [None, *shown], strict=False):
        if before is None or row.class_ != before.class_:
            lines.append(_name(row.class_, WIDTH))
        lines.append(_line(f"  {_name(row.feature, NAME - 2)}", _cells(row)))
    more = len(summary.rows) - len(shown)
    if more:
        lines.append(f"... and {more:,} more coefficients: see rows or to_dict()")
    return "\n".join(lines)


def _head(summary: "Summary") -> list[str]:
    errors = "robust (sandwich, HC0)" if summary.robust else "model-based"
    lines = [
        f"{summary.num_rows:,.10g} rows, {summary.num_classes:,} classes, against class "
        + _name(summary.reference, 30),
        f"log-likelihood  {short(summary.log_likelihood):>12}   with no feature "
        f"{short(summary.null_log_likelihood):>12}   pseudo-R2 {short(summary.pseudo_r2)}",
        f"LR chi2({summary.df:,}) {short(summary.lr)}, p {probability(summary.p)}   "
        f"AIC {short(summary.aic)}   BIC {short(summary.bic)}",
        f"standard errors: {errors}; low and high: {100 * summary.level:g} % intervals",
    ]
    for note in summary.notes:
        lines += textwrap.wrap(f"Note: {note}.", WIDTH, subsequent_indent="      ")
    return lines


def _cells(row: "Coefficient") -> tuple[str, ...]:
    z = f"{row.z:.2f}" if abs(row.z) < 1e4 else f"{row.z:.1e}"
    return (
        short(row.coef),
        short(row.se),
        z,
        probability(row.p),
        short(row.low),
        short(row.high),
    )


def probability(p: float) -> str:
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def _line(name: str, cells: tuple[str, ...]) -> str:
    padded = name + " " * (NAME - _columns(name))
    return padded + "".join(f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS, strict=True))


def _name(name: object, most: int) -> str:
    """At most so many columns of a terminal, the last one an ellipsis if any are cut."""
    text = printable(str(name))
    if _columns(text) <= most:
        return text
    while _columns(text) > most - 1:
        text = text[:-1]
    return f"{text}…"


def _columns(text: str) -> int:
    """Columns that a terminal takes for it: two for each wide letter."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)
