"""Peak memory of a head's loss and gradients, each route in a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import budgets
import numpy as np

from bench import ROOT
from bench.head import LeaveOut
from bench.head.problem import Head
from bench.head.routes import FACES, step, torch_losses
from bench.memory import peak
from bench.peers import UnavailableError, library, torch_view

ROUTES = ("neglog.torch", "neglog", "torch eager", "torch chunked")
ALL_LOGITS = {"torch eager": 3}  # arrays of N x V that it holds at once
FORGET_PEAK = Path("/proc/self/clear_refs")
SMALL = (64, 64, 256)

Shape = tuple[int, int, int]


def everything(leave_out: LeaveOut) -> list[dict[str, Any]]:
    """Ours at every shape, the others at the one that is timed."""
    found = []
    for shape in (budgets.HEAD_SHAPE, *budgets.HEAD_MEMORY.shapes):
        taken = {}
        for name in ROUTES if not found else budgets.FACES:
            try:
                taken[name] = above(name, shape)
            except UnavailableError as reason:
                leave_out(name, reason)
        found.append({"shape": shape, "bytes": taken})
    return found


def above(name: str, shape: Shape) -> int:
    """Bytes above arguments and gradients, of one step in a fresh process."""
    if not may_forget_peak():
        raise UnavailableError(f"peak memory is not measured: {FORGET_PEAK} cannot be written")
    n, _, num_classes = shape
    need, free = 4 * n * num_classes * ALL_LOGITS.get(name, 0), available()
    if need > 0.9 * free:
        raise UnavailableError(
            f"memory of {name} at {n} x {num_classes} is not measured: it needs"
            f" {need / 2**30:.0f} GiB, and {free / 2**30:.0f} are free"
        )
    command = [sys.executable, "-m", "bench.head.memory", name, *map(str, shape)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"the process that measures the memory of {name} failed:\n{done.stderr}")
    return int(done.stdout)


def may_forget_peak() -> bool:
    return os.access(FORGET_PEAK, os.W_OK)


def available() -> int:
    """Bytes that a new process can take without swapping."""
    found: Any = re.search(r"^MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    return int(found[1]) * 1024


def arguments(shape: Shape) -> Head:
    """Logits of standard deviation 4, any target."""
    n, width, num_classes = shape
    random = np.random.default_rng(0)
    hidden = np.empty((n, width), np.float32)
    classes = np.empty((num_classes, width), np.float32)
    for array in (hidden, classes):
        random.standard_normal(out=array, dtype=np.float32)
        array *= 2 / width**0.25
    return Head(hidden, classes, random.integers(0, num_classes, n))


def gradients(name: str, head: Head) -> Callable[[], Any]:
    """One step of this route."""
    if name == "neglog":
        ours = library("neglog")
        return lambda: ours.linear_cross_entropy_and_grad(head.hidden, head.classes, head.target)
    return step(torch_losses()[name], *map(torch_view, (head.hidden, head.classes, head.target)))


def fill_buffers(name: str, head: Head) -> None:
    """Makes libraries allocate what they keep after a first call.

    Matrix products pack their arguments into buffers of up to 48 MiB and never free them.
    """
    gradients(name, arguments(SMALL))()
    rows = max(1, budgets.HEAD_MEMORY.logits // (4 * len(head.classes)))
    chunk = Head(head.hidden[:rows], head.classes, head.target[:rows])
    FACES["neglog" if name == "neglog" else "neglog.torch"](chunk).products()


def measured(name: str, shape: Shape) -> int:
    head = arguments(shape)
    fill_buffers(name, head)
    run = gradients(name, head)
    FORGET_PEAK.write_text("5")  # from here on the peak is that of the step
    before = peak()
    result = run()
    above_arguments = peak() - before
    del result
    return above_arguments - head.hidden.nbytes - head.classes.nbytes  # gradients are as large


if __name__ == "__main__":
    n, width, num_classes = map(int, sys.argv[2:])
    print(measured(sys.argv[1], (n, width, num_classes)))
