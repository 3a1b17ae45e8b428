"""Numbers of rows, by whichever way the logits take."""

from torch import Tensor

from . import _compose, _ops
from ._compose import RowNumbers
from ._way import is_composed


def rows(
    logits: Tensor,
    dim: int,
    target: Tensor | None = None,
    probs: Tensor | None = None,
    *,
    keep: Tensor | None = None,
    temperature: Tensor | None = None,
    softcap: float | None = None,
    entropy: bool = False,
) -> RowNumbers:
    """nll, dense, lse, entropy and argmax of every row; see `_compose.rows`."""
    if is_composed(logits) or (temperature is not None and temperature.requires_grad):
        return _compose.rows(
            logits, dim, target, probs,
            keep=keep, temperature=temperature, softcap=softcap, entropy=entropy,
        )  # fmt: skip
    nll, dense, lse, spread, top = _ops.rows(
        logits, dim, target, probs, keep, temperature, softcap, entropy
    )
    return RowNumbers(
        None if target is None else nll,
        None if probs is None else dense,
        lse,
        spread if entropy else None,
        top,
    )
