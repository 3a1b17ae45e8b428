"""Files that a command writes: never over another unless asked, never half."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path


def writable(path: Path, force: bool, option: str = "--output") -> None:
    """See that a file may be written to `path`, given by `option`: before the work, not after it.

    Raises:
        ValueError: the folder is not there or not ours, or something has that name already and
            `force` is not given.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for {path.name}: make it first")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"the folder {path.parent} may not be written to: give another {option}")
    if os.path.lexists(path) and not force:
        raise ValueError(f"{path} exists: give --force to replace it, or another {option}")


def free_name(path: Path) -> Path:
    """name.png, or name-2.png, name-3.png ... where that is taken."""
    names = (path if n == 1 else path.with_stem(f"{path.stem}-{n}") for n in count(1))
    return next(name for name in names if not os.path.lexists(name))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to; it becomes `path` when all is written, or is removed."""
    draft = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
