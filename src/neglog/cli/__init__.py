"""The command `neglog`.

Exit codes: 0 fine (also when the reader of a pipe has had enough), 2 bad input or usage (one
message, no traceback), 130 interrupted.
"""

import os
import sys
from collections.abc import Sequence

from neglog.cli._app import joined, parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        return _run(argv)
    except BrokenPipeError:
        # The rest of the buffer must not be tried again when the interpreter shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing == "neglog":
            raise
        return _fail(f"this command needs {missing}: pip install 'neglog[cli]'")
    except (OSError, ValueError, IndexError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("interrupted", 130)


def _run(argv: Sequence[str] | None) -> int:
    whole = parser()
    options = whole.parse_args(joined(sys.argv[1:] if argv is None else argv))
    if options.command is None:
        whole.print_help(sys.stderr)
        return 2
    options.command(options)
    sys.stdout.flush()
    return 0


def _fail(message: str, code: int = 2) -> int:
    print(f"neglog: {message}", file=sys.stderr)
    return code
