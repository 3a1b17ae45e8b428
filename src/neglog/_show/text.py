"""Text, bars and tables limited to the characters and the width of the output."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

EIGHTHS = " ▏▎▍▌▋▊▉█"
LEVELS = " ▁▂▃▄▅▆▇█"
ASCII_LEVELS = " _.-~=+*#"


def has_blocks(encoding: str) -> bool:
    """Whether an encoding has block characters."""
    return encoding.lower().replace("-", "").startswith("utf")


class TextOutput:
    """An output of one encoding and one width.

    Rich fits tables to the width; this class replaces characters that the encoding lacks.
    """

    def __init__(self, encoding: str, width: int) -> None:
        self.encoding = encoding
        self.width = width
        self.has_blocks = has_blocks(encoding)

    def words(self, text: str, style: str = "") -> "Text":
        """Plain text: no markup; characters that cannot be encoded are escaped."""
        from rich.text import Text

        written = text.encode(self.encoding, "backslashreplace").decode(self.encoding)
        return Text(written, style=style)

    def name(self, text: str, width: int, style: str = "") -> "Text":
        """A name of at most `width` columns."""
        name = self.words(text, style)
        if name.cell_len > width:
            dots = "…" if self.has_blocks else "..."
            name.truncate(width - len(dots), overflow="crop")
            name.rstrip()  # half of a wide letter was left
            name.append(dots)
        return name

    def heading(self, text: str) -> "Text":
        """A heading with an empty line above it."""
        return self.words(f"\n{text}", "bold cyan")

    def bar(self, fraction: float, width: int) -> str:
        """A bar of `fraction` (0..1) of the width, to an eighth of a column; nan has no bar."""
        if math.isnan(fraction):
            return ""
        fraction = min(max(fraction, 0.0), 1.0)
        if not self.has_blocks:
            return "#" * round(fraction * width)
        whole, eighths = divmod(round(fraction * width * 8), 8)
        return EIGHTHS[-1] * whole + EIGHTHS[eighths].strip()

    def curve(self, heights: Sequence[float]) -> str:
        """One column per height, from 0 to 1."""
        levels = LEVELS if self.has_blocks else ASCII_LEVELS
        return "".join(levels[round(height * (len(levels) - 1))] for height in heights)

    def table(self, *columns: tuple[str, Literal["left", "right"]]) -> "Table":
        """A table without rules; long cells continue on the next line, so no digit is lost."""
        from rich.table import Table

        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        for header, side in columns:
            table.add_column(self.words(header), justify=side, overflow="fold")
        return table
