"""The linear head beside the matrix products that it cannot do without, and beside torch."""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import budgets
import numpy as np

from bench.head_problem import Answer, Exact, Head, check, distances, exact
from bench.head_ways import FACES, Call, Ways
from bench.peers import UnavailableError, library
from bench.timing import LIMITS, Row, Samples, row

GRADIENTS, LOSS, STATS = "loss + gradients", "loss", "row_stats"
HALF, NO_TOLERANCE = "half of the rows ignored", "grad_tolerance=0"
SLOW_TO_START = {"torch.compile"}
SLOW = {"torch chunked"}  # takes 10 s and more in bfloat16: two rounds of it, and no other call
LEAST_ROUNDS = 4  # of calls that take seconds
FAR = 0.1  # a gradient with tolerance that is further off is wrong; how far it is, is reported

LeaveOut = Callable[[str, UnavailableError], None]


def rows(options: argparse.Namespace, errors: dict[str, Any], leave_out: LeaveOut) -> Iterator[Row]:
    """Every row that is asked for; how far gradients with a tolerance are off goes into `errors`.

    A head that is given is used where the answer depends on how peaked its softmax is.
    """
    asked = options.dtype or (["float32"] if options.quick else ["float32", "bfloat16"])
    whole = Head.generated(budgets.HEAD_SHAPE)
    if "float32" in asked:
        yield from on_head(whole, [exact_rows, loss_rows], options, leave_out)
    if "bfloat16" in asked:
        yield from on_head(whole.as_dtype("bfloat16"), [exact_rows], options, leave_out)
    if "float32" in asked:
        peaked = options.head or Head.generated(budgets.PEAKED_SHAPE)
        with_tolerance = partial(tolerance_rows, errors=errors)
        yield from on_head(peaked, [with_tolerance], options, leave_out)


def on_head(
    head: Head, parts: list[Callable[..., Iterator[Row]]], options: Any, leave_out: LeaveOut
) -> Iterator[Row]:
    """The parts of the measurement, for every face that can do them."""
    want = exact(head)
    for name, make in FACES.items():
        if name == "neglog" and head.dtype == "bfloat16":
            continue  # NumPy has no product of it
        try:
            ways = make(head)
        except UnavailableError as reason:
            leave_out(name, reason)
            continue
        others = chosen(ways.others, options)
        for part in parts:
            yield from part(ways._replace(others=others), head, want, options.seconds)
        del ways
        gc.collect()


def chosen(others: dict[str, Call], options: Any) -> dict[str, Call]:
    wanted = set(options.peer or others) - (SLOW_TO_START if options.quick else set())
    return {name: call for name, call in others.items() if name in wanted}


def interleaved(
    calls: dict[str, Call], look: Callable[[str, Answer], None], seconds: float
) -> Samples:
    """Samples in rounds, as of shorter calls; each answer is looked at before it is used."""
    order = np.random.default_rng(0)
    samples: Samples = {name: [] for name in calls}
    for name in calls.keys() - SLOW:
        calls[name]()
    gc.collect()
    rounds, stop = 0, time.perf_counter() + seconds
    while rounds < LEAST_ROUNDS or time.perf_counter() < stop:
        for name in order.permutation(list(calls)):
            if name in SLOW and rounds >= 2:
                samples[name].append(np.nan)
                continue
            start = time.perf_counter()
            answer = calls[name]()
            samples[name].append(time.perf_counter() - start)
            if answer is not None and not rounds:
                look(name, answer)
            del answer
        rounds += 1
    return samples


def exact_rows(ways: Ways, head: Head, want: Exact, seconds: float) -> Iterator[Row]:
    """Loss and gradients of every row, and of half of them."""
    calls = {ways.name: ways.gradients, "products": ways.products, **ways.others}
    known = dict.fromkeys(calls, want) | {"half": want.of_half()}

    def look(name: str, answer: Answer) -> None:
        check(f"{ways.name}: {name}", answer, known[name], LIMITS[head.dtype])

    samples = interleaved(calls | {"half": ways.half}, look, seconds)
    half = {ways.name: samples.pop("half"), "products": samples["products"]}
    yield row(head.dtype, head.shape, GRADIENTS, samples)
    yield row(head.dtype, head.shape, HALF, half | {"all rows": samples[ways.name]})


def loss_rows(ways: Ways, head: Head, want: Exact, seconds: float) -> Iterator[Row]:
    """The loss alone, and the numbers of every row, beside one product."""
    calls = {LOSS: ways.loss, STATS: ways.row_stats}

    def look(name: str, answer: Answer) -> None:
        check(f"{ways.name}: {name}", answer, want, LIMITS[head.dtype])

    samples = interleaved(calls | {"products": ways.product}, look, seconds)
    for mode in calls:
        both = {ways.name: samples[mode], "products": samples["products"]}
        yield row(head.dtype, head.shape, mode, both)


def tolerance_rows(
    ways: Ways, head: Head, want: Exact, seconds: float, errors: dict[str, Any]
) -> Iterator[Row]:
    """Loss and gradients, exact and with each tolerance that something is promised of."""
    numbers = {NO_TOLERANCE: 0.0} | {
        limit.what: limit.tolerance for limit in budgets.HEAD_TOLERANCES
    }
    calls: dict[str, Call] = {
        mode: partial(ways.gradients, grad_tolerance=number) for mode, number in numbers.items()
    }

    def look(name: str, answer: Answer) -> None:
        limit = FAR if numbers[name] else LIMITS[head.dtype]
        check(f"{ways.name}: {name}", answer, want, limit)

    found = errors[ways.name] = {}
    for mode, call in calls.items():
        info = library("neglog").HeadInfo()
        answer = call(info=info)
        look(mode, answer)
        found[mode] = distances(answer, want) | {"kept": info.kept}
        del answer
    samples = interleaved(calls | {"products": ways.products}, look, seconds)
    for mode in calls:
        both = {ways.name: samples[mode], "products": samples["products"]}
        yield row(head.dtype, head.shape, mode, both)
