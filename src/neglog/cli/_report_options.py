"""The options of `neglog report`; what they mean is in _report.py."""

import argparse
from pathlib import Path

from neglog._show.language import LANGUAGES

EPILOG = """\
exit codes:
  0    the report was made
  2    bad input or usage: one message says what, and where
  3    a condition of --fail-if holds
  130  interrupted; no output is left half written

examples:
  neglog report predictions.parquet
  neglog report predictions.csv --by lang --html report.html --json report.json
  neglog report 'parts/*.parquet' --by lang --fail-if 'slice[lang=ko].nll > 0.5'
  neglog report old.parquet new.parquet --fail-if 'difference.low > 0'
  neglog report part1.json part2.json --merge --html report.html
"""
FILES = """\
Parquet, Arrow or Feather, CSV, TSV, NDJSON (these three also as .gz), NPZ, NPY; a folder or a
quoted pattern of them; - is standard input. Two files are compared row by row."""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "where a model loses its likelihood, and why, from a file of predictions"
    report = commands.add_parser(
        "report",
        help=summary,
        description=f"{summary.capitalize()}.",
        usage="%(prog)s FILE [options]\n"
        "       %(prog)s FILE FILE [options]\n"
        "       %(prog)s STATE... --merge [options]",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    report.set_defaults(command=_report)
    report.add_argument("files", nargs="+", metavar="FILE", help=FILES)
    _add_columns(report)
    _add_outputs(report)
    _add_checks(report)


def _add_columns(report: argparse.ArgumentParser) -> None:
    group = report.add_argument_group(
        "columns", "Without these options, usual names are recognised, and a line says which."
    )
    group.add_argument(
        "--logits",
        metavar="COLUMNS",
        help="the predictions: columns, by name or as 'logit_*', or one column of lists",
    )
    group.add_argument("--target", metavar="COLUMN", help="the true class, by name or number")
    group.add_argument(
        "--kind",
        choices=("auto", "logits", "log-probabilities", "probabilities"),
        default="auto",
        help="what the predictions are (default: the first rows tell)",
    )
    for option, what in (
        ("--weight", "the weight of a row"),
        ("--id", "the name of a row, shown with the worst rows"),
        ("--text", "a text shown with the worst rows"),
        ("--bytes", "the length of what was predicted, for bits per byte"),
    ):
        group.add_argument(option, metavar="COLUMN", help=what)
    for option, what in (
        ("--by", "a column by whose values the loss is taken apart; can be repeated"),
        ("--ignore", "a column, or columns such as 'meta_*', to leave out; can be repeated"),
    ):
        group.add_argument(option, action="append", default=[], metavar="COLUMN", help=what)
    group.add_argument(
        "--logprob",
        metavar="COLUMN",
        help="instead of all logits, the log-probability of what came: a number, or a list of a"
        " text's tokens",
    )
    group.add_argument(
        "--top", metavar="COLUMN", help="with --logprob: the largest log-probabilities"
    )


def _add_outputs(report: argparse.ArgumentParser) -> None:
    group = report.add_argument_group(
        "output", "Without --html, --json and --save, the terminal shows the report."
    )
    group.add_argument("--html", type=Path, metavar="FILE", help="write one page")
    group.add_argument(
        "--json", metavar="FILE", help="write the findings as JSON; - is standard output"
    )
    group.add_argument(
        "--save", type=Path, metavar="FILE", help="write the state, which --merge reads"
    )
    group.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the language (default: %(default)s)"
    )
    group.add_argument("--force", action="store_true", help="replace files that exist")


def _add_checks(report: argparse.ArgumentParser) -> None:
    group = report.add_argument_group("in a pipeline")
    group.add_argument(
        "--merge",
        action="store_true",
        help="the files are states of parts of the rows, in their order",
    )
    group.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="exit with 3 if it holds, such as 'nll > 0.35' or 'class[cat].accuracy < 0.9';"
        " can be repeated",
    )
    group.add_argument(
        "--strict",
        action="store_true",
        help="refuse rows with a missing or infinite number, which are otherwise counted and left"
        " out",
    )


def _report(options: argparse.Namespace) -> int:
    from neglog._show.extras import needs

    with needs("the report", "cli"):
        from neglog.cli import _report

    return _report.run(options)
