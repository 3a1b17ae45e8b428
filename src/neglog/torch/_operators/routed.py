"""Results of rows, by the operator or composed."""

from torch import Tensor

from .._engines import composed, kernels
from .._engines.composed import RowResults
from .._route import Path, Route, is_recorded
from . import rows
from .inputs import as_tensors


def row_results(
    route: Route,
    logits: Tensor,
    dim: int,
    target: Tensor | None = None,
    probs: Tensor | None = None,
    *,
    keep: Tensor | None = None,
    temperature: Tensor | None = None,
    softcap: float | None = None,
    entropy: bool = False,
    ignored: Tensor | None = None,
) -> RowResults:
    """nll, dense, lse, entropy and argmax of every row; arguments as in `composed.row_results`."""
    if route.path is Path.COMPOSED:
        return composed.row_results(
            logits, dim, target, probs,
            keep=keep, temperature=temperature, softcap=softcap, entropy=entropy, ignored=ignored,
        )  # fmt: skip
    if route.eager and not is_recorded(logits, probs, temperature):
        # An operator would take ten times as long as the arithmetic of a few rows.
        found = kernels.row_results(logits, dim, target, probs, keep, temperature, softcap, entropy)
        return RowResults(*found)  # type: ignore[arg-type]
    nll, dense, lse, uncertainty, top = rows.row_results(
        logits, dim, *as_tensors(logits, target, probs, keep, temperature), softcap, entropy
    )
    return RowResults(
        None if target is None else nll,
        None if probs is None else dense,
        lse,
        uncertainty if entropy else None,
        top,
    )
