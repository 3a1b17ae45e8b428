"""The progress of a report: a line on a terminal, nothing in a pipe."""

import io
from typing import Any

import pytest

pytest.importorskip("rich", reason="needs the extra cli")

from rich.console import Console

from neglog.cli import _progress
from neglog.cli._progress import Progress


@pytest.fixture(name="clock")
def clock_fixture(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that stands still until it is set."""
    now = [100.0]
    monkeypatch.setattr(_progress, "monotonic", lambda: now[0])

    def to(seconds: float) -> None:
        now[0] = 100.0 + seconds

    return to


def screen(width: int = 80, lively: bool = True) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=lively, color_system=None)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_rows_a_second_and_the_time_left(clock: Any) -> None:
    terminal = screen()
    with Progress(terminal) as progress:
        clock(0.4)
        progress(4_000, 0.001)
        assert printed(terminal) == "", "too early"
        clock(100)
        progress(1_000_000, 0.25)
    assert " 25%  1,000,000 rows, 10,000 rows/s, 5:00 left" in printed(terminal)
    assert printed(terminal).count("rows/s") <= 2, "once more when it ends"
    assert printed(terminal).endswith("\x1b[?25h\r\x1b[1A\x1b[2K"), "the line is wiped"


def test_not_more_often_than_the_eye_sees(clock: Any) -> None:
    terminal = screen()
    with Progress(terminal) as progress:
        for k in range(1000):
            clock(10 + k / 1000)
            progress(k, 0.5)
    assert printed(terminal).count("rows/s") == pytest.approx(10, abs=1)


@pytest.mark.parametrize("width", [80, 60, 50, 40, 20])
@pytest.mark.parametrize("part", [None, 0.0, 0.004, 0.5, 1.0])
def test_one_line_of_any_width(width: int, part: float | None, clock: Any) -> None:
    progress = Progress(screen(width))
    progress(123_456_789, part)
    line = progress.picture(seconds=77)
    assert line.plain.startswith(("█", "▏", " ", "123,456,789", "0%", "50%", "100%"))
    (shown,) = screen(width).render_lines(line, pad=False)
    assert sum(segment.cell_length for segment in shown) <= width


@pytest.mark.parametrize(
    ("seconds", "part", "left"),
    [(10, 0.5, "0:10 left"), (1, 0.0001, "2:46:39 left"), (5, 1, "0:00")],
)
def test_the_time_left(seconds: float, part: float, left: str) -> None:
    progress = Progress(screen())
    progress(10, part)
    assert left in progress.picture(seconds).plain


def test_nothing_in_a_pipe(clock: Any) -> None:
    pipe = screen(lively=False)
    with Progress(pipe) as progress:
        clock(9)
        progress(5, 0.5)
    assert printed(pipe) == ""
    assert progress.so_far() == "5 rows (50% of the input)"
    assert Progress(pipe).so_far() == "0 rows"


def test_an_interruption_wipes_the_line(clock: Any) -> None:
    terminal = screen()

    def interrupted() -> None:
        with Progress(terminal) as progress:
            clock(9)
            progress(1, 0.5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert printed(terminal).endswith("\x1b[2K")
