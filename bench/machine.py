"""The machine and the versions of a run."""

import importlib.metadata
import os
import platform
import re
import sys
from pathlib import Path

from bench.cases import THREADS
from bench.peers import library

DISTRIBUTIONS = (
    "neglog",
    "numpy",
    "torch",
    "jax",
    "scipy",
    "scikit-learn",
    "ml_dtypes",
    "transformers",
)


def take_cores() -> None:
    """Keeps the process on THREADS cores, because JAX uses all that it finds."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])


def cpu_model() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*:\s*(.+)", text)
    return re.sub(r"\((R|TM)\)", "", found[1]).strip() if found else platform.machine()


def describe() -> dict[str, str | int]:
    info = library("neglog").cpu_info()
    return {
        "cpu": cpu_model(),
        "threads": THREADS,
        "instruction_set": info.instruction_set,
        "system": f"{platform.system()} {platform.machine()}",
        "python": ".".join(map(str, sys.version_info[:3])),
    }


def versions() -> dict[str, str]:
    found = {}
    for name in DISTRIBUTIONS:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "absent"
    return found


def slug(machine: dict[str, str | int]) -> str:
    """A file name, the same for the same machine."""
    text = f"{machine['cpu']} {machine['instruction_set']} {machine['threads']} threads"
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
