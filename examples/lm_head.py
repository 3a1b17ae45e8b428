"""The last layer of a language model is tuned for a few steps: with all logits, and without them.

Each way runs in a process of its own, so that its peak memory is its own. Without files the head is
generated; a real one is two .npz files: `classes` (V, D), and `hidden` (N, D) with `target` (N,).

    python examples/lm_head.py --classes classes.npz --states states.npz
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

import neglog.torch

WAYS = ("torch", "neglog")
MIB = 2**20


def generated(n: int, width: int, num_classes: int) -> tuple[torch.Tensor, ...]:
    """Class vectors, hidden states that point to one of them, and that one: seldom a rare one."""
    random = np.random.default_rng(0)
    classes = random.normal(size=(num_classes, width)).astype(np.float32)
    target = (num_classes * random.random(n) ** 3).astype(np.int64)
    hidden = 0.1 * classes[target] + 0.5 * random.normal(size=(n, width)).astype(np.float32)
    return torch.from_numpy(classes), torch.from_numpy(hidden), torch.from_numpy(target)


def read(classes: Path, states: Path) -> tuple[torch.Tensor, ...]:
    """A head from files, without unpickling anything."""
    with np.load(classes, allow_pickle=False) as table, np.load(states, allow_pickle=False) as rows:
        arrays = table["classes"], rows["hidden"], rows["target"]
    dtypes = np.float32, np.float32, np.int64
    return tuple(torch.from_numpy(x.astype(d)) for x, d in zip(arrays, dtypes, strict=True))


def loss_of(way: str, hidden: torch.Tensor, classes: torch.Tensor, target: torch.Tensor) -> Any:
    """The same loss, with the logits of all rows or without them."""
    if way == "torch":
        return F.cross_entropy(F.linear(hidden, classes), target)
    return neglog.torch.linear_cross_entropy(hidden, classes, target)


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tune(way: str, head: tuple[torch.Tensor, ...], steps: int, rate: float) -> dict[str, Any]:
    """Gradient descent on the class vectors: losses, seconds a step, memory above head and data."""
    classes, hidden, target = head
    classes.requires_grad_()
    loss_of(way, hidden[:8], classes[:8], target[:8] * 0).backward()  # what libraries keep
    classes.grad = None
    before, losses, seconds = peak(), [], []
    for step in range(steps):
        start = time.perf_counter()
        loss = loss_of(way, hidden, classes, target)
        loss.backward()
        with torch.no_grad():
            assert classes.grad is not None
            classes -= rate * classes.grad
        classes.grad = None
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
        print(f"\r{way:7} step {step + 1} of {steps}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return {"losses": losses, "seconds": median(seconds), "memory": peak() - before}


def run(way: str, arguments: list[str]) -> dict[str, Any]:
    """`tune` in a process of its own."""
    command = [sys.executable, __file__, "--way", way, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """Both curves, and what they cost."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    curves, clock, memory = figure.subplots(1, 3, width_ratios=(2, 1, 1))
    for way, width, style in zip(WAYS, (5, 1.5), ("-", "--"), strict=True):
        curves.plot(found[way]["losses"], style, linewidth=width, label=way)
    curves.set(title="mean nll", xlabel="step")
    curves.legend()
    colours = ("#1f77b4", "#ff7f0e")
    clock.bar(WAYS, [found[way]["seconds"] for way in WAYS], color=colours)
    clock.set_title("seconds a step")
    memory.bar(WAYS, [found[way]["memory"] / MIB for way in WAYS], color=colours)
    memory.set_title("MiB above the data")
    figure.savefig(path, dpi=150)


def report(found: dict[str, dict[str, Any]]) -> None:
    """Losses beside each other, time and memory."""
    theirs, ours = (found[way]["losses"] for way in WAYS)
    print("step  nll with torch  with neglog  difference")
    for step in sorted({0, len(ours) // 4, len(ours) // 2, len(ours) - 1}):
        a, b = theirs[step], ours[step]
        print(f"{step:4d}{a:16.6f}{b:13.6f}{b - a:12.0e}")
    print(f"seconds a step{found['torch']['seconds']:6.2f}{found['neglog']['seconds']:13.2f}")
    for way, place in zip(WAYS, ("MiB above data{:6.0f}", "{:13.0f}\n"), strict=True):
        print(place.format(found[way]["memory"] / MIB), end="")
    furthest = max(abs(a - b) / a for a, b in zip(theirs, ours, strict=True))
    print(f"the losses differ by at most {furthest:.0e} of themselves")


def main(argv: list[str] | None = None) -> None:
    """Tune both ways and compare; with --way, tune one and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--classes", type=Path, metavar="NPZ")
    parser.add_argument("--states", type=Path, metavar="NPZ")
    parser.add_argument(
        "--size", type=int, nargs=3, default=[4096, 256, 16384], metavar=("N", "D", "V")
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate", type=float, help="of the descent (default: 30; of a file, 0.01)")
    parser.add_argument("--output", type=Path, default=Path("lm_head.png"), metavar="PNG")
    parser.add_argument("--force", action="store_true", help="replace the picture if it exists")
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if (options.classes is None) != (options.states is None):
        parser.error("--classes and --states belong together")
    if options.rate is None:
        options.rate = 0.01 if options.classes else 30.0
    if options.way:
        files = options.classes, options.states
        head = read(*files) if options.classes else generated(*options.size)
        print(json.dumps(tune(options.way, head, options.steps, options.rate)))
        return
    if os.path.lexists(options.output) and not options.force:
        parser.error(f"{options.output} exists: give --force to replace it, or another --output")
    passed = ["--steps", str(options.steps), "--rate", str(options.rate)]
    passed += ["--size", *map(str, options.size)]
    if options.classes:
        passed += ["--classes", str(options.classes), "--states", str(options.states)]
    found = {way: run(way, passed) for way in WAYS}
    report(found)
    draw(found, options.output)
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
