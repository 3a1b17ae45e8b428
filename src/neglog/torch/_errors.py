"""Errors that torch's users catch: torch raises RuntimeError for most of them."""

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class TorchValueError(ValueError, RuntimeError):
    """A value or a shape that does not fit."""


class TorchTypeError(TypeError, RuntimeError):
    """An argument of the wrong type."""


class TorchIndexError(IndexError, RuntimeError):
    """A class or a dimension that does not exist."""


_BOTH = ((IndexError, TorchIndexError), (ValueError, TorchValueError), (TypeError, TorchTypeError))


def as_torch_raises(function: Callable[P, R]) -> Callable[P, R]:
    """Each ValueError, TypeError and IndexError of the function is also a RuntimeError."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except (IndexError, ValueError, TypeError) as error:
            if isinstance(error, RuntimeError):
                raise
            kind = next(both for one, both in _BOTH if isinstance(error, one))
            raise kind(*error.args) from None

    return call
