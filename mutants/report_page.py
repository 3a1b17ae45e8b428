"""Bugs in what shows a report: a page that the data write, and pages of any size."""

from mutants.catalogue import Mutant

SHOW = "src/neglog/report/show"
TABLES, WORDS = f"{SHOW}/page/tables.py", f"{SHOW}/words.py"
COMPARISON = f"{SHOW}/sections/comparison.py"

REPORT_PAGE = (
    Mutant(
        "report: cells of the data are markup",
        TABLES,
        "<{tag}>{escape(cell)}",
        "<{tag}>{cell}",
        ("report/show/test_page_html",),
    ),
    Mutant(
        "report: names keep their control characters",
        WORDS,
        "printable(flat[: most + 1])",
        "flat[: most + 1]",
        ("report/show/test_terminal",),
    ),
    Mutant(
        "report: tables of any size",
        TABLES,
        "left -= len(row.encode())",
        "left -= 0",
        ("report/show/test_page_html",),
    ),
    Mutant(
        "report: the interval of a better model is upside down",
        COMPARISON,
        "Span(-gap.value, -gap.high, -gap.low)",
        "Span(-gap.value, -gap.low, -gap.high)",
        ("report/show/test_page_html",),
    ),
)
