"""Compares a run with tests/budgets.py, the one place where a promise or a goal stands."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import budgets

from bench.cases import SHAPES
from bench.divisors import CHANGING, CONSTANT
from bench.head.problem import GENERATED
from bench.lookup import Run, find
from bench.timing import Row

Shape = tuple[int, ...]


class Verdict(NamedTuple):
    what: str
    shape: Shape | None
    wanted: str
    measured: str
    met: bool


def promises(run: Run) -> list[Verdict]:
    """Every promise that this run can judge."""
    return [
        *copy_fraction(run, budgets.COPY_PROMISES),
        *memory(run),
        *head_parts(run, budgets.HEAD_PROMISES),
        *head_errors(run),
        *head_memory(run),
        *accuracy(run),
    ]


def goals(run: Run) -> list[Verdict]:
    """Every goal that this run can judge."""
    return [
        *copy_fraction(run, budgets.COPY_GOALS),
        *changing_divisor(run),
        *head_parts(run, budgets.HEAD_GOALS),
    ]


def missed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    return [verdict for verdict in verdicts if not verdict.met]


def copy_fraction(run: Run, limits: tuple[budgets.CopyLimit, ...]) -> Iterator[Verdict]:
    for shape in SHAPES:
        found = [limit for limit in limits if shape[1] >= limit.least_classes]
        if not found or shape == budgets.SMALL_CALL:
            continue
        try:
            got = find(run["rows"], "forward + gradient", shape)["ratio"]["copy"]
        except LookupError:
            continue
        limit = max(found, key=lambda limit: limit.least_classes)
        name = "forward + gradient: fraction of memcpy speed"
        yield _at_least(name, shape, limit.at_least, got)


def changing_divisor(run: Run) -> Iterator[Verdict]:
    """Both dtypes of rows, and the head."""
    for limit in budgets.CHANGING_GOALS:
        for row in run["rows"]:
            if row["mode"] == CHANGING and tuple(row["shape"]) == limit.shape:
                name = f"{row['dtype']}, {CHANGING}: time / {CONSTANT}"
                yield _at_most(name, limit.shape, limit.at_most, 1 / row["ratio"][CONSTANT])


def accuracy(run: Run) -> Iterator[Verdict]:
    for dtype, peers in run["ulp"].items():
        limits = budgets.ULPS[dtype]
        for face in (name for name in budgets.FACES if name in peers):
            for what, most in (("nll", limits.nll), ("gradient", limits.grad)):
                got, name = float(peers[face][what]), f"{face}, {dtype} {what}: worst error"
                yield Verdict(name, None, f"<= {most:g} ulp", f"{got:.2f} ulp", got <= most)


def memory(run: Run) -> Iterator[Verdict]:
    limit = budgets.TORCH_MEMORY
    if "memory" in run:
        got = float(run["memory"]["arrays"]["neglog.torch"])
        name = "neglog.torch: peak memory above the logits, in arrays"
        yield _at_most(name, limit.shape, limit.at_most, got)


def linear_head(run: Run) -> dict[str, Any]:
    nothing: dict[str, Any] = {"source": GENERATED, "rows": [], "errors": {}, "memory": []}
    return run.get("head", nothing)


def head_parts(run: Run, limits: tuple[budgets.PartLimit, ...]) -> Iterator[Verdict]:
    """Times with a tolerance are judged on a real head only."""
    head = linear_head(run)
    for limit in limits:
        for row in judged(head, limit):
            if limit.of in row["ratio"]:
                dtype = "" if limit.dtype == "float32" else f"{limit.dtype}, "
                name = f"{limit.face}, linear head, {dtype}{limit.what}: time / {limit.of}"
                yield _at_most(name, tuple(row["shape"]), limit.at_most, 1 / row["ratio"][limit.of])


def judged(head: dict[str, Any], limit: budgets.PartLimit) -> list[Row]:
    """The rows that a limit is about."""
    tolerant = limit.what.startswith("grad_tolerance")
    if tolerant and head["source"] == GENERATED:
        return []
    shapes = None if tolerant else (budgets.HEAD_SHAPE, budgets.SLOW_HEAD_SHAPE)
    return [
        row
        for row in head["rows"]
        if (limit.face, limit.dtype, limit.what)
        == (next(iter(row["seconds"])), row["dtype"], row["mode"])
        and (shapes is None or tuple(row["shape"]) in shapes)
    ]


def head_errors(run: Run) -> Iterator[Verdict]:
    """How far gradients with a tolerance are off, on a real head."""
    head = linear_head(run)
    if head["source"] == GENERATED:
        return
    for face, modes in head["errors"].items():
        for limit in (limit for limit in budgets.HEAD_TOLERANCES if limit.what in modes):
            for what in ("hidden", "classes"):
                got, most = float(modes[limit.what][what]), getattr(limit, what)
                yield _at_most(f"{face}, {limit.what}: error of d{what}", None, most, got)


def head_memory(run: Run) -> Iterator[Verdict]:
    limit = budgets.HEAD_MEMORY
    for each in linear_head(run)["memory"]:
        shape, found = tuple(each["shape"]), each["bytes"]
        for face in (face for face in budgets.FACES if face in found):
            most, got = limit.bytes_for(shape) / 2**20, found[face] / 2**20
            yield _at_most(f"{face}, linear head: MiB above gradients", shape, most, got)


def _at_most(what: str, shape: Shape | None, most: float, got: float) -> Verdict:
    return Verdict(what, shape, f"<= {most:.3g}", f"{got:.3g}", got <= most)


def _at_least(what: str, shape: Shape | None, least: float, got: float) -> Verdict:
    return Verdict(what, shape, f">= {least:.3g}", f"{got:.2f}", got >= least)
