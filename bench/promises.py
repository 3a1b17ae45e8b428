"""Holds a run against tests/budgets.py, the one place where a promised number stands."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import budgets

from bench.cases import SHAPES
from bench.head_problem import GENERATED
from bench.timing import Row

Shape = tuple[int, ...]
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


def head(run: Run) -> Iterator[Verdict]:
    """What the head promises; with a tolerance only of a real one."""
    if "head" in run:
        yield from head_parts(run["head"]["rows"])
        yield from head_speed(run["head"]["rows"])
        if run["head"]["source"] != GENERATED:
            yield from head_tolerance(run["head"])
        yield from head_memory(run["head"]["memory"])


def head_ratios(rows: list[Row], shape: Shape) -> dict[tuple[str, str, str], dict[str, float]]:
    """(face, dtype, mode) -> {peer: how many times longer it takes}."""
    own = (row for row in rows if tuple(row["shape"]) == shape)
    return {(next(iter(row["seconds"])), row["dtype"], row["mode"]): row["ratio"] for row in own}


def head_parts(rows: list[Row]) -> Iterator[Verdict]:
    shape = budgets.HEAD_SHAPE
    measured = head_ratios(rows, shape)
    for limit in budgets.HEAD_PARTS:
        found = measured.get((limit.face, limit.dtype, limit.what), {})
        if limit.of in found:
            dtype = "" if limit.dtype == "float32" else f"{limit.dtype}, "
            what = f"{limit.face}, {dtype}{limit.what}: part of {limit.of}"
            yield _at_most(what, shape, limit.at_most, 1 / found[limit.of])


def head_speed(rows: list[Row]) -> Iterator[Verdict]:
    for limit in budgets.HEAD_SPEED:
        assert limit.shape
        measured = head_ratios(rows, limit.shape)
        found = measured.get(("neglog.torch", limit.dtype, limit.what), {})
        if limit.peer in found:
            name = f"linear head, {title(limit)}"
            yield _verdict(name, limit.shape, limit.at_least, found[limit.peer], "x")


def head_tolerance(found: dict[str, Any]) -> Iterator[Verdict]:
    for limit in budgets.HEAD_TOLERANCES:
        for row in (row for row in found["rows"] if row["mode"] == limit.what):
            face, shape = next(iter(row["seconds"])), tuple(row["shape"])
            name, part = f"{face}, {limit.what}", 1 / row["ratio"]["products"]
            yield _at_most(f"{name}: part of products", shape, limit.at_most, part)
            for what in ("hidden", "classes"):
                got, most = float(found["errors"][face][limit.what][what]), getattr(limit, what)
                yield _at_most(f"{name}: error of d{what}", shape, most, got)


def head_memory(measured: list[dict[str, Any]]) -> Iterator[Verdict]:
    limit = budgets.HEAD_MEMORY
    for each in measured:
        shape, found = tuple(each["shape"]), each["bytes"]
        for face in (face for face in limit.faces if face in found):
            most, got = limit.bytes_for(shape[-1]) / 2**20, found[face] / 2**20
            yield _at_most(f"{face}, linear head: MiB above gradients", shape, most, got)
            if "torch eager" in found:
                name = f"{face}, linear head: part of torch eager's memory"
                yield _at_most(name, shape, limit.part, found[face] / found["torch eager"])


def _at_most(what: str, shape: Shape, most: float, got: float) -> Verdict:
    return Verdict(what, shape, f"<= {most:.3g}", f"{got:.3g}", got <= most)


def _verdict(what: str, shape: Shape, least: float, got: float, unit: str) -> Verdict:
    return Verdict(what, shape, f">= {least:.3g}{unit}", f"{got:.2f}{unit}", got >= least)


def verdicts(run: Run) -> list[Verdict]:
    return [*speed(run), *copy_part(run), *memory(run), *head(run), *accuracy(run)]
