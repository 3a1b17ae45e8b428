"""Second derivatives of the operators."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .inputs import inputs_of


def derivatives_again(
    ctx: Any, upstream: Sequence[Tensor | None], gradients: Callable[[list[Any]], Sequence[Any]]
) -> tuple[Any, ...]:
    """Backward pass of an operator that computes gradients: differentiates the composition.

    `gradients` returns the operator's results for these inputs, None for those not wanted.
    """
    inputs = inputs_of(ctx)
    results: list[Any] = [None] * len(inputs)
    wanted = [at for at, needed in enumerate(ctx.needs_input_grad) if needed is True]
    if all(x is None for x in upstream):
        return tuple(results)
    with torch.enable_grad():
        for at in wanted:
            inputs[at] = inputs[at].view_as(inputs[at])
        grads = gradients(inputs)
    pairs = [
        (g, u) for g, u in zip(grads, upstream, strict=True) if g is not None and u is not None
    ]
    if not pairs:
        return tuple(results)
    found = torch.autograd.grad(
        [g for g, _ in pairs], [inputs[at] for at in wanted], [u for _, u in pairs],
        create_graph=torch.is_grad_enabled(), allow_unused=True,
    )  # fmt: skip
    for at, value in zip(wanted, found, strict=True):
        results[at] = value
    return tuple(results)
