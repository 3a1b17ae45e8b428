"""How far the reading of a file is: rows, rows per second, time left, on a terminal alone."""

import os
from contextlib import suppress
from time import monotonic
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from neglog._show.terminal import bar, console

PATIENCE = 0.5  # seconds before anything is shown
PAUSE = 0.1  # seconds between two pictures
WIDEST = 30  # columns of the bar


class Progress:
    """Called with the rows so far and the share of the source that they are, if that is known.

    Standard error shows it while the block runs, if it is a terminal; nothing is left there.
    """

    def __init__(self, screen: Console | None = None) -> None:
        self.rows = 0
        self.part: float | None = None
        self._screen = screen or console(stderr=True)
        lively = self._screen.is_terminal
        self._live: Any = None
        if lively:
            self._live = Live(console=self._screen, transient=True, auto_refresh=False)
        self._start = monotonic()
        self._next = self._start + PATIENCE

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._live is not None and self._live.is_started:
            self._live.stop()

    def __call__(self, rows: int, part: float | None) -> None:
        """So many rows were read in all."""
        self.rows, self.part = rows, part
        now = monotonic()
        if self._live is None or now < self._next:
            return
        self._next = now + PAUSE
        self._fit()
        if not self._live.is_started:
            self._live.start()
        self._live.update(self.picture(now - self._start), refresh=True)

    def _fit(self) -> None:
        """The terminal may have become narrower; Rich's width is fixed when it is made."""
        with suppress(OSError):
            columns = os.get_terminal_size(self._screen.file.fileno()).columns
            self._screen.width = min(columns, self._screen.width)

    def picture(self, seconds: float) -> Text:
        """The line after so many seconds; where it is narrow, the bar gives way."""
        words = [f"{self.rows:,} rows", f"{self.rows / seconds:,.0f} rows/s"]
        if not self.part:
            return _one_line(", ".join(words))
        words += [f"{_clock(seconds / self.part - seconds)} left"]
        text = f"{self.part:4.0%}  {', '.join(words)}"
        width = min(self._screen.width - len(text) - 2, WIDEST)
        if width < 4:
            return _one_line(text.strip())
        return _one_line(f"{bar(self.part, width, self._screen):{width}} {text}")

    def so_far(self) -> str:
        """For a message: "12,000 rows (45 % of the input)"."""
        share = f" ({self.part:.0%} of the input)" if self.part else ""
        return f"{self.rows:,} row{'s' * (self.rows != 1)}{share}"


def _one_line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _clock(seconds: float) -> str:
    """1:02:03 or 2:03."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
