"""What can be known of a function by looking at it: its library and its options."""

import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

OPTIONS = ("weight", "ignore_index", "label_smoothing", "reduction", "bias", "linear_bias")
TORCH, JAX = {"torch"}, {"jax", "jaxlib", "optax", "flax", "equinox"}


def library_of(function: Callable[..., Any]) -> str:
    """ "torch" or "jax" if the function, its annotations or the names that it uses say so."""
    for module in _modules(function):
        top, _, rest = module.partition(".")
        if top in TORCH or f"{top}.{rest.partition('.')[0]}" == "neglog.torch":
            return "torch"
        if top in JAX or f"{top}.{rest.partition('.')[0]}" == "neglog.jax":
            return "jax"
    return "numpy"


def _modules(function: Any) -> Iterator[str]:
    """Names of modules that the function has to do with, the most telling first."""
    bases = [base.__module__ for base in type(function).__mro__]
    yield from (base for base in bases if base.partition(".")[0] in TORCH | JAX)
    function = inspect.unwrap(function)
    function = getattr(function, "func", function)  # functools.partial
    function = getattr(function, "__func__", function)
    for annotation in getattr(function, "__annotations__", {}).values():
        yield annotation if isinstance(annotation, str) else getattr(annotation, "__module__", "")
    yield getattr(function, "__module__", None) or ""
    code = getattr(function, "__code__", None)
    if code is None:
        return
    cells = zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=False)
    known = dict(getattr(function, "__globals__", {}))
    for name, cell in cells:
        try:
            known[name] = cell.cell_contents
        except ValueError:  # not filled yet
            continue
    for name in (*code.co_names, *code.co_freevars):
        thing = known.get(name)
        if inspect.ismodule(thing):
            yield thing.__name__
        elif thing is not None:
            yield getattr(thing, "__module__", None) or ""
    yield from (name for name in code.co_names if name in sys.modules)  # imported in the body


def options_of(function: Callable[..., Any]) -> tuple[str, ...]:
    """The options of torch's names that the function can be given."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function of an extension
        return ()
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return tuple(name for name in OPTIONS if name in parameters and parameters[name].kind in named)
