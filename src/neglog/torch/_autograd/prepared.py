"""For which upstream gradient a gradient of rows is computed before that one is known.

Gradients of float64 and float32 are computed for a power of two, at least as large, and scaled in
place in the backward pass. So their bits do not depend on what was expected. Scaling costs a third
of a step, and nothing where the upstream gradient is a power of two that was expected.

Halves are rounded once, so they cannot be scaled. They are computed for the upstream gradient met
last once it has come back a few times, and else in the backward pass, where rows of many classes
have kept their states (`_engines.states`): a gradient that was computed in vain costs more than a
second pass over the logits. (For float32 scaling is faster: 1.3 of a step instead of 1.6.)
"""

import math

import torch

_MOST = 2.0**32  # above it, coefficients could overflow in the other rows of a process
_STEADY = 8  # times in a row; with fewer, two micro-batches to a step would miss every other time

# None: saved tensors are packed by nobody. Before torch 2.8 there is no way to ask.
_hooks = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", lambda _: None)

_last, _times, _unit = 1.0, _STEADY, 1.0


def is_packed() -> bool:
    """Whether saved tensors go through hooks: checkpoints drop them, others move them elsewhere.

    Nothing as large as the logits is then computed before it is needed. torch's checkpoint runs a
    function twice, and only the saved tensors of the second run are used.
    """
    return _hooks(True) is not None


def expected(dtype: torch.dtype) -> float | None:
    """The upstream gradient to compute a gradient for in the forward pass; None: do not."""
    if is_packed():
        return None
    if dtype.itemsize == 2:
        return _last if _times >= _STEADY else None
    return _unit


def met(upstream: float) -> None:
    """Expect this upstream gradient from now on."""
    global _last, _times, _unit
    if upstream == _last:
        _times += 1
        return
    _last, _times = upstream, 1
    _unit = _power_above(upstream) if abs(upstream) <= _MOST else 1.0


def serves(unit: float | None, upstream: float, dtype: torch.dtype) -> bool:
    """Whether a gradient for `unit` can be scaled to this upstream gradient.

    Scaling up would show entries that were flushed to 0.
    """
    if unit is None or dtype.itemsize == 2:
        return unit == upstream
    return abs(upstream) <= unit


def unit_for(upstream: float, dtype: torch.dtype) -> float:
    """What to compute a gradient for that is wanted for this upstream gradient."""
    if dtype.itemsize == 2 or not abs(upstream) <= _MOST:
        return upstream
    return _power_above(upstream)


def _power_above(upstream: float) -> float:
    """A power of two from 1 on that is not below."""
    fraction, exponent = math.frexp(abs(upstream))
    return max(1.0, math.ldexp(1.0, exponent - (fraction == 0.5)))
