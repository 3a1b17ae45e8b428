"""The findings as text, for a terminal or a pipe: from 40 columns on."""

from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING

from ..._show.extras import needs
from ..._show.language import Language
from ..._show.text import TextOutput
from .words import Words

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

    from ..findings import Finding, Findings

STYLES = {"wrong": "bold red", "fragile": "bold yellow", "imprecise": "bold blue"}
GAP = 2  # columns between a label and what it labels


def plain_text(findings: "Findings", width: int, lang: Language) -> str:
    """The text without colour and control characters, no line longer than `width`."""
    printed = renderable(findings, lang)
    from rich.console import Console

    page = StringIO()
    Console(file=page, width=width, color_system=None, force_terminal=False).print(printed)
    return "".join(f"{line.rstrip()}\n" for line in page.getvalue().splitlines())


def renderable(findings: "Findings", lang: Language = "en") -> "RenderableType":
    """What Rich prints."""
    with needs("the text", "cli"):
        import rich  # noqa: F401
    return _Text(findings, Words(lang))


@dataclass(frozen=True)
class _Text:
    """Rich asks for the parts once it knows the width and the encoding."""

    findings: "Findings"
    say: Words

    def __rich_console__(
        self, console: "Console", options: "ConsoleOptions"
    ) -> Iterator["RenderableType"]:
        out = TextOutput(console.encoding, options.max_width)
        found, say = self.findings, self.say
        yield out.words(say.headline(found), "bold")
        for finding in found:
            yield from _finding(finding, out, say, console)
        if found.findings or found.remarks:
            yield out.words("")
        for remark in say.remarks(found):
            yield out.words(remark, "dim")
        yield out.words(say.calls(found), "dim")


def _finding(
    finding: "Finding", out: TextOutput, say: Words, console: "Console"
) -> Iterator["RenderableType"]:
    yield out.words("")
    head = out.words(say.grade(finding), STYLES[finding.grade])
    yield head.append_text(out.words(f"  {finding.code}", "bold"))
    yield from _indented("", say.sentence(finding), out, console)
    lines = [
        (say("row"), say.row(finding.row)),
        (say("expected"), say.result(finding.expected)),
        (say("got"), say.result(finding.got)),
        (say("mend"), say.fix(finding)),
    ]
    widest = max(out.words(label).cell_len for label, _ in lines)
    for label, text in lines:
        padded = label + " " * (widest - out.words(label).cell_len + GAP)
        yield from _indented(padded, text, out, console)


def _indented(
    label: str, text: str, out: TextOutput, console: "Console"
) -> Iterator["RenderableType"]:
    """A label and a text beside it, two columns to the right; later lines stand below the text."""
    first = out.words(f"  {label}", "dim")
    indent = first.cell_len
    room = max(out.width - indent, 10)
    for number, line in enumerate(out.words(text).wrap(console, room)):
        line.rstrip()
        start = first if number == 0 else out.words(" " * indent)
        yield start.append_text(line)
