"""`python -m exhaustive [N]`: exp and log1p as the kernels use them, on every float32.

One table for each instruction set of this machine; with N, every N-th block of numbers alone.
Exit status 1 where an error is above its promise or a smaller number has a larger exponential.
"""

import os
import subprocess
import sys
from pathlib import Path

from budgets import SCALAR_ULPS

from exhaustive import ROOT
from neglog import cpu_info

FLAGS = "-std=c++20 -O2 -ffp-contract=off -fno-math-errno -fno-trapping-math -Wno-psabi -pthread"


def built(instruction_set: str) -> Path:
    """The program for one instruction set, whose name is the compiler's."""
    program = ROOT / "build" / "exhaustive" / instruction_set
    program.parent.mkdir(parents=True, exist_ok=True)
    march = [f"-march={instruction_set}"] if instruction_set.startswith("x86") else []
    compiler = os.environ.get("CXX", "c++")
    source = ROOT / "exhaustive" / "scalars.cpp"
    subprocess.run(
        [compiler, *FLAGS.split(), *march, f"-I{ROOT / 'kernels'}", source, "-o", program],
        check=True,
    )
    return program


def main(stride: str = "1") -> int:
    failed = 0
    for name in cpu_info().supported:
        print(
            f"== {name}\n{'':20} {'T':>6} {'numbers':>12} {'ulp':>7} {'promised':>8}  disorder, at"
        )
        done = subprocess.run([built(name), stride], check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            check, temperature, count, worst, place, disorder = line.split()
            limit = SCALAR_ULPS[check]
            bad = float(worst) > limit or disorder != "0"
            failed |= bad
            shown = f"{float(temperature):.2g}" if temperature != "0" else "many"
            print(
                f"{check:20} {shown:>6} {count:>12} {worst:>7} {limit:>8}  {disorder}, {place}"
                f"{'  BROKEN' if bad else ''}"
            )
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
