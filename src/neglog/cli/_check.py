"""`neglog check`: somebody's own loss, checked."""

import argparse
import sys
from pathlib import Path
from typing import Any

from neglog._show.language import LANGUAGES

EPILOG = """\
exit codes:
  0    nothing is wrong
  2    the function cannot be imported, or bad usage: one message says what
  3    something is wrong
  130  interrupted

examples:
  neglog check mymodel.losses:cross_entropy
  neglog check losses:loss --json - --html findings.html
"""
STDOUT = "-"


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    summary = "is your own softmax cross-entropy right, and if not, what is wrong"
    check = commands.add_parser(
        "check",
        help=summary,
        description=f"{summary.capitalize()}.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    check.set_defaults(command=run)
    check.add_argument(
        "function",
        metavar="MODULE:FUNCTION",
        help="takes logits (N, V) and target (N,), and returns the mean loss, or it and its"
        " gradient; the module is looked for here, too",
    )
    check.add_argument(
        "--framework",
        choices=("numpy", "torch", "jax"),
        help="whose arrays the function takes (default: what it refers to)",
    )
    group = check.add_argument_group(
        "output", "Without --html and --json, the terminal shows the findings."
    )
    group.add_argument("--html", type=Path, metavar="FILE", help="write one page")
    group.add_argument(
        "--json",
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="write the findings as JSON; without FILE, or with -, to standard output",
    )
    group.add_argument(
        "--lang", choices=LANGUAGES, default="en", help="the language (default: %(default)s)"
    )
    group.add_argument("--force", action="store_true", help="replace files that exist")


def run(options: argparse.Namespace) -> int:
    """Check the function, show the findings, and return the exit code."""
    from neglog._show.extras import needs
    from neglog._show.language import check_letters
    from neglog.checker import check_loss
    from neglog.cli._files import writable

    outputs = _outputs(options)
    for option, path in outputs.items():
        writable(path, options.force, option)
    if len({path.resolve() for path in outputs.values()}) < len(outputs):
        raise ValueError(f"--html and --json are both {options.html}: give two names")
    in_terminal = not outputs and options.json is None
    if in_terminal:
        check_letters(options.lang, sys.stdout)
    findings = check_loss(options.function, framework=options.framework)
    if in_terminal:
        with needs("the findings in a terminal", "cli"):
            from neglog._show.terminal import console
        from neglog.checker.show.text import renderable

        console().print(renderable(findings, options.lang))
    _write(findings, outputs, options)
    return 0 if findings.ok else 3


def _outputs(options: argparse.Namespace) -> dict[str, Path]:
    """The files to write, by option."""
    given = {"--html": options.html, "--json": options.json}
    return {option: Path(path) for option, path in given.items() if path not in (None, STDOUT)}


def _write(findings: Any, outputs: dict[str, Path], options: argparse.Namespace) -> None:
    """The files, and the JSON on standard output, which then holds nothing else."""
    import json

    from neglog._show.written import replacing

    data = json.dumps(findings.to_dict(options.lang), allow_nan=False, ensure_ascii=False)
    for option, path in outputs.items():
        text = data if option == "--json" else findings.to_html(options.lang)
        with replacing(path) as draft:
            draft.write_text(text, encoding="utf-8")
        told = sys.stderr if options.json == STDOUT else sys.stdout
        print(f"written to {path}", file=told)
    if options.json == STDOUT:
        print(data)
