"""The instruction set and the threads that the kernels use."""

import os
from typing import NamedTuple

from .. import _kernels
from .quota import cpu_quota

_MOST_THREADS = 4096


class CpuInfo(NamedTuple):
    """The instruction set in use, the number of threads, the instruction sets of this CPU."""

    instruction_set: str
    threads: int
    supported: tuple[str, ...]


def set_num_threads(n: int) -> None:
    """Compute on n threads from now on; results do not depend on n.

    Until the first call, the number comes from the first of these that gives one:

    - the environment variable NEGLOG_NUM_THREADS, read at import;
    - for `neglog.torch`, torch.get_num_threads() at the time of the call: a DataLoader's workers
      have 1, so do torchrun's processes unless told otherwise; at most the quota below;
    - OMP_NUM_THREADS, read at import: of a list like "4,2" the first number; what OpenMP would not
      accept is ignored, as OpenMP does;
    - the CPU quota of the container (cgroup version 1 or 2), read at import and rounded up, or the
      CPUs that the process may run on (its affinity) at the time of the call, whichever is less.

    The pool is not OpenMP's: omp_set_num_threads does not change it, and `threadpoolctl` does not
    find it. Pass the same number to this function; or register a threadpoolctl.LibController with
    filename_prefixes = ("_kernels",) and check_symbols = ("PyInit__kernels",), whose methods call
    `cpu_info` and this function. A process that was forked keeps what its parent had set.

    Args:
        n: 1 to 4096.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is below 1 or above 4096.

    Examples:
        >>> set_num_threads(2)
        >>> cpu_info().threads
        2

    Differs from torch.set_num_threads: it is for the kernels alone, and `neglog.torch` then no
    longer follows torch's number.
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer, got {n!r}; pass the number of threads")
    if not 1 <= n <= _MOST_THREADS:
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


def is_shared(elements: float) -> bool:
    """Whether threads share the work on so many elements; less stays on the calling thread."""
    return elements >= _kernels.least_shared


class callers_threads:  # noqa: N801 (a context manager; a generator would take 1 us more)
    """Inside the block this thread computes on n threads, unless a number was set for the process.

    For a library that has a number of its own. `set_num_threads` and NEGLOG_NUM_THREADS are
    stronger, OMP_NUM_THREADS is not, and more than the CPU quota is never used.
    """

    __slots__ = ("_before", "_n")

    def __init__(self, n: int) -> None:
        self._n = n

    def __enter__(self) -> None:
        self._before = _kernels.set_callers_threads(self._n)

    def __exit__(self, *error: object) -> None:
        _kernels.set_callers_threads(self._before)


def _from_environment() -> None:
    """Apply NEGLOG_CPU, NEGLOG_NUM_THREADS, OMP_NUM_THREADS and the CPU quota."""
    cpu, threads = os.environ.get("NEGLOG_CPU"), os.environ.get("NEGLOG_NUM_THREADS")
    supported = _kernels.supported()
    if not supported:
        raise ImportError("neglog needs a CPU with at least the instruction set x86-64-v2")
    if cpu:
        if cpu not in supported:
            raise ValueError(f"NEGLOG_CPU must be one of {', '.join(supported)}, got {cpu!r}")
        _kernels.choose(cpu)
    _kernels.set_initial_threads(_of_openmp(), cpu_quota() or 0)
    if threads:
        if not (threads.isdecimal() and 1 <= int(threads) <= _MOST_THREADS):
            raise ValueError(f"NEGLOG_NUM_THREADS must be 1 to {_MOST_THREADS}, got {threads!r}")
        set_num_threads(int(threads))


def _of_openmp() -> int:
    """The outermost number in OMP_NUM_THREADS; 0 if it is absent or not valid."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return min(int(first), _MOST_THREADS) if first.isdecimal() else 0


_from_environment()
