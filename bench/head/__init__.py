"""The linear head compared with the matrix products that it needs, and with torch."""

import argparse
import gc
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import budgets
import numpy as np

from bench.head.problem import Answer, Exact, Head, check, distances, exact
from bench.head.routes import FACES, Call, Routes
from bench.peers import UnavailableError, library
from bench.timing import LIMITS, Row, Samples, once, row
from bench.torch_face import torch_library

GRADIENTS, LOSS, STATS = "loss + gradients", "loss", "row_stats"
HALF, NO_TOLERANCE = "half of the rows ignored", "grad_tolerance=0"
SLOW_TO_START = {"torch.compile"}
# Rounds of those that are reported only. torch chunked may take 10 s, and is not warmed up either.
FEW_ROUNDS = dict.fromkeys(("torch eager", "torch.compile", "torch chunked"), 2)
NO_WARM_UP = {"torch chunked"}
LEAST_ROUNDS = 4  # of calls that take seconds
FAR = 0.1  # a gradient with tolerance that is further off is wrong; its error is reported
QUICK = 10e9  # multiplications and additions per second that a product of HEAD_SHAPE needs

LeaveOut = Callable[[str, UnavailableError], None]


def quick_products(dtype: str) -> bool:
    """Whether torch's products in this dtype are quick enough for the large shapes.

    Without bfloat16 arithmetic in the CPU, torch's slowest product does 0.4e9 per second.
    """
    try:
        torch = torch_library()
    except UnavailableError:
        return True  # nothing is measured then
    n, width, num_classes = 64, 256, 2048
    left = torch.ones(n, num_classes, dtype=getattr(torch, dtype))
    right = torch.ones(num_classes, width, dtype=left.dtype)
    left[:1] @ right
    return n * width * num_classes / once(lambda: left @ right) > QUICK


def rows(options: argparse.Namespace, errors: dict[str, Any], leave_out: LeaveOut) -> Iterator[Row]:
    """Every row that is asked for; `errors` receives the errors of gradients with a tolerance.

    A given head is used where the answer depends on how peaked its softmax is.
    """
    asked = options.dtype or (["float32"] if options.quick else ["float32", "bfloat16"])
    whole = Head.generated(budgets.HEAD_SHAPE)
    if "float32" in asked:
        yield from on_head(whole, [exact_rows, loss_rows], options, leave_out)
    if "bfloat16" in asked:
        quick = quick_products("bfloat16")
        half = whole if quick else Head.generated(budgets.SLOW_HEAD_SHAPE)
        yield from on_head(half.as_dtype("bfloat16"), [exact_rows], options, leave_out)
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
            routes = make(head)
        except UnavailableError as reason:
            leave_out(name, reason)
            continue
        others = chosen(routes.others, options)
        for part in parts:
            yield from part(routes._replace(others=others), head, want, options.seconds)
        del routes
        gc.collect()


def chosen(others: dict[str, Call], options: Any) -> dict[str, Call]:
    wanted = set(options.peer or others) - (SLOW_TO_START if options.quick else set())
    return {name: call for name, call in others.items() if name in wanted}


def interleaved(
    calls: dict[str, Call], look: Callable[[str, Answer], None], seconds: float
) -> Samples:
    """Samples in rounds, as for shorter calls; each answer is checked in the first round."""
    order = np.random.default_rng(0)
    samples: Samples = {name: [] for name in calls}
    for name in calls.keys() - NO_WARM_UP:
        calls[name]()
    gc.collect()
    rounds, stop = 0, time.perf_counter() + seconds
    while rounds < LEAST_ROUNDS or time.perf_counter() < stop:
        for name in order.permutation(list(calls)):
            if rounds >= FEW_ROUNDS.get(name, rounds + 1):
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


def exact_rows(routes: Routes, head: Head, want: Exact, seconds: float) -> Iterator[Row]:
    """Loss and gradients of all rows, and of half of them."""
    calls = {routes.name: routes.gradients, "products": routes.products, **routes.others}
    known = dict.fromkeys(calls, want) | {"half": want.of_half()}

    wrong: dict[str, AssertionError] = {}

    def look(name: str, answer: Answer) -> None:
        try:
            check(f"{routes.name}: {name}", answer, known[name], LIMITS[head.dtype])
        except AssertionError as reason:
            if name not in routes.others:
                raise
            wrong[name] = reason  # halves of another library may be too imprecise to compare

    samples = interleaved(calls | {"half": routes.half}, look, seconds)
    for name, reason in wrong.items():
        print(f"{name} is left out: {reason}")
        del samples[name]
    half = {routes.name: samples.pop("half"), "products": samples["products"]}
    yield row(head.dtype, head.shape, GRADIENTS, samples)
    yield row(head.dtype, head.shape, HALF, half | {"all rows": samples[routes.name]})


def loss_rows(routes: Routes, head: Head, want: Exact, seconds: float) -> Iterator[Row]:
    """The loss alone, and all numbers of every row, compared with one product."""
    calls = {LOSS: routes.loss, STATS: routes.row_stats}

    def look(name: str, answer: Answer) -> None:
        check(f"{routes.name}: {name}", answer, want, LIMITS[head.dtype])

    samples = interleaved(calls | {"products": routes.product}, look, seconds)
    for mode in calls:
        both = {routes.name: samples[mode], "products": samples["products"]}
        yield row(head.dtype, head.shape, mode, both)


def tolerance_rows(
    routes: Routes, head: Head, want: Exact, seconds: float, errors: dict[str, Any]
) -> Iterator[Row]:
    """Loss and gradients, exact and with each tolerance that has a promise."""
    numbers = {NO_TOLERANCE: 0.0} | {
        limit.what: limit.tolerance for limit in budgets.HEAD_TOLERANCES
    }
    calls: dict[str, Call] = {
        mode: partial(routes.gradients, grad_tolerance=number) for mode, number in numbers.items()
    }

    def look(name: str, answer: Answer) -> None:
        limit = FAR if numbers[name] else LIMITS[head.dtype]
        check(f"{routes.name}: {name}", answer, want, limit)

    found = errors[routes.name] = {}
    for mode, call in calls.items():
        info = library("neglog").HeadInfo()
        answer = call(info=info)
        look(mode, answer)
        found[mode] = distances(answer, want) | {"kept": info.kept}
        del answer
    samples = interleaved(calls | {"products": routes.products}, look, seconds)
    for mode in calls:
        both = {routes.name: samples[mode], "products": samples["products"]}
        yield row(head.dtype, head.shape, mode, both)
