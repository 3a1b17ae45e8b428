"""The route of a call: decided once, by the public function, and passed on.

Autograd, functorch, dispatch modes and compilers determine which route a tensor can take. The fast
path (`_fast_path`) is the kernels' route for the commonest call, without what options need.
"""

from enum import Enum, auto
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd import forward_ad

_EAGER = (Tensor, torch.nn.Parameter)
_transforms_active = torch._C._are_functorch_transforms_active
_is_compiling = torch.compiler.is_compiling
_is_tracing = torch._C._is_tracing
_is_legacy_batched = torch._C._functorch.is_legacy_batchedtensor


class Path(Enum):
    """What computes the rows."""

    NODE = auto()  # the kernels on the tensor's memory, inside one autograd node for the whole loss
    OPERATOR = auto()  # registered operators, which have an implementation per device
    COMPOSED = auto()  # torch's own operators, differentiable to any order by everything


class Route(NamedTuple):
    """The path, and whether values may be read on the way."""

    path: Path
    eager: bool  # the input is an eager CPU tensor: classes and temperatures are checked


def route_of(logits: Tensor, *options: Any, temperature: Any = None) -> Route:
    """The route of a function of rows of logits.

    Args:
        logits: decide by their kind and place.
        options: other arguments that a gradient may be asked for.
        temperature: likewise; only the composed path differentiates with respect to it.
    """
    eager = is_eager_cpu(logits)
    if eager and not is_recorded(temperature, *options):
        return Route(Path.NODE, eager)
    # Where there is no kernel a compiler fuses what it can see.
    seen = _is_compiling() and not has_kernels(logits)
    composed = require_grad(temperature) or seen or is_transformed()
    return Route(Path.COMPOSED if composed else Path.OPERATOR, eager)


def route_of_head(
    head: tuple[Tensor, Tensor, Tensor | None], *options: Any, one_number: bool
) -> Route:
    """The route of a function of the linear layer in front of the loss.

    Args:
        head: hidden, classes and bias.
        options: other arguments that a gradient may be asked for; only the composed path, with all
            logits, has it.
        one_number: whether the result is a mean or a sum, whose gradients come with it.
    """
    hidden, classes, bias = head
    eager = is_eager_cpu(hidden) and is_eager_cpu(classes) and (bias is None or is_eager_cpu(bias))
    if is_transformed() or is_recorded(*options):
        return Route(Path.COMPOSED, eager)
    node = eager and one_number and is_recorded(*head)
    return Route(Path.NODE if node else Path.OPERATOR, eager)


def require_grad(*values: Any) -> bool:
    """Whether a tensor among these requires a gradient."""
    for value in values:  # noqa: SIM110 (a generator would be one more frame for each)
        if isinstance(value, Tensor) and value.requires_grad:
            return True
    return False


def is_recorded(*values: Any) -> bool:
    """Whether autograd records what is computed from these."""
    return torch.is_grad_enabled() and require_grad(*values)


def has_kernels(tensor: Tensor) -> bool:
    """Whether the operators are kernels on its device; else they are torch's own operators."""
    return tensor.is_cpu


def is_forward_mode() -> bool:
    """Whether tensors may carry tangents."""
    return forward_ad._current_level >= 0


def is_transformed() -> bool:
    """Whether torch.func or forward mode is active, which know nothing of our operators."""
    return _transforms_active() or is_forward_mode()


def is_watched(tensor: Tensor) -> bool:
    """Whether a derivative with respect to this tensor may be asked for."""
    wrapped = _transforms_active() and torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    return tensor.requires_grad or wrapped or is_forward_mode()


def is_batched(tensor: Tensor) -> bool:
    """Whether it stands for many tensors or carries a tangent: no single number can be read."""
    return is_transformed() or _is_legacy_batched(tensor)


def is_traced() -> bool:
    """Whether torch.jit.trace records."""
    return not _is_compiling() and _is_tracing()


def is_compiled_for_training() -> bool:
    """Whether a compiler records a step; what is exported is differentiated by nobody."""
    return _is_compiling() and not torch.compiler.is_exporting()


def are_eager_cpu(*values: Any) -> bool:
    """Whether each tensor among these is one."""
    return all(is_eager_cpu(x) for x in values if isinstance(x, Tensor))


def is_eager_cpu(tensor: Tensor) -> bool:
    """An ordinary tensor in the CPU's memory, with nothing that intercepts operators."""
    return (
        not _is_compiling()
        and type(tensor) in _EAGER
        and tensor.is_cpu
        and not _transforms_active()
        and forward_ad._current_level < 0
        and not _is_legacy_batched(tensor)
        and not torch._C._len_torch_dispatch_stack()
        and tensor.layout is torch.strided
        and not tensor.is_neg()
        and not _is_tracing()
    )
