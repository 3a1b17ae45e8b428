"""The command `neglog`.

Exit codes: 0 success (also if the reader closes the pipe early), 2 bad input or usage (one
message, no traceback), 3 a condition of `report --fail-if` holds or `check` finds something wrong,
130 interrupted.
"""

import errno
import os
import sys
from collections.abc import Sequence

from neglog._show.words import printable
from neglog.cli._app import joined, parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return _run(argv)
    except BrokenPipeError:
        _drop_output()
        return 0
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] == "neglog":
            raise
        return _fail(str(error))
    except (OSError, ValueError, IndexError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            _drop_output()
        return _fail(str(error))
    except KeyboardInterrupt as stop:
        return _fail(str(stop) or "interrupted", 130)


def _run(argv: Sequence[str] | None) -> int:
    whole = parser()
    options = whole.parse_args(joined(sys.argv[1:] if argv is None else argv))
    if options.command is None:
        whole.print_help(sys.stderr)
        return 2
    code = options.command(options)
    sys.stdout.flush()
    return code or 0


def _drop_output() -> None:
    """Otherwise the interpreter would write the rest of the buffer again at shutdown."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, code: int = 2) -> int:
    """Say what is wrong; a name in a file or of a file cannot move the cursor."""
    lines = "\n".join(map(printable, message.split("\n")))
    print(f"neglog: {lines}", file=sys.stderr)
    return code
