"""Holds a run against tests/budgets.py, the one place where a promised number stands."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import budgets

from bench.cases import SHAPES

Shape = tuple[int, int]
Run = dict[str, Any]
CALL = {"call": "forward"}  # a small call is a forward
FACES = ("neglog", "neglog.torch")


class Verdict(NamedTuple):
    what: str
    shape: Shape | None
    wanted: str
    measured: str
    met: bool


def ratios(run: Run) -> dict[tuple[str, str, Shape], dict[str, float]]:
    """(dtype, mode, shape) -> {peer: how many times longer it takes}."""
    return {(row["dtype"], row["mode"], tuple(row["shape"])): row["ratio"] for row in run["rows"]}


def title(limit: budgets.SpeedLimit) -> str:
    dtype = "" if limit.dtype == "float32" else f"{limit.dtype}, "
    return f"{dtype}{limit.what} against {limit.peer}"


def speed(run: Run) -> Iterator[Verdict]:
    measured = ratios(run)
    limits = (*budgets.SPEED, *budgets.TORCH_SPEED)
    named = {(title(limit), limit.shape) for limit in limits}
    for limit in limits:
        mode = CALL.get(limit.what, limit.what)
        for shape in [limit.shape] if limit.shape else budgets.SHAPES:
            covered = limit.shape is None and (title(limit), shape) in named
            got = measured.get((limit.dtype, mode, shape), {}).get(limit.peer)
            if got is not None and not covered:
                yield _verdict(title(limit), shape, limit.at_least, got, "x")


def copy_part(run: Run) -> Iterator[Verdict]:
    measured = ratios(run)
    for shape in SHAPES:
        got = measured.get(("float32", "forward + gradient", shape), {}).get("copy")
        parts = [part for part in budgets.COPY_PART if shape[1] >= part.least_classes]
        if got is not None and parts and shape != budgets.SMALL_CALL:
            part = max(parts, key=lambda part: part.least_classes)
            yield _verdict("part of a memory copy's speed", shape, part.at_least, got, "")


def accuracy(run: Run) -> Iterator[Verdict]:
    for dtype, peers in run["ulp"].items():
        limits = budgets.ULPS[dtype]
        for face in (name for name in FACES if name in peers):
            for what, most in (("nll", limits.nll), ("gradient", limits.grad)):
                got, name = float(peers[face][what]), f"{face}, {dtype} {what}"
                yield Verdict(name, None, f"<= {most:g} ulp", f"{got:.2f}", got <= most)


def memory(run: Run) -> Iterator[Verdict]:
    limit = budgets.TORCH_MEMORY
    if "memory" in run:
        got = float(run["memory"]["arrays"]["neglog.torch"])
        what, wanted = "peak memory above the logits", f"<= {limit.at_most:g} arrays"
        yield Verdict(what, limit.shape, wanted, f"{got:.2f}", got <= limit.at_most)


def _verdict(what: str, shape: Shape, least: float, got: float, unit: str) -> Verdict:
    return Verdict(what, shape, f">= {least:.3g}{unit}", f"{got:.2f}{unit}", got >= least)


def verdicts(run: Run) -> list[Verdict]:
    return [*speed(run), *copy_part(run), *memory(run), *accuracy(run)]
