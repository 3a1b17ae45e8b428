"""An operator's inputs. An optional one that is not there is an empty tensor of bytes.

No input has that dtype. The schema has no optional tensors because torch.export.draft_export, which
compares every tensor before and after a call, takes None for one that was changed.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

_ABSENT = torch.uint8


def as_tensors(like: Tensor, *values: Tensor | None) -> list[Tensor]:
    """What an operator takes: a tensor on that device for each value that is not there."""
    absent = like.new_empty(0, dtype=_ABSENT)
    return [absent if x is None else x for x in values]


def given(inputs: Sequence[Any]) -> list[Any]:
    """The inverse, for all inputs of an operator."""
    return [None if isinstance(x, Tensor) and x.dtype is _ABSENT else x for x in inputs]


def keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
    """Save an operator's inputs, tensors as autograd wants them."""
    values = given(inputs)
    ctx.save_for_backward(*(x if isinstance(x, Tensor) else None for x in values))
    ctx.others = [None if isinstance(x, Tensor) else x for x in values]
    ctx.set_materialize_grads(False)


def inputs_of(ctx: Any) -> list[Any]:
    """All inputs again, in their order."""
    return [o if t is None else t for t, o in zip(ctx.saved_tensors, ctx.others, strict=True)]
