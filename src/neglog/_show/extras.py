"""Packages that only an extra installs."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(what: str, extra: str) -> Iterator[None]:
    """Name the extra to install if an import inside the block fails.

    Raises:
        ModuleNotFoundError: `what` needs a package that `extra` installs.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package == "neglog":
            raise
        raise ModuleNotFoundError(
            f"{what} needs {package}: pip install 'neglog[{extra}]'", name=error.name
        ) from error
