"""Files of predictions to batches of arrays, in little memory and at the speed of the disk."""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..ahead import ahead
from ..columns import Asked
from ..doubts import Unclear
from .convert import Converter
from .files import expand, kind_of, open_standard_input, open_text
from .formats.arrays import BROKEN, ArrayTable
from .formats.arrow import ArrowTable
from .formats.json_lines import JsonTable
from .formats.parquet import ParquetTable
from .formats.separated import SeparatedTable
from .logprobs import LogprobConverter
from .roles import Roles, check_header, find_roles
from .table import Table

STDIN = "-"
STDIN_NAME = "standard input"


@dataclass
class Source:
    """Predictions that are read while this is iterated over.

    `what` says in one line which column was taken for what. `rows` is None where the files do not
    say how many they have.
    """

    class_names: tuple[str, ...] | None
    what: str
    rows: int | None
    bytes: int | None
    _files: list[Path] | None  # None: standard input
    _asked: Asked
    _roles: Roles
    _converter: Callable[[], Any]  # what makes batches of record batches
    _stdin: list[Table] = field(repr=False)  # standard input, until it is read
    _purpose: str  # what needs the rows, for a message

    def __iter__(self) -> Iterator[Any]:
        """The batches, in the order of the files and of their rows.

        Raises:
            ValueError: a file is damaged, or does not hold what it must; the message says where.
        """
        return ahead(self._batches())

    def _batches(self) -> Iterator[Any]:
        roles, convert = self._roles, self._converter()
        rows, done = 0, 0
        for path in self._files or (None,):
            name = STDIN_NAME if path is None else str(path)
            with _errors_of(name):
                table = self._stdin.pop() if self._stdin else _table(path, self._asked)
                try:
                    _check(table, roles)
                    row = 0
                    for part in table.batches(roles):
                        progress = self._progress(table, path, done)
                        yield from convert(part, name, row, progress)
                        row += part.num_rows
                        del part
                finally:
                    table.close()
            rows += row
            done += path.stat().st_size if path is not None else 0
        if rows == 0:
            more = f" and {len(self._files) - 1} more" if self._files and self._files[1:] else ""
            name = STDIN_NAME if self._files is None else f"{self._files[0]}{more}"
            raise ValueError(f"{name}: no rows; {self._purpose} needs at least one")

    def _progress(self, table: Table, path: Path | None, done: int) -> float | None:
        """The share of all bytes that have been read."""
        share = table.progress()
        if path is None or share is None or not self.bytes:
            return None
        return min(1.0, (done + share * path.stat().st_size) / self.bytes)


def open_predictions(
    paths: str | Path | Sequence[str | Path],
    asked: Asked | None = None,
    *,
    class_names: Sequence[str] | None = None,
    ignore_index: int = -100,
    stdin: Any = None,
) -> Source:
    """Open files of predictions and find out which column is what.

    Args:
        paths: files, folders and patterns (`part-*.parquet`), or "-" for standard input.
        asked: what the caller says of the columns.
        class_names: of the classes, in the order of the predictions; None: those that the file has.
        ignore_index: a target beside the classes that is let through.
        stdin: read in place of standard input.

    Raises:
        ValueError: a file cannot be understood, or the columns are not clear; the message gives
            the two likeliest command lines.
        OSError: a file cannot be opened.
    """
    asked = asked or Asked()

    def find(table: Table) -> Roles:
        names = class_names if class_names is not None else table.class_names
        return find_roles(table.columns, table.head, asked, names)

    def convert(roles: Roles) -> Any:
        if roles.logprob is not None:
            return LogprobConverter(roles)
        return Converter(roles, ignore_index)

    return opened(paths, find, convert, "neglog report", "a report", asked, stdin)


def opened(
    paths: str | Path | Sequence[str | Path],
    find: Callable[[Table], Roles],
    convert: Callable[[Roles], Any],
    command: str,
    purpose: str,
    asked: Asked | None = None,
    stdin: Any = None,
) -> Source:
    """Open files whose columns `find` takes apart, and of which `convert` makes batches."""
    asked = asked or Asked()
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    from_stdin = [str(path) for path in given] == [STDIN]
    files = None if from_stdin else expand(given)
    first = None if files is None else files[0]
    typed = " ".join([command, *(shlex.quote(str(path)) for path in given)])
    with _errors_of(STDIN_NAME if first is None else str(first), typed):
        table = _table(first, asked, stdin)
        with closing(table) if files is not None else nullcontext():
            roles = find(table)
            _check(table, roles)
    single = files is None or len(files) == 1
    size = None if files is None else sum(path.stat().st_size for path in files)
    return Source(
        roles.class_names,
        roles.what,
        table.rows if single else None,
        size,
        files,
        asked,
        roles,
        lambda: convert(roles),
        [] if files is not None else [table],
        purpose,
    )


def _table(path: Path | None, asked: Asked, stdin: Any = None) -> Table:
    """The open file; None is standard input."""
    if path is None:
        file, kind = open_standard_input(stdin)
        return ArrowTable(file) if kind == "arrow" else _text_table(kind, file, None)
    kind = kind_of(path)
    if kind == "parquet":
        return ParquetTable(path)
    if kind == "arrow":
        return ArrowTable(path)
    if kind in ("npz", "npy"):
        beside = asked.target if kind == "npy" else None
        if kind == "npy" and (beside is None or not Path(beside).is_file()):
            raise ValueError(
                "an .npy file holds the logits: give the file of the targets with"
                " --target labels.npy, or save both in one .npz file"
            )
        return ArrayTable(path, beside)
    return _text_table(kind, *open_text(path))


def _text_table(kind: str, file: Any, raw: Any) -> Table:
    try:
        if kind == "ndjson":
            return JsonTable(file, raw)
        return SeparatedTable(file, raw, "\t" if kind == "tsv" else ",")
    except BaseException:
        if raw is not None:
            raw.close()
        raise


def _check(table: Table, roles: Roles) -> None:
    """Raise if a later file does not have the columns of the first one."""
    check_header([column.name for column in table.columns], roles)
    own = table.class_names
    given = roles.class_names if roles.one_list is not None else None
    if own is not None and given is not None and len(own) != len(given):
        raise ValueError(f"the file names {len(own)} classes, but {len(given)} are given")


@contextmanager
def _errors_of(file: str, command: str = "") -> Iterator[None]:
    """Errors that say which file; those of Arrow become ValueErrors."""
    try:
        yield
    except Unclear as error:
        raise ValueError(f"{file}: {error.asked(command)}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file}: this is not UTF-8 text; save it as UTF-8") from error
    except (pa.ArrowException, *BROKEN) as error:
        raise _damaged(file, error) from error
    except ValueError as error:
        if str(error).startswith(file):
            raise
        raise ValueError(f"{file}: {error}") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise _damaged(file, error) from error


def _damaged(file: str, error: BaseException) -> ValueError:
    said = " ".join(str(error).split())[:200]
    said = "".join(letter if letter.isprintable() else "?" for letter in said)
    return ValueError(f"{file} cannot be read, it may be truncated or damaged: {said}")
