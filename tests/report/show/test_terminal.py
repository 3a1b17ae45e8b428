"""The report as text: plain in a pipe, as wide as the terminal, with nothing of the data's own."""

from io import StringIO
from typing import Any

import pytest
from report_helpers import findings as report_findings
from rich.cells import cell_len
from rich.console import Console

from neglog.report.show import to_console


class Ascii(StringIO):
    encoding = "ascii"


def printed(
    findings: dict[str, Any], width: int = 80, language: Any = "en", page: StringIO | None = None
) -> str:
    page = page or StringIO()
    console = Console(file=page, width=width, color_system=None, force_terminal=False)
    console.print(to_console(findings, language))
    return page.getvalue()


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("width", [40, 80])
@pytest.mark.parametrize("made", ["small", "large", "only_the_target", "compared"])
def test_no_line_is_wider_than_the_terminal(made: str, width: int, language: str) -> None:
    text = printed(getattr(report_findings, made)(), width, language)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_the_text_has_the_findings() -> None:
    findings = report_findings.small()
    text = printed(findings)
    nll = findings["loss"]["nll"]
    assert f"{nll['value']:.4f}  ({nll['low']:.4f} to {nll['high']:.4f})" in text
    worst = findings["worst"][0]
    line = next(x for x in text.splitlines() if worst["id"] in x)
    assert f"{worst['nll']:.4f}" in line
    assert worst["text"] in line
    assert "Labels that look wrong" in text
    assert "80 more are in the page and in the JSON." in text


def test_a_narrow_terminal_drops_columns_and_no_digits() -> None:
    findings = report_findings.small()
    first = findings["classes"]["listed"][0]
    wide, narrow = (printed(findings, width).splitlines() for width in (120, 40))
    for lines, seen in ((wide, True), (narrow, False)):
        head = next(k for k, x in enumerate(lines) if x.startswith("class ") and "nll" in x)
        assert ("95 % interval" in lines[head]) == seen
        assert f"{first['nll']['value']:.4f}" in lines[head + 1]


def test_a_pipe_of_few_letters_gets_plain_ones() -> None:
    text = printed(report_findings.large(), page=Ascii())
    assert text.isascii()
    assert '"\\x1b[31mred' in text
    assert "-log p" in text


def test_names_are_cut() -> None:
    text = printed(report_findings.large(), 200)
    assert "x" * 50 not in text
    assert "<script>alert(1)</script>" in text
    assert "\u202e" not in text
