"""Peak memory of forward + backward, each measured in a process of its own."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from bench import ROOT
from bench.cases import Case, aligned
from bench.peers import UnavailableError
from bench.torch_face import STEPS

STATUS = Path("/proc/self/status")
TIMES = 3  # steps: in a loop the old gradient still exists when the new one is allocated


def above_logits(name: str, shape: tuple[int, int]) -> float:
    """The peak minus that of a process that only makes the logits, in arrays of their size."""
    if not STATUS.exists():
        raise UnavailableError(f"peak memory is read from {STATUS}, which is absent here")
    size = shape[0] * shape[1] * np.dtype(np.float32).itemsize
    return (peak_of(name, shape, TIMES) - peak_of(name, shape, 0)) / size


def peak_of(name: str, shape: tuple[int, int], times: int) -> int:
    """Bytes, of a fresh process that makes float32 logits and takes `times` steps."""
    command = [sys.executable, "-m", "bench.memory", name, *map(str, (*shape, times))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the process that measures the memory of {name} failed:\n{done.stderr}")
    return int(done.stdout)


def take(name: str, n: int, classes: int, times: int) -> None:
    logits = aligned((n, classes), np.float32)
    np.random.default_rng(0).standard_normal(out=logits, dtype=np.float32)  # no temporaries
    calls = STEPS[name](Case(logits, aligned((n,), np.int64), logits))
    for _ in range(times):
        calls.gradient()


def peak() -> int:
    """The most memory that this process has had, in bytes.

    Not getrusage's ru_maxrss: on Linux it starts with the peak of the parent process.
    """
    found: Any = re.search(r"^VmHWM:\s*(\d+) kB", STATUS.read_text(), re.M)
    return int(found[1]) * 1024


if __name__ == "__main__":
    take(sys.argv[1], *map(int, sys.argv[2:]))
    print(peak())
