"""Times calls against each other. Every round runs all of them, so a slow second of the machine
slows all. What counts is the median of the ratios within the rounds."""

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.cases import Case
from bench.peers import Calls, to_numpy

Row = dict[str, Any]
Samples = dict[str, list[float]]

LEAST_SAMPLE = 2e-3  # seconds; shorter calls are repeated inside one sample
SHORT = 50e-3  # seconds; before a shorter call, other libraries' threads may fall asleep
SLOW = 6  # a peer this many times slower than the fastest runs in every third round only


def once(call: Callable[[], Any], repeat: int = 1) -> float:
    """Seconds of one call, the mean over `repeat` of them."""
    start = time.perf_counter()
    for _ in range(repeat):
        call()
    return (time.perf_counter() - start) / repeat


def sample(call: Callable[[], Any], expected: float) -> float:
    """One sample of a call that is expected to take `expected` seconds.

    OpenMP's threads spin for a while after their work, which would slow another library's short
    call. So we wait for them, and one untimed call wakes the library's own threads.
    """
    if expected < SHORT:
        time.sleep(LEAST_SAMPLE)
        call()
    return once(call, max(1, int(LEAST_SAMPLE / expected)))


def warm_up(call: Callable[[], Any]) -> float:
    """Seconds of a first call, or the lesser of two if a call is short."""
    first = once(call)
    return first if first > 1 else min(first, once(call))


def interleaved(calls: dict[str, Callable[[], Any]], seconds: float) -> Samples:
    """Samples of every call: name -> seconds; nan in the rounds that a slow call skips."""
    warm = {name: warm_up(call) for name, call in calls.items()}
    slow = {name for name, t in warm.items() if t > SLOW * min(warm.values())}
    samples: Samples = {name: [] for name in calls}
    names, order = list(calls), np.random.default_rng(0)
    stop = time.perf_counter() + seconds
    gc.collect()
    gc.disable()
    try:
        rounds = 0
        while rounds < 5 or (time.perf_counter() < stop and rounds < 300):
            for name in order.permutation(names):
                skip = name in slow and rounds % 3
                samples[name].append(np.nan if skip else sample(calls[name], warm[name]))
            rounds += 1
    finally:
        gc.enable()
    return samples


def median(values: list[float]) -> float:
    return float(np.nanmedian(values))


def ratio(peer: list[float], ours: list[float]) -> float:
    """How many times longer the peer takes: the median over the rounds with both."""
    pairs = [p / o for p, o in zip(peer, ours, strict=True) if not np.isnan(p + o)]
    return statistics.median(pairs)


def row(dtype: str, shape: tuple[int, ...], mode: str, samples: Samples) -> Row:
    """One line of the report; the first name is ours, and the others are compared with it."""
    ours, *others = samples
    return {
        "dtype": dtype,
        "shape": shape,
        "mode": mode,
        "rounds": len(samples[ours]),
        "seconds": {name: median(values) for name, values in samples.items()},
        "ratio": {name: ratio(samples[name], samples[ours]) for name in others},
    }


def truth(case: Case) -> tuple[float, NDArray[np.float64]]:
    """The mean loss, and the gradient of every `stride`-th row, in float64, some rows at a time."""
    total = 0.0
    for z, y in zip(pieces(case.logits), pieces(case.target), strict=True):
        p, log_sum = softmax64(z)
        chosen = np.take_along_axis(z, y[:, None], axis=1)[:, 0]
        total += float((log_sum - chosen).sum())
    step = stride(len(case.target))
    p, _ = softmax64(case.logits[::step])
    own = case.target[::step][:, None]
    np.put_along_axis(p, own, np.take_along_axis(p, own, axis=1) - 1, axis=1)
    return total / case.target.size, p / case.target.size


def pieces(array: NDArray) -> list[NDArray]:
    return np.array_split(array, min(len(array), 64))


def softmax64(logits: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    z = logits.astype(np.float64)
    top = z.max(axis=1, keepdims=True)
    e = np.exp(z - top)
    total = e.sum(axis=1, keepdims=True)
    return e / total, (np.log(total) + top)[:, 0]


def stride(rows: int) -> int:
    """One row in many is enough to check a gradient, and keeps the temporaries small."""
    return max(1, rows // 64)


# Loose on purpose: this finds a wrong formula or a stale buffer, relative to the largest entry.
# accuracy.py measures how accurate each library is.
LIMITS = {"float64": 1e-9, "float32": 2e-4, "float16": 2e-2, "bfloat16": 2e-2}


def check(name: str, case: Case, calls: Calls, answers: tuple[float, NDArray[np.float64]]) -> None:
    """Raises if a library's answer is wrong; unchecked answers are not timed."""
    loss, grad = answers
    forward, (value, got) = calls.forward(), calls.gradient()
    if value is None:  # a copy has no loss
        return
    rows = to_numpy(got[:: stride(len(case.target))])
    pairs = ((to_numpy(forward), loss), (to_numpy(value), loss), (rows, grad))
    for what, (have, want) in zip(("forward", "loss", "gradient"), pairs, strict=True):
        check_close(f"{name}: {what}", have, want, LIMITS[case.dtype])


def check_close(what: str, have: Any, want: Any, limit: float) -> None:
    error = float(np.max(np.abs(have - want)) / np.max(np.abs(want)))
    if not error <= limit:
        raise AssertionError(f"{what} is off by {error:.1e} of its size")
