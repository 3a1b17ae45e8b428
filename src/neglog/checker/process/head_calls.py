"""Calls of losses that have a linear layer in front: hidden, classes, bias and their gradients."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..battery import Case
from ..recipe import LD, softmax
from .calls import RubbishError, Seen, plain, seen_of

PARTS = ("hidden", "classes", "bias")


@dataclass(frozen=True)
class HeadCase:
    """One call: hidden (N, D), classes (V, D), bias (V,) or None, target (N,).

    Attributes:
        upstream: the factors from above, one after the other: numbers, or one per row.
        frozen: which of hidden, classes and bias need no gradient.
        bias_name: the keyword of the bias.
    """

    name: str
    hidden: NDArray[Any]
    classes: NDArray[Any]
    target: NDArray[np.int64]
    bias: NDArray[Any] | None = None
    bias_name: str = "bias"
    upstream: tuple[Any, ...] = (1.0,)
    frozen: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = "logits"

    @property
    def logits(self) -> NDArray[Any]:
        """The exact logits."""
        z = self.hidden.astype(LD) @ self.classes.astype(LD).T
        return z if self.bias is None else z + self.bias.astype(LD)

    @property
    def dtype(self) -> str:
        return str(self.hidden.dtype.name)

    def given(self) -> NDArray[Any]:
        return self.logits.astype(np.float64)

    def rows(self) -> Case:
        """The same loss without the layer."""
        return Case(self.name, self.logits, self.target, self.options)

    def gradients(self, factor: Any) -> dict[str, NDArray[Any]]:
        """The exact gradients for a factor from above."""
        case = self.rows()
        s = softmax(self.logits)
        hot = np.arange(s.p.shape[1]) == case.safe_target[:, None]
        dz = np.where(hot, -s.complement, s.p) * case.kept[:, None]
        below = max(case.kept.sum(), 1) if self.options.get("reduction", "mean") == "mean" else 1
        dz = dz * np.broadcast_to(np.asarray(factor, LD), len(dz))[:, None] / below
        found = {"hidden": dz @ self.classes.astype(LD), "classes": dz.T @ self.hidden.astype(LD)}
        return found | ({} if self.bias is None else {"bias": dz.sum(axis=0)})


def _given(case: HeadCase, convert: Callable[[Any], Any]) -> dict[str, Any]:
    parts = {"hidden": case.hidden, "classes": case.classes, "bias": case.bias}
    return {name: convert(value) for name, value in parts.items() if value is not None}


def _numpy(function: Callable[..., Any], case: HeadCase, has_grad: bool | None) -> Seen:
    parts = _given(case, np.copy)
    keywords = {case.bias_name: parts["bias"]} if "bias" in parts else {}
    out = function(
        parts["hidden"], parts["classes"], case.target.copy(), **keywords, **case.options
    )
    loss, *grads = out if isinstance(out, tuple | list) else (out,)
    if len(grads) == 1 and isinstance(grads[0], tuple | list):  # (loss, (dhidden, dclasses, dbias))
        grads = list(grads[0])
    named = dict(zip(parts, grads, strict=False))
    changed = next(
        (n for n, v in _given(case, np.copy).items() if v.tobytes() != parts[n].tobytes()), ""
    )
    return _with(seen_of(loss, None, changed), named)


def _with(seen: Seen, grads: dict[str, Any]) -> Seen:
    arrays = {n: np.asarray(plain(g), np.float64) for n, g in grads.items() if g is not None}
    return replace(seen, grads=arrays)


def _torch(function: Callable[..., Any], case: HeadCase, has_grad: bool | None) -> Seen:
    import torch

    leaves = _given(case, torch.tensor)
    for name, leaf in leaves.items():
        leaf.requires_grad_(name not in case.frozen)
    target = torch.tensor(case.target)
    keywords = {case.bias_name: leaves["bias"]} if "bias" in leaves else {}
    out = function(leaves["hidden"], leaves["classes"], target, **keywords, **case.options)
    loss = out[0] if isinstance(out, tuple | list) else out
    if not isinstance(loss, torch.Tensor):
        raise RubbishError(f"an object of type {type(loss).__name__}")
    grads: dict[str, Any] = {}
    wanted = {n: leaf for n, leaf in leaves.items() if leaf.requires_grad}
    for number, factor in enumerate(case.upstream):
        if loss.requires_grad and has_grad is not False:
            above = torch.as_tensor(factor, dtype=loss.dtype).expand(loss.shape)
            more = number + 1 < len(case.upstream)
            got = torch.autograd.grad(
                loss, list(wanted.values()), above, allow_unused=True, retain_graph=more
            )
            grads = dict(zip(wanted, got, strict=True))
    kept = {n: leaf.detach().numpy().tobytes() for n, leaf in leaves.items()}
    before = _given(case, np.asarray)
    changed = next((n for n, v in before.items() if v.tobytes() != kept[n]), "")
    return _with(seen_of(plain(loss), None, changed), grads)


def _jax(function: Callable[..., Any], case: HeadCase, has_grad: bool | None) -> Seen:
    import jax
    import jax.numpy as jnp

    parts = _given(case, jnp.asarray)
    moving = {name: part for name, part in parts.items() if name not in case.frozen}
    target = jnp.asarray(case.target)

    def loss(some: dict[str, Any]) -> Any:
        every = parts | some
        keywords = {case.bias_name: every["bias"]} if "bias" in every else {}
        return function(every["hidden"], every["classes"], target, **keywords, **case.options)

    out, pull = jax.vjp(loss, moving)
    grads: dict[str, Any] = {}
    for factor in case.upstream:
        (grads,) = pull(jnp.broadcast_to(jnp.asarray(factor, out.dtype), out.shape))
    return _with(seen_of(out, None, ""), grads)


LIBRARIES = {"numpy": _numpy, "torch": _torch, "jax": _jax}
