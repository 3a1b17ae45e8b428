"""Holds a run against tests/budgets.py, the one place where a promised number stands."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import budgets

from bench.cases import SHAPES

Shape = tuple[int, int]
Run = dict[str, Any]
CALL = {"call": "forward"}  # a small call is a forward


class Verdict(NamedTuple):
    what: str
    shape: Shape | None
    wanted: str
    measured: str
    met: bool


def ratios(run: Run) -> dict[tuple[str, Shape], dict[str, float]]:
    """(mode, shape) -> {peer: how many times longer it takes}, float32."""
    return {
        (row["mode"], tuple(row["shape"])): row["ratio"]
        for row in run["rows"]
        if row["dtype"] == "float32"
    }


def speed(run: Run) -> Iterator[Verdict]:
    measured = ratios(run)
    named = {(limit.what, limit.peer, limit.shape) for limit in budgets.SPEED}
    for limit in budgets.SPEED:
        mode = CALL.get(limit.what, limit.what)
        for shape in [limit.shape] if limit.shape else budgets.SHAPES:
            covered = limit.shape is None and (limit.what, limit.peer, shape) in named
            got = measured.get((mode, shape), {}).get(limit.peer)
            if got is not None and not covered:
                what = f"{limit.what} against {limit.peer}"
                yield _verdict(what, shape, limit.at_least, got, "x")


def copy_part(run: Run) -> Iterator[Verdict]:
    measured = ratios(run)
    for shape in SHAPES:
        got = measured.get(("forward + gradient", shape), {}).get("copy")
        parts = [part for part in budgets.COPY_PART if shape[1] >= part.least_classes]
        if got is not None and parts and shape != budgets.SMALL_CALL:
            part = max(parts, key=lambda part: part.least_classes)
            yield _verdict("part of a memory copy's speed", shape, part.at_least, got, "")


def accuracy(run: Run) -> Iterator[Verdict]:
    for dtype, peers in run["ulp"].items():
        limits, ours = budgets.ULPS[dtype], peers["neglog"]
        for what, most in (("nll", limits.nll), ("gradient", limits.grad)):
            got = float(ours[what])
            yield Verdict(f"{dtype} {what}", None, f"<= {most:g} ulp", f"{got:.2f}", got <= most)


def _verdict(what: str, shape: Shape, least: float, got: float, unit: str) -> Verdict:
    return Verdict(what, shape, f">= {least:g}{unit}", f"{got:.2f}{unit}", got >= least)


def verdicts(run: Run) -> list[Verdict]:
    return [*speed(run), *copy_part(run), *accuracy(run)]
