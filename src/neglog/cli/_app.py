"""The command line. A command imports what it needs when it runs, so that --help is fast.

argparse, because `neglog --help` must answer within 150 ms, of which Python and NumPy take 80:
the help of a small command took argparse 12 ms, Typer 52 (130 with Rich's markup, and about 70
more to run a command if pydantic is installed), Cyclopts 106 (138).
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neglog import __version__
from neglog._show.extras import needs
from neglog._show.language import LANGUAGES
from neglog.cli import _check, _exercises, _fit_options, _report_options
from neglog.cli._files import free_name, writable
from neglog.cli._mistakes import EXAMPLES, not_a_command

# Options whose lists can begin with a negative number.
LISTS = ("--logits", "--data")


def joined(arguments: Sequence[str]) -> list[str]:
    """`--logits -1,2` as `--logits=-1,2`: argparse takes -1,2 for an option."""
    joined: list[str] = []
    for argument in arguments:
        negative = argument.startswith("-") and not argument.startswith(("--", "-h"))
        if joined and joined[-1] in LISTS and negative:
            joined[-1] += f"={argument}"
        else:
            joined.append(argument)
    return joined


class _Parser(argparse.ArgumentParser):
    """argparse, with more help for a wrong command than "invalid choice"."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, argparse._SubParsersAction) and value not in action.choices:
            raise ValueError(not_a_command(value, action.choices))
        super()._check_value(action, value)


def parser() -> argparse.ArgumentParser:
    """The whole command line; `command` in the parsed options is the function to call."""
    whole: argparse.ArgumentParser = _Parser(
        prog="neglog",
        description="The negative log-likelihood of a softmax: watch it being minimised, see how "
        "it is computed, and find where a model loses it.",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="version", version=f"neglog {__version__}")
    whole.set_defaults(command=None)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    _add_demo(commands)
    _add_explain(commands)
    _report_options.add(commands)
    _check.add(commands)
    _fit_options.add(commands)
    _exercises.add(commands)
    return whole


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "learn handwritten digits, and show which ones cost the most"
    demo = commands.add_parser("demo", help=summary, description=summary, allow_abbrev=False)
    demo.set_defaults(command=_demo)
    demo.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the figure, PNG (default: neglog-demo.png, or the next free name)",
    )
    demo.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="also write the held-out digits' logits, Parquet, for neglog report",
    )
    demo.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _demo(options: argparse.Namespace) -> None:
    output = options.output or free_name(Path("neglog-demo.png"))
    writable(output, options.force)
    if options.predictions is not None:
        writable(options.predictions, options.force, "--predictions")
    with needs("the demo", "cli"):
        from neglog.cli import demo

    demo.run(output, options.predictions)


def _add_explain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "show every step from logits to probabilities, loss and gradient"
    explain = commands.add_parser(
        "explain",
        help=summary,
        description=f"{summary.capitalize()}, each number computed in four ways.",
        usage="%(prog)s --logits 5,4 --target cat --names cat,dog [options]\n"
        "       %(prog)s --row N FILE [--target COLUMN] [--logits COLUMNS] [options]\n"
        "       %(prog)s likelihood --data 1,2,3 --normal orange=1.5,1 [options]",
        allow_abbrev=False,
    )
    explain.set_defaults(command=_explain_rows)
    explain.add_argument(
        "--logits",
        metavar="Z,Z,...",
        help="the row; several rows: Z,Z;Z,Z. With --row: the columns of the classes, by name or"
        " as 'logit_*'",
    )
    explain.add_argument(
        "--target",
        metavar="CLASS",
        help="the true class: its name or index. With --row: also the column that holds it",
    )
    explain.add_argument("--names", metavar="A,B,...", help="the names of the classes")
    explain.add_argument(
        "--dtype",
        choices=("float16", "bfloat16", "float32", "float64"),
        default="float32",
        help="the number type of the computation (default: %(default)s)",
    )
    explain.add_argument(
        "--temperature", type=float, default=1.0, metavar="T", help="divide the logits by T"
    )
    _add_columns(explain)
    _add_outputs(explain, html=None, png=None, open=False, json=False, lang=None, force=False)
    _add_likelihood(explain.add_subparsers(title="points", prog="neglog explain", metavar=""))


def _add_columns(explain: argparse.ArgumentParser) -> None:
    """A row of a file, and which of its columns are no classes."""
    group = explain.add_argument_group(
        "a row of a file",
        "A column named target or label holds the target; the others are the classes. If one of"
        " them looks like something else, the command stops and lists it.",
    )
    group.add_argument(
        "--row",
        nargs=2,
        metavar=("N", "FILE"),
        help="row N, from 0, of a file of predictions (.csv .tsv .jsonl .npy .npz)",
    )
    group.add_argument("--id", metavar="COLUMN", help="the column that names the row")
    group.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="COLUMN",
        help="a column, or columns such as 'meta_*', to leave out; can be repeated",
    )


def _add_likelihood(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "which density fits the points: the likelihood, point by point"
    likelihood = commands.add_parser(
        "likelihood",
        help=summary,
        description=f"{summary.capitalize()}.",
        epilog=f"example: {EXAMPLES['likelihood']} --normal blue=4,1",
        allow_abbrev=False,
    )
    likelihood.set_defaults(command=_explain_likelihood)
    likelihood.add_argument("--data", metavar="X,X,...", help="the points")
    for option, value in (("--normal", "NAME=MEAN,SD"), ("--bernoulli", "NAME=P")):
        likelihood.add_argument(
            option, action="append", default=[], metavar=value, help="a candidate; can be repeated"
        )
    _add_outputs(likelihood)


def _add_outputs(command: argparse.ArgumentParser, **defaults: Any) -> None:
    """Options for outputs; a subcommand leaves the defaults to its parent."""
    group = command.add_argument_group("output", argument_default=argparse.SUPPRESS)
    group.add_argument("--html", type=Path, metavar="FILE", help="write the interactive page")
    group.add_argument("--png", type=Path, metavar="FILE", help="write the figure")
    group.add_argument("--open", action="store_true", help="show the page in the browser")
    group.add_argument("--json", action="store_true", help="print everything as JSON")
    group.add_argument(
        "--lang",
        choices=LANGUAGES,
        help="the language (default: en; the page opens in the browser's)",
    )
    group.add_argument("--force", action="store_true", help="replace FILE if it exists")
    command.set_defaults(**defaults)


def _explain_rows(options: argparse.Namespace) -> None:
    from neglog.cli import _explain

    _explain.rows(options)


def _explain_likelihood(options: argparse.Namespace) -> None:
    from neglog.cli import _explain

    _explain.likelihood(options)
