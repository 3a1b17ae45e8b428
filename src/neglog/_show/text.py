"""Words, bars and tables with what the output's encoding has."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = " ▁▂▃▄▅▆▇█"
ASCII_LEVELS = " _.-~=+*#"


class Pen:
    """Rich's tables see to widths; this sees to letters, which a pipe may not have."""

    def __init__(self, encoding: str, width: int) -> None:
        self.encoding = encoding
        self.width = width
        self.has_blocks = encoding.lower().replace("-", "").startswith("utf")

    def words(self, text: str, style: str = "") -> "Text":
        """A text as it is: no markup, nothing that cannot be encoded."""
        from rich.text import Text

        written = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
        return Text(written, style=style)

    def name(self, text: str, width: int, style: str = "") -> "Text":
        """A name of at most so many columns."""
        name = self.words(text, style)
        if name.cell_len > width:
            dots = "…" if self.has_blocks else "..."
            name.truncate(width - len(dots), overflow="crop")
            name.rstrip()  # half of a wide letter was left
            name.append(dots)
        return name

    def heading(self, text: str) -> "Text":
        """With an empty line above it."""
        return self.words(f"\n{text}", "bold cyan")

    def bar(self, part: float, width: int) -> str:
        """A bar of `part` (0..1) of the width, to the eighth of a column; nan has none."""
        if math.isnan(part):
            return ""
        part = min(max(part, 0.0), 1.0)
        if not self.has_blocks:
            return "#" * round(part * width)
        whole, eighths = divmod(round(part * width * 8), 8)
        return EIGHTHS[-1] * whole + EIGHTHS[eighths].strip()

    def curve(self, heights: Sequence[float]) -> str:
        """A line of columns, each of a height from 0 to 1."""
        levels = LEVELS if self.has_blocks else ASCII_LEVELS
        return "".join(levels[round(height * (len(levels) - 1))] for height in heights)

    def table(self, *columns: tuple[str, Literal["left", "right"]]) -> "Table":
        """Columns without lines between them; what has no room goes on below, no digit is lost."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for header, side in columns:
            table.add_column(self.words(header), justify=side, overflow="fold")
        return table
