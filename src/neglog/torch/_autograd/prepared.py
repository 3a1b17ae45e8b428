"""For which upstream gradient a gradient of rows is computed before that one is known.

*Exact* gradients are computed for the upstream gradient itself, and rounded once: those of halves,
which cannot be scaled, and those of rows whose states are kept (`_engines.states`). They are
computed in the forward pass for the upstream gradient met last, once it has come back a few times,
and else in the backward pass: a gradient that was computed in vain costs more than a second pass
over the logits.

Other gradients are computed for a power of two, at least as large, and scaled in place in the
backward pass. That costs a third of a step, and nothing where the upstream gradient is a power of
two that was expected.

Which of the two holds follows from shape, dtype and options alone. So the bits do not depend on
what was expected.
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


def expected(exact: bool) -> float | None:
    """The upstream gradient to compute a gradient for in the forward pass; None: do not."""
    if is_packed():
        return None
    if exact:
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


def serves(unit: float | None, upstream: float, exact: bool) -> bool:
    """Whether a gradient for `unit` can be scaled to this upstream gradient.

    Scaling up would show entries that were flushed to 0.
    """
    if unit is None or exact:
        return unit == upstream
    return abs(upstream) <= unit


def unit_for(upstream: float, exact: bool) -> float:
    """What to compute a gradient for that is wanted for this upstream gradient."""
    if exact or not abs(upstream) <= _MOST:
        return upstream
    return _power_above(upstream)


def _power_above(upstream: float) -> float:
    """A power of two from 1 on that is not below."""
    fraction, exponent = math.frexp(abs(upstream))
    return max(1.0, math.ldexp(1.0, exponent - (fraction == 0.5)))
