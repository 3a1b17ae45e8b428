"""`neglog exercises`: the tutorial's exercises, as a list or as a notebook."""

import argparse
import sys
from pathlib import Path

from neglog._show.language import LANGUAGES

EPILOG = """\
examples:
  neglog exercises
  neglog exercises --notebook exercises.ipynb
  neglog exercises --notebook exercises.ipynb --lang ko
"""


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "the tutorial's exercises, as a list or as a notebook"
    exercises = commands.add_parser(
        "exercises",
        help=summary,
        description=f"{summary.capitalize()} for Jupyter, which needs neglog and NumPy only.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    exercises.set_defaults(command=run)
    exercises.add_argument(
        "--notebook",
        type=Path,
        metavar="FILE",
        help="write a notebook (.ipynb): each exercise, a cell to fill in, and its check",
    )
    exercises.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the language (default: %(default)s)"
    )
    exercises.add_argument("--force", action="store_true", help="replace FILE if it exists")


def run(options: argparse.Namespace) -> None:
    """Write the notebook, or print the list."""
    from neglog._show.language import check_letters
    from neglog._show.written import replacing
    from neglog.cli._files import writable
    from neglog.exercises._notebook import listed, notebook

    if options.notebook is None:
        check_letters(options.lang, sys.stdout)
        print(listed(options.lang))
        return
    writable(options.notebook, options.force, "--notebook")
    with replacing(options.notebook) as draft:
        draft.write_text(notebook(options.lang), encoding="utf-8")
    print(f"written to {options.notebook}")
