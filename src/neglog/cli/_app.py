"""What can be typed. A command imports what it needs when it runs, so that --help is quick.

argparse, because `neglog --help` must answer within 150 ms, of which Python and NumPy take 80:
the help of a small command took argparse 12 ms, Typer 52 (130 with Rich's markup, and some 70
more to run a command wherever pydantic is installed), Cyclopts 106 (138).
"""

import argparse
from pathlib import Path

from neglog.cli._files import free_name, writable


def parser() -> argparse.ArgumentParser:
    """The whole command line; `command` in what it parses is the function to call."""
    whole = argparse.ArgumentParser(
        prog="neglog",
        description="The negative log-likelihood of a softmax: see it learn, see what it costs.",
        allow_abbrev=False,
    )
    whole.set_defaults(command=None)
    commands = whole.add_subparsers(title="commands", metavar="COMMAND")
    _add_demo(commands)
    return whole


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    summary = "learn handwritten digits, and show what the model is still unhappy about"
    demo = commands.add_parser("demo", help=summary, description=summary, allow_abbrev=False)
    demo.set_defaults(command=_demo)
    demo.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="the picture, PNG (default: neglog-demo.png, or the next name that is free)",
    )
    demo.add_argument("--force", action="store_true", help="replace FILE if it exists")


def _demo(options: argparse.Namespace) -> None:
    output = options.output or free_name(Path("neglog-demo.png"))
    writable(output, options.force)
    from neglog.cli import demo

    demo.run(output)
