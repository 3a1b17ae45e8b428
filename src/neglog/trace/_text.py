"""The explanation as text, for a terminal or a pipe.

Rich measures the width of what is written: 고양이 takes six columns. If the output's encoding has
no block characters, bars are made of # and names are escaped to ASCII.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from .._show.extras import needs
from .._show.language import Language, Sentences
from .._show.text import TextOutput
from ._words import words
from .likelihood.likelihood import Likelihood
from .likelihood.text import likelihood_text
from .softmax.rows import Rows
from .softmax.text import rows_text

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType


def text(subject: Rows | Likelihood, width: int, lang: Language) -> str:
    """The explanation without colour and control characters, no line longer than `width`."""
    explanation = renderable(subject, lang)
    from rich.console import Console

    page = StringIO()
    screen = Console(file=page, width=width, color_system=None, force_terminal=False)
    screen.print(explanation)
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def renderable(subject: Rows | Likelihood, lang: Language) -> "RenderableType":
    """What Rich prints."""
    say = words(subject, lang)
    with needs("the text", "cli"):
        import rich  # noqa: F401
    return _Explanation(subject, say)


@dataclass(frozen=True)
class _Explanation:
    """Rich asks for the parts once it knows the encoding."""

    subject: Rows | Likelihood
    say: Sentences

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> Iterator["RenderableType"]:
        out = TextOutput(console.encoding, options.max_width)
        if isinstance(self.subject, Rows):
            yield from rows_text(self.subject, out, self.say)
        else:
            yield from likelihood_text(self.subject, out, self.say)
