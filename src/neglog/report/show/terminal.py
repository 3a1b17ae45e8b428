"""The report as text, for a terminal or a pipe: from 40 columns on.

What Rich prints is plain where there is no terminal. Rich measures the width of what is written:
고양이 takes six columns. If the output's encoding has no block characters, bars are made of #.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..._show.extras import needs
from ..._show.text import TextOutput
from .parts import Block, Column, Figures, Histogram, Section, Table
from .sections import Content
from .words import Words, count

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.table import Table as Printed
    from rich.text import Text

SHOWN = 10  # rows of a table
NAME, BAR, GAP = 16, 10, 2  # columns of the terminal
_SIDES: dict[str, Literal["left", "right"]] = {"number": "right", "name": "left", "text": "left"}
NARROW = 60  # columns up to which numbers do not stand below each other
# For encodings that have no other signs.
ASCII = str.maketrans({"“": '"', "”": '"', "−": "-", "×": "x", "→": "->", "←": "<-", "Σ": "sum"})


def renderable(content: Content) -> "RenderableType":
    """What Rich prints."""
    with needs("the report in a terminal", "cli"):
        import rich  # noqa: F401
    return _Report(content)


class _Output(TextOutput):
    """A console's output, with plain signs for those that its encoding lacks."""

    def __init__(self, console: "Console", width: int) -> None:
        super().__init__(console.encoding, width)
        self.console = console

    def words(self, text: str, style: str = "") -> "Text":
        return super().words(text if self.has_blocks else text.translate(ASCII), style)


@dataclass(frozen=True)
class _Report:
    """Rich asks for the parts once it knows the width and the encoding."""

    content: Content

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> Iterator["RenderableType"]:
        out = _Output(console, options.max_width)
        content = self.content
        yield out.words(content.headline, "bold")
        for remark in content.remarks:
            yield out.words(remark, "dim")
        if content.short:
            yield out.heading(content.say("short"))
        for _, sentence in content.short:
            yield from _indented(out, sentence)
        for section in content.sections:
            yield from _section(section, out, content.say, "bold cyan")


def _section(
    section: Section, out: "_Output", say: Words, style: str
) -> Iterator["RenderableType"]:
    yield out.words(f"\n{section.title}", style)
    for block in section.blocks:
        yield from _block(block, out, say)
    for part in section.parts:
        yield from _section(part, out, say, "bold")


def _block(block: Block, out: "_Output", say: Words) -> Iterator["RenderableType"]:
    """Sentences, figures, tables and the charts that lines of text can draw."""
    if isinstance(block, str):
        yield out.words(block)
    elif isinstance(block, Figures):
        yield from _figures(block, out)
    elif isinstance(block, Table) and not block.folded:
        yield out.words("")
        yield _table(block, out)
        if len(block.rows) > SHOWN:
            yield out.words(say("more.rows", n=count(len(block.rows) - SHOWN)), "dim")
    elif isinstance(block, Histogram):
        yield from _histogram(block, out)


def _indented(out: "_Output", text: str, style: str = "") -> Iterator["RenderableType"]:
    """A sentence two columns to the right. Rich's own padding would end lines with spaces."""
    for line in out.words(text, style).wrap(out.console, out.width - 2):
        line.rstrip()
        yield out.words("  ").append_text(line)


def _figures(figures: Figures, out: "_Output") -> Iterator["RenderableType"]:
    """A number with its interval, and below it what it means."""
    widest = max(out.words(figure.label).cell_len for figure in figures.entries)
    for figure in figures.entries:
        line = out.words(figure.label)
        line.pad_right(max(widest - line.cell_len, 0) + GAP if out.width > NARROW else GAP)
        line.append_text(out.words(figure.value, "bold"))
        if figure.interval:
            line.append_text(out.words(f"  ({figure.interval})"))
        yield line
        yield from _indented(out, figure.sentence, "dim")


def _table(table: Table, out: "_Output") -> "Printed":
    """The first rows, in as many columns as the width has room for."""
    rows = table.rows[:SHOWN]
    kept = _fitting(table.columns, rows, out)
    heads = [table.columns[j] for j in kept]
    bars = table.fractions if _used(table.columns, rows, kept, out) + BAR <= out.width else ()
    barred = next((k for k, c in enumerate(heads, 1) if c.key == "share"), 0)
    most = max(bars, default=0.0) or 1.0
    labels = [(c.label, _SIDES[c.kind]) for c in heads]
    if bars:
        labels.insert(barred, ("", "left"))
    printed = out.table(*labels)
    for i, cells in enumerate(rows):
        shown = [out.name(cells[j], _width(table.columns[j], rows, j, out)) for j in kept]
        if bars:
            shown.insert(barred, out.words(out.bar(bars[i] / most, BAR)))
        printed.add_row(*shown)
    return printed


def _width(column: Column, rows: Sequence[Sequence[str]], j: int, out: "_Output") -> int:
    """How wide a column is: names are cut."""
    cells = max((out.words(cells[j]).cell_len for cells in rows), default=0)
    if column.kind == "number":
        return cells
    return min(cells, 2 * NAME if column.kind == "text" else NAME)


def _used(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], kept: Sequence[int], out: "_Output"
) -> int:
    """The width that these columns take, their heads included."""
    return sum(
        GAP + max(out.words(columns[j].label).cell_len, _width(columns[j], rows, j, out))
        for j in kept
    )


def _fitting(columns: Sequence[Column], rows: Sequence[Sequence[str]], out: "_Output") -> list[int]:
    """The columns that every table needs, and of the spare ones those that fit: text first."""
    kept = [j for j, column in enumerate(columns) if not column.spare]
    for j, column in sorted(enumerate(columns), key=lambda one: one[1].key != "text"):
        if column.spare and _used(columns, rows, [*kept, j], out) <= out.width:
            kept.append(j)
    return sorted(kept)


def _histogram(chart: Histogram, out: "_Output") -> Iterator["RenderableType"]:
    """Two curves above each other: the rows, and what they cost."""
    first, last = f"{chart.bins[0][0]:.2g}", f"{chart.bins[-1][1]:.2g}"
    wide = max(1, -(-len(chart.bins) // (out.width - len(first) - len(last) - 2)))
    yield out.words(f"\n{chart.axis}")
    for label, at in ((chart.up, 2), (chart.down, 3)):
        heights = [
            sum(one[at] for one in chart.bins[k : k + wide])
            for k in range(0, len(chart.bins), wide)
        ]
        most = max(heights) or 1.0
        yield out.words(f"{first} {out.curve([h / most for h in heights])} {last}")
        yield out.words(f"{' ' * len(first)} {label}", "dim")
