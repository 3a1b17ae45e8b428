"""Files are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file beside `path`; it replaces `path` on success and is removed on failure.

    Raises:
        OSError: the file cannot be written, as on a full disk; names `path`.
    """
    draft = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield draft
        os.replace(draft, path)
    except OSError as error:
        if error.errno is None:
            raise
        # Arrow: "Error writing bytes to file. Detail: [errno 28] No space left on device"
        words = str(error.strerror).rpartition("] ")[2]
        raise OSError(error.errno, words, str(path)) from error
    finally:
        draft.unlink(missing_ok=True)
