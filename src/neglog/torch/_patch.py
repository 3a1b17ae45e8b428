"""Replaces torch's own cross_entropy by ours, for code that should not be changed."""

import functools
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter, functional

from .losses import cross_entropy

_lock = threading.Lock()
_active: "Patch | None" = None


class Patch:
    """What `patch` returns: the names that it changed, and how to undo it.

    A context manager: leaving the block undoes the patch.

    Examples:
        >>> with patch() as handle:
        ...     print(handle.changed)
        ('torch.nn.functional.cross_entropy',)
    """

    changed = ("torch.nn.functional.cross_entropy",)

    def __init__(self) -> None:
        self._before = functional.cross_entropy
        self._ours = _in_place_of(self._before)
        functional.cross_entropy = self._ours

    def undo(self) -> None:
        """Restore what was there before. A second call does nothing.

        Raises:
            RuntimeError: the function was replaced again since; that change must be undone first.
        """
        global _active
        with _lock:
            if _active is not self:
                return
            if functional.cross_entropy is not self._ours:
                raise RuntimeError(
                    "torch.nn.functional.cross_entropy was replaced again after patch(), by"
                    f" {functional.cross_entropy!r}; undo that first"
                )
            functional.cross_entropy = self._before
            _active = None

    def __enter__(self) -> "Patch":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()


def patch() -> Patch:
    """Make `torch.nn.functional.cross_entropy` ours in this process, for all code that calls it.

    That is every nn.CrossEntropyLoss, existing ones included, the losses of Hugging Face models,
    and all other code that looks the function up in torch.nn.functional when it is called, also
    under torch.compile. A module that has done `from torch.nn.functional import cross_entropy`
    keeps torch's function, and so does what torch.export or torch.jit captured before.
    torch.jit.script cannot read our function: script first.

    Nothing that worked stops working: a call with arguments that only torch accepts (for example a
    DTensor) is passed to torch's function. For a tensor of such a kind the error is torch's, too.

    Returns:
        A handle with `changed`, the names that were replaced, and `undo()`; a context manager that
        undoes at its end.

    Raises:
        RuntimeError: a patch is active already.

    Examples:
        >>> import torch
        >>> loss = torch.nn.CrossEntropyLoss()
        >>> logits, target = torch.tensor([[17.0, 0.0, 0.0]]), torch.tensor([0])
        >>> with patch():
        ...     print(f"{loss(logits, target).item():.4e}")
        8.2799e-08
        >>> loss(logits, target).item()
        0.0

    Differs from assigning to torch.nn.functional by hand: it is undone, and not done twice.
    """
    global _active
    with _lock:
        if _active is not None:
            raise RuntimeError(
                "torch.nn.functional.cross_entropy is patched already; call undo() on the handle of"
                " that patch first"
            )
        _active = Patch()
        return _active


def _in_place_of(before: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Our function; for arguments that it refuses, the original one."""

    @functools.wraps(before)
    def call(*args: Any, **options: Any) -> Tensor:
        try:
            return cross_entropy(*args, **options)
        except (TypeError, ValueError, NotImplementedError) as refused:
            return _by_torch(before, refused, *args, **options)

    return call


def _by_torch(
    before: Callable[..., Tensor], refused: Exception, *args: Any, **options: Any
) -> Tensor:
    """What the original function returns; if it refuses too, the error that says more."""
    try:
        return before(*args, **options)
    except Exception:
        if any(map(_is_special, (*args, *options.values()))):
            raise  # torch knows what it lacks: another placement, inside loss_parallel()
        raise refused from None


def _is_special(value: Any) -> bool:
    """Whether it is a tensor of a kind of its own: distributed, sparse, nested, quantised."""
    return isinstance(value, Tensor) and (
        type(value) not in (Tensor, Parameter)
        or value.layout is not torch.strided
        or value.is_quantized
    )
