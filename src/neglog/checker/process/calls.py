"""One call of the function, in the arrays of its library, and what was seen of it.

This runs where the function runs, mostly in a child process: nothing here may raise, and what it
returns is small and made of NumPy and plain values.
"""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 22  # numbers in a result that is looked at
PRINTED = 200  # characters of what a function printed that are kept


@dataclass(frozen=True)
class Seen:
    """What a call did: `how` is "returned", "raised", "rubbish", "hung", "died" or "exited"."""

    how: str
    text: str = ""  # of the error, or what the rubbish was
    value: float = float("nan")
    rows: NDArray[np.float64] | None = None  # where one loss per row came
    dtype: str = ""
    grad: NDArray[np.float64] | None = None
    grad_dtype: str = ""
    grads: dict[str, NDArray[np.float64]] | None = None  # of a loss with a linear layer
    changed: str = ""  # "logits" or "target", if the call wrote to them
    printed: str = ""

    @property
    def returned(self) -> bool:
        return self.how == "returned"


class RubbishError(Exception):
    """The result is no loss; says what it is."""


def call(
    function: Callable[..., Any], library: str, case: Any, has_grad: bool | None, ways: Any = None
) -> Seen:
    """Call the function on a case; whatever it does is part of the answer."""
    printed = io.StringIO()
    try:
        with _quiet(printed):
            seen = (ways or LIBRARIES)[library](function, case, has_grad)
    except RubbishError as error:
        seen = Seen("rubbish", str(error))
    except SystemExit as error:
        seen = Seen("exited", _text(error, "exit"))
    except BaseException as error:  # also what is no Exception: the caller is to hear of it
        seen = Seen("raised", _text(error, type(error).__name__))
    return replace(seen, printed=printed.getvalue()[:PRINTED])


@contextlib.contextmanager
def _quiet(printed: io.StringIO) -> Iterator[None]:
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def _text(error: BaseException, kind: str) -> str:
    try:
        said = " ".join(str(error).split())[:200]
    except BaseException:
        said = ""
    return f"{kind}: {said}" if said else kind


def _numpy(function: Callable[..., Any], case: Any, has_grad: bool | None) -> Seen:
    logits, target = case.given(), case.target.copy()
    options = {
        name: np.array(value, logits.dtype) if name == "weight" else value
        for name, value in case.options.items()
    }
    given = logits.copy()
    out = function(logits, target, **options)
    loss, grad = _pair(out, given.shape, has_grad)
    changed = ""
    if logits.tobytes() != given.tobytes():
        changed = "logits"
    elif target.tobytes() != case.target.tobytes():
        changed = "target"
    return seen_of(loss, grad, changed)


def _torch(function: Callable[..., Any], case: Any, has_grad: bool | None) -> Seen:
    import torch

    leaf = torch.tensor(case.given())
    if has_grad is not False and leaf.is_floating_point():
        leaf.requires_grad_()
    logits = leaf.clone()  # a leaf that needs a gradient may not be written to, and this one may
    target = torch.tensor(case.target)
    options = {
        name: torch.tensor(value, dtype=leaf.dtype) if name == "weight" else value
        for name, value in case.options.items()
    }
    out = function(logits, target, **options)
    loss, grad = _pair(out, tuple(leaf.shape), has_grad)
    if grad is None and isinstance(loss, torch.Tensor) and loss.requires_grad and loss.numel():
        (grad,) = torch.autograd.grad(loss.mean(), leaf, allow_unused=True)
    before, after = leaf.detach(), logits.detach()
    same = torch.equal(before.nan_to_num(nan=1e9), after.nan_to_num(nan=1e9))
    kept = torch.equal(target, torch.tensor(case.target))
    changed = "" if same and kept else "logits" if not same else "target"
    return seen_of(plain(loss), plain(grad), changed)


def plain(value: Any) -> Any:
    """A tensor as NumPy's; bfloat16 as float32, which has all its numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        return (value.float() if str(value.dtype) == "torch.bfloat16" else value).numpy()
    return value


_compiled: dict[Any, Any] = {}


def _jax(function: Callable[..., Any], case: Any, has_grad: bool | None) -> Seen:
    import jax
    import jax.numpy as jnp

    logits, target = jnp.asarray(case.given()), jnp.asarray(case.target)
    options = {
        name: jnp.asarray(value, logits.dtype) if name == "weight" else value
        for name, value in case.options.items()
    }

    def whole(z: Any, y: Any) -> Any:
        out = function(z, y, **options)
        return jnp.mean(out), out

    if has_grad is not False and jnp.issubdtype(logits.dtype, jnp.floating):
        key = (function, logits.dtype, *sorted(map(str, case.options.items())))
        differentiated = jax.grad(whole, has_aux=True)
        # Compiled, a call of a new shape takes 0.5 s; operation by operation it takes 2.
        for way in (_compiled.setdefault(key, jax.jit(differentiated)), differentiated):
            with contextlib.suppress(Exception):  # a function that makes numbers of its tracers
                grad, out = way(logits, target)
                return seen_of(np.asarray(out), np.asarray(grad), "")
    loss, grad = _pair(function(logits, target, **options), logits.shape, has_grad)
    return seen_of(loss, grad, "")


LIBRARIES = {"numpy": _numpy, "torch": _torch, "jax": _jax}


def _pair(out: Any, shape: tuple[int, ...], has_grad: bool | None) -> tuple[Any, Any]:
    """(loss, gradient or None)."""
    pair = isinstance(out, tuple | list) and len(out) == 2
    if pair and out[1] is None:  # as with reduction="none"
        return out[0], None
    if pair and has_grad is not False:
        grad = out[1] if hasattr(out[1], "shape") else np.array(out[1])
        if has_grad or grad.ndim == len(shape):
            return out[0], grad
    if has_grad:
        raise RubbishError("no pair (loss, gradient)")
    return out, None


def seen_of(loss: Any, grad: Any, changed: str) -> Seen:
    numbers, dtype = _numbers(loss)
    if numbers.ndim > 1 and numbers.size > 1:
        raise RubbishError(f"an array of shape {numbers.shape}")
    slopes, grad_dtype = (None, "") if grad is None else _numbers(grad)
    rows = numbers if numbers.size > 1 else None
    value = float(numbers.mean()) if numbers.size else float("nan")
    if not numbers.size:
        raise RubbishError("an empty array")
    return Seen("returned", "", value, rows, dtype, slopes, grad_dtype, changed=changed)


def _numbers(value: Any) -> tuple[NDArray[np.float64], str]:
    """A result as float64, and the dtype that it came in."""
    if value is None:
        raise RubbishError("None")
    if isinstance(value, str | bytes):
        raise RubbishError(f"the text {value[:40]!r}")
    value = plain(value)
    if getattr(value, "size", 0) and not callable(value.size) and value.size > MOST:
        raise RubbishError(f"an array of {value.size} numbers")
    try:
        array = np.asarray(value)
    except BaseException:
        raise RubbishError(f"an object of type {type(value).__name__}") from None
    if array.size > MOST:
        raise RubbishError(f"an array of {array.size} numbers")
    if array.dtype.kind not in "biufOV" or array.dtype.names:
        raise RubbishError(f"an object of type {type(value).__name__}")
    try:
        return array.astype(np.float64), str(array.dtype.name)
    except BaseException:
        raise RubbishError(f"an object of type {type(value).__name__}") from None
