"""The instruction set and the threads that the kernels use."""

import os
from typing import NamedTuple

from .. import _kernels

_MOST_THREADS = 4096


class CpuInfo(NamedTuple):
    """The instruction set in use, the number of threads, the instruction sets of this CPU."""

    instruction_set: str
    threads: int
    supported: tuple[str, ...]


def set_num_threads(n: int) -> None:
    """Compute on n threads from now on; results do not depend on n.

    Args:
        n: at least 1. The default is NEGLOG_NUM_THREADS, else as many as this process may run on.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is below 1 or above 4096.

    Examples:
        >>> set_num_threads(2)
        >>> cpu_info().threads
        2
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer, got {n!r}; pass the number of threads")
    if not 1 <= n < 4097:
        raise ValueError(
            f"n must be 1 to 4096 threads, got {n}; 1 keeps work on the calling thread"
        )
    _kernels.set_num_threads(n)


def cpu_info() -> CpuInfo:
    """The instruction set that the kernels use, the number of threads, and the sets this CPU has.

    NEGLOG_CPU, set before the import, forces one of `supported`.

    Returns:
        CpuInfo(instruction_set, threads, supported), the supported ones from old to new.

    Examples:
        >>> info = cpu_info()
        >>> info.instruction_set in info.supported
        True
    """
    return CpuInfo(_kernels.chosen(), _kernels.num_threads(), tuple(_kernels.supported()))


def _from_environment() -> None:
    """Apply NEGLOG_CPU and NEGLOG_NUM_THREADS."""
    cpu, threads = os.environ.get("NEGLOG_CPU"), os.environ.get("NEGLOG_NUM_THREADS")
    supported = _kernels.supported()
    if not supported:
        raise ImportError("neglog needs a CPU with at least the instruction set x86-64-v2")
    if cpu:
        if cpu not in supported:
            raise ValueError(f"NEGLOG_CPU must be one of {', '.join(supported)}, got {cpu!r}")
        _kernels.choose(cpu)
    if threads:
        if not (threads.isdecimal() and 1 <= int(threads) <= _MOST_THREADS):
            raise ValueError(f"NEGLOG_NUM_THREADS must be 1 to {_MOST_THREADS}, got {threads!r}")
        set_num_threads(int(threads))


_from_environment()
