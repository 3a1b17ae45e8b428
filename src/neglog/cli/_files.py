"""Which files a command may write: existing files stay unless --force."""

import os
from itertools import count
from pathlib import Path


def writable(path: Path, force: bool, option: str = "--output") -> None:
    """Check, before any work, that the file of `option` can be written.

    Raises:
        ValueError: the folder does not exist or is read-only, or the file exists and `force` is
            false or it is a device or a pipe, which a file would replace.
    """
    if path.is_dir():
        raise ValueError(f"{path} is a folder: give the name of a file")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is a device or a pipe: give the name of a file")
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} for {path.name}: create it first")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"the folder {path.parent} is not writable: give another {option}")
    if os.path.lexists(path) and not force:
        raise ValueError(f"{path} exists: give --force to replace it, or another {option}")


def free_name(path: Path) -> Path:
    """name.png or, if it exists, the first free of name-2.png, name-3.png, ..."""
    names = (path if n == 1 else path.with_stem(f"{path.stem}-{n}") for n in count(1))
    return next(name for name in names if not os.path.lexists(name))
