"""Which way a tensor takes: straight to the kernels, by an operator, or composed."""

import torch
from torch import Tensor
from torch.autograd import forward_ad

_PLAIN = (Tensor, torch.nn.Parameter)
_transforms_active = torch._C._are_functorch_transforms_active
_is_compiling = torch.compiler.is_compiling
_is_legacy_batched = torch._C._functorch.is_legacy_batchedtensor


def is_forward_mode() -> bool:
    """Whether tensors may carry tangents."""
    return forward_ad._current_level >= 0


def is_composed(tensor: Tensor) -> bool:
    """Derivatives of any kind go through torch's own operators.

    Compilers, too, where there is no kernel: they fuse what they can see.
    """
    return _transforms_active() or is_forward_mode() or (_is_compiling() and not tensor.is_cpu)


def is_watched(tensor: Tensor) -> bool:
    """Whether a derivative by this tensor may be asked for."""
    wrapped = _transforms_active() and torch._C._functorch.is_functorch_wrapped_tensor(tensor)
    return tensor.requires_grad or wrapped or is_forward_mode()


def is_batched(tensor: Tensor) -> bool:
    """Many tensors in the guise of one, or one with a tangent: no single number to be read."""
    return _transforms_active() or is_forward_mode() or _is_legacy_batched(tensor)


def is_plain(tensor: Tensor) -> bool:
    """An ordinary tensor in the CPU's memory, with nobody watching the operators."""
    return (
        not _is_compiling()
        and type(tensor) in _PLAIN
        and tensor.is_cpu
        and not is_batched(tensor)
        and not torch._C._len_torch_dispatch_stack()
        and tensor.layout is torch.strided
        and not tensor.is_neg()
    )
