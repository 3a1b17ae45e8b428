"""Functions that are no losses: each does one thing that a checker must survive."""

import ctypes
import os
import sys
import time
from typing import Any

import numpy as np

import neglog


def raises(z: Any, y: Any) -> Any:
    raise KeyError("no such thing")


def hangs(z: Any, y: Any) -> Any:
    while True:
        pass


def sleeps(z: Any, y: Any) -> Any:
    time.sleep(1000)


def crashes(z: Any, y: Any) -> Any:
    return ctypes.string_at(0)


def exits(z: Any, y: Any) -> Any:
    os._exit(7)


def leaves(z: Any, y: Any) -> Any:
    sys.exit("enough")


def none(z: Any, y: Any) -> Any:
    neglog.cross_entropy(z, y)


def text(z: Any, y: Any) -> Any:
    return "0.83"


def matrix(z: Any, y: Any) -> Any:
    return z


def huge(z: Any, y: Any) -> Any:
    return np.broadcast_to(np.zeros(1), (1 << 40,))


def hungry(z: Any, y: Any) -> Any:
    return np.ones(1 << 42)


class Bristly:
    """Whatever is asked of it raises."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no")

    __eq__ = __bool__ = __float__ = __array__ = __len__ = _refuse  # type: ignore[assignment]


def bristly(z: Any, y: Any) -> Any:
    return Bristly()


def prints(z: Any, y: Any) -> Any:
    print("the loss is")
    print("\x1b[31mred", file=sys.stderr)
    os.write(1, b"raw")
    return neglog.cross_entropy(z, y)


def forks(z: Any, y: Any) -> Any:
    if os.fork() == 0:
        time.sleep(1000)
    return neglog.cross_entropy(z, y)


def copies(z: Any, y: Any) -> Any:
    os.fork()
    return neglog.cross_entropy(z, y)


def writes(z: Any, y: Any) -> Any:
    loss = neglog.cross_entropy(z, y)
    y[:] = 0
    return loss


counted: list[int] = []


def counts(z: Any, y: Any) -> Any:
    counted.append(1)
    return neglog.cross_entropy(z, y) * len(counted)


def noisy(z: Any, y: Any) -> Any:
    return neglog.cross_entropy(z, y) + np.random.default_rng().random()


def sum_of_rows(z: Any, y: Any) -> Any:
    return neglog.cross_entropy(z, y, reduction="sum")


def good(z: Any, y: Any) -> Any:
    return neglog.cross_entropy(z, y)


not_a_function = 3
