"""The terminal: 80 columns, and plain text where colour is unwanted or unsupported."""

import os
import sys
from typing import Any

from numpy.typing import NDArray
from rich.console import Console
from rich.text import Text

from .text import TextOutput, has_blocks

WIDTH = 80
SHADES = " ░▒▓█"
ASCII_SHADES = " .:*@"


class _Screen(Console):
    def on_broken_pipe(self) -> None:
        """Raise, so that the caller chooses the exit code; Rich would exit with 1."""
        raise BrokenPipeError


def console(stderr: bool = False) -> Console:
    """A console that writes control characters to a terminal only, and not under NO_COLOR."""
    stream = sys.stderr if stderr else sys.stdout
    lively = (
        stream.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") not in ("dumb", "unknown")
    )
    screen = _Screen(
        stderr=stderr,
        force_terminal=lively,
        color_system="auto" if lively else None,
        force_interactive=lively,
        highlight=False,
        emoji=False,
        markup=False,
    )
    screen.width = min(screen.width, WIDTH) if lively else WIDTH
    return screen


def title(screen: Console, text: str) -> None:
    """Print a heading with an empty line above it."""
    screen.print()
    screen.print(text, style="bold cyan")


def draw(image: NDArray[Any], screen: Console) -> Text:
    """An image of values 0..1 (H, W), two columns per pixel: greys, or shades, or ASCII."""
    return Text("\n").join(Text.assemble(*(_pixel(v, screen) for v in row)) for row in image)


def _pixel(value: float, screen: Console) -> tuple[str, str]:
    if screen.color_system in ("256", "truecolor"):
        return "  ", f"on color({232 + round(float(value) * 23)})"
    shades = SHADES if has_blocks(screen.encoding) else ASCII_SHADES
    return 2 * shades[round(float(value) * (len(shades) - 1))], ""


def bar(fraction: float, width: int, screen: Console) -> str:
    """A bar of `fraction` (0..1) of the width."""
    return TextOutput(screen.encoding, screen.width).bar(float(fraction), width)
