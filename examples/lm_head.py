"""Tunes the last layer of a language model for a few steps: with all logits, and without them.

Without them exactly, and with the gradient's small entries replaced by their sums (grad_tolerance).
Each route runs in a process of its own, to measure its peak memory. Without files the head is
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
from collections.abc import Iterable
from math import nan
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

import neglog.torch

TOLERANCES = (1e-5, 2**-12)
TORCH = "torch"  # the route that is not ours
MIB = 2**20


def generated(n: int, width: int, num_classes: int) -> tuple[torch.Tensor, ...]:
    """Class vectors, hidden states near one of them, and its number, which is rarely a rare one."""
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


def loss_of(route: str, *head: torch.Tensor, info: neglog.torch.HeadInfo | None = None) -> Any:
    """The loss of hidden, classes and target: with all logits, or ours with this tolerance."""
    if route == TORCH:
        hidden, classes, target = head
        return F.cross_entropy(F.linear(hidden, classes), target)
    return neglog.torch.linear_cross_entropy(*head, grad_tolerance=float(route), info=info)


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def tune(route: str, head: tuple[torch.Tensor, ...], steps: int, rate: float) -> dict[str, Any]:
    """Gradient descent on the class vectors: losses, seconds per step, memory above head and data.

    Of the first gradient: the share of the entries that was computed, and the largest probability
    mass that was left out of a row.
    """
    classes, hidden, target = head
    classes.requires_grad_()
    loss_of(
        route, hidden[:8], classes[:8], target[:8] * 0
    ).backward()  # allocates what libraries keep
    classes.grad = None
    before, losses, seconds = peak(), [], []
    info = neglog.torch.HeadInfo(kept=1.0, mean_dropped=0.0, largest_dropped=0.0)
    for step in range(steps):
        start = time.perf_counter()
        loss = loss_of(route, hidden, classes, target, info=None if step else info)
        loss.backward()
        with torch.no_grad():
            assert classes.grad is not None
            classes -= rate * classes.grad
        classes.grad = None
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
        print(
            f"\r{name_of(route):11} step {step + 1} of {steps}", end="", file=sys.stderr, flush=True
        )
    print(file=sys.stderr)
    found = {"losses": losses, "seconds": median(seconds), "memory": peak() - before}
    return found | {"kept": info.kept, "left_out": info.largest_dropped}


def run(route: str, arguments: list[str]) -> dict[str, Any]:
    """`tune` in a process of its own."""
    command = [sys.executable, __file__, "--route", route, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def name_of(route: str) -> str:
    """What a table or a picture calls it."""
    if route == TORCH:
        return TORCH
    return f"t = {float(route):.3g}" if float(route) else "neglog"


def apart(found: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """Relative difference between each curve and our exact one."""
    exact = found["neglog"]["losses"]
    return {
        name: [abs(loss - own) / own for loss, own in zip(one["losses"], exact, strict=True)]
        for name, one in found.items()
    }


def draw(found: dict[str, dict[str, Any]], path: Path) -> None:
    """All curves, their differences to the exact one, and what they cost."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3.2), layout="constrained")
    curves, difference, clock, memory = figure.subplots(1, 4, width_ratios=(3, 3, 2, 2))
    widths = dict(zip(found, (7, 4, 2), strict=False))  # so that curves below others remain visible
    for name, one in found.items():
        curves.plot(one["losses"], linewidth=widths.get(name, 1), label=name)
    curves.set(title="mean nll", xlabel="step")
    curves.legend()
    for colour, (name, values) in enumerate(apart(found).items()):
        if name != "neglog":
            difference.semilogy([value or nan for value in values], f"C{colour}.-")
    difference.set(title="relative difference to neglog", xlabel="step")
    labels = [name.replace("= ", "=\n") for name in found]
    colours = [f"C{colour}" for colour in range(len(found))]
    clock.bar(labels, [one["seconds"] for one in found.values()], color=colours)
    clock.set_title("seconds per step")
    memory.bar(labels, [one["memory"] / MIB for one in found.values()], color=colours)
    memory.set_title("MiB above the data")
    for bars in (clock, memory):
        bars.tick_params(axis="x", labelsize=8)
    figure.savefig(path, dpi=150)


def report(found: dict[str, dict[str, Any]]) -> None:
    """A column per route: losses, differences to the exact ones, time and memory."""

    def line(title: str, values: Iterable[str]) -> None:
        print(f"{title:22}" + "".join(f"{value:>14}" for value in values))

    routes, steps = found.values(), len(found["neglog"]["losses"])
    line("mean nll", found)
    for step in sorted({0, steps // 4, steps // 2, steps - 1}):
        line(f"  step {step}", (f"{one['losses'][step]:.6f}" for one in routes))
    line("largest difference", (f"{max(values):.0e}" for values in apart(found).values()))
    line("seconds per step", (f"{one['seconds']:.3f}" for one in routes))
    line("MiB above the data", (f"{one['memory'] / MIB:.0f}" for one in routes))
    print("of the first gradient")
    line("  entries computed", (f"{one['kept']:.2%}" for one in routes))
    line("  most mass left out", (f"{one['left_out']:.1e}" for one in routes))


def share(text: str) -> float:
    """A number between 0 and 1 from the command line."""
    number = float(text)
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return number


def main(argv: list[str] | None = None) -> None:
    """Tune by every route and compare; with --route, tune by one and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--classes", type=Path, metavar="NPZ")
    parser.add_argument("--states", type=Path, metavar="NPZ")
    parser.add_argument(
        "--size", type=int, nargs=3, default=[4096, 256, 16384], metavar=("N", "D", "V")
    )
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rate", type=float, help="learning rate (default: 30; with files, 0.01)")
    parser.add_argument(
        "--tolerance", type=share, action="append", metavar="T",
        help="one more route, with this grad_tolerance; repeatable (default: 1e-5 and 2^-12)",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, default=Path("lm_head.png"), metavar="PNG")
    parser.add_argument("--force", action="store_true", help="replace the picture if it exists")
    parser.add_argument("--route", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if (options.classes is None) != (options.states is None):
        parser.error("--classes and --states belong together")
    if options.rate is None:
        options.rate = 0.01 if options.classes else 30.0
    if options.route:
        files = options.classes, options.states
        head = read(*files) if options.classes else generated(*options.size)
        print(json.dumps(tune(options.route, head, options.steps, options.rate)))
        return
    if os.path.lexists(options.output) and not options.force:
        parser.error(f"{options.output} exists: give --force to replace it, or another --output")
    passed = ["--steps", str(options.steps), "--rate", str(options.rate)]
    passed += ["--size", *map(str, options.size)]
    if options.classes:
        passed += ["--classes", str(options.classes), "--states", str(options.states)]
    routes = [TORCH, "0", *map(str, options.tolerance or TOLERANCES)]
    found = {name_of(route): run(route, passed) for route in routes}
    report(found)
    draw(found, options.output)
    print(f"written to {options.output}")


if __name__ == "__main__":
    main()
