"""The linear heads that are measured: from files, or generated as peaked as a real one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bench.cases import dtype_named
from bench.peers import to_numpy
from bench.timing import softmax64

GENERATED = "generated"
IGNORED = -100
PIECE = 128  # rows of float64 logits at a time

# Logits of this standard deviation are as peaked as those of SmolLM2's head (49152 classes):
# 2 % of its entries have a probability of 1e-5 or more, 0.3 % one of 2**-12 or more.
SPREAD = 4.3
OWN_LOGIT = 19.0  # of the target, before noise: a mean nll of about 3 nats

# Loss, or the nll of every row; gradients of hidden and classes, None if not requested.
Answer = tuple[Any, Any, Any]


class Exact(NamedTuple):
    """The nll of every row and the gradients of the mean, in float64."""

    nll: NDArray[np.float64]
    hidden: NDArray[np.float64]
    classes: NDArray[np.float64] | None  # None: not known

    def of_half(self) -> "Exact":
        """The same with the odd rows ignored."""
        hidden = 2 * self.hidden
        hidden[1::2] = 0
        return Exact(self.nll[::2], hidden, None)


@dataclass(frozen=True)
class Head:
    """Hidden states, the vectors of the classes, and the target of each row."""

    hidden: NDArray  # (N, D)
    classes: NDArray  # (V, D)
    target: NDArray[np.int64]  # (N,)
    source: str = GENERATED  # or the names of the files

    @classmethod
    def generated(cls, shape: tuple[int, int, int]) -> "Head":
        """Of shape (N, D, V). Rare classes are rarely a target."""
        n, width, num_classes = shape
        random = np.random.default_rng(0)
        classes = random.standard_normal((num_classes, width), np.float32)
        target = (num_classes * random.random(n) ** 3).astype(np.int64)
        hidden = random.standard_normal((n, width), np.float32)
        hidden *= SPREAD / width**0.5
        hidden += OWN_LOGIT / width * classes[target]
        return cls(hidden, classes, target)

    @classmethod
    def read(cls, classes: Path, states: Path) -> "Head":
        """From .npz files: `classes` (V, D); `hidden` (N, D) and `target` (N,).

        Raises:
            ValueError: a file lacks these arrays, or they do not fit each other.
            OSError: a file cannot be read.
        """
        (table,) = _arrays(classes, "classes")
        hidden, target = _arrays(states, "hidden", "target")
        _check("classes", table, 2, "f")
        _check("hidden", hidden, 2, "f")
        _check("target", target, 1, "iu")
        if hidden.shape[1] != table.shape[1]:
            raise ValueError(f"hidden {hidden.shape} and classes {table.shape} differ in width")
        if len(target) != len(hidden):
            raise ValueError(f"{len(target)} targets do not fit {len(hidden)} hidden states")
        if target.min() < 0 or target.max() >= len(table):
            raise ValueError(
                f"target must lie in 0 to {len(table) - 1}, one of {len(table)} classes"
            )
        states32, table32 = hidden.astype(np.float32), table.astype(np.float32)
        return cls(states32, table32, target.astype(np.int64), f"{classes.name}, {states.name}")

    @property
    def half_ignored(self) -> NDArray[np.int64]:
        """The target with every odd row ignored."""
        target = self.target.copy()
        target[1::2] = IGNORED
        return target

    @property
    def shape(self) -> tuple[int, int, int]:
        return *self.hidden.shape, len(self.classes)

    @property
    def dtype(self) -> str:
        return self.hidden.dtype.name

    def as_dtype(self, name: str) -> "Head":
        dtype = dtype_named(name)
        return Head(self.hidden.astype(dtype), self.classes.astype(dtype), self.target, self.source)


def _arrays(path: Path, *names: str) -> list[NDArray]:
    """Nothing in a file is unpickled."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            return [file[name] for name in names]
    except (KeyError, TypeError, ValueError, EOFError, BadZipFile) as reason:
        wanted = " and ".join(names)
        raise ValueError(f"{path} must be an .npz file with {wanted}: {reason}") from None


def _check(name: str, array: NDArray, ndim: int, kinds: str) -> None:
    if array.ndim != ndim or not array.size:
        raise ValueError(f"{name} must have {ndim} axes and be not empty, got shape {array.shape}")
    if array.dtype.kind not in kinds:
        wanted = "floats" if kinds == "f" else "integers"
        raise ValueError(f"{name} must be {wanted}, got {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite numbers")


def exact(head: Head) -> Exact:
    """nll and gradients, from all logits in float64, some rows at a time."""
    states, table = head.hidden.astype(np.float64), head.classes.astype(np.float64)
    n = len(states)
    nll, hidden, classes = np.empty(n), np.empty_like(states), np.zeros_like(table)
    for start in range(0, n, PIECE):
        rows = slice(start, start + PIECE)
        z, y = states[rows] @ table.T, head.target[rows, None]
        p, log_sum = softmax64(z)
        nll[rows] = log_sum - np.take_along_axis(z, y, 1)[:, 0]
        np.put_along_axis(p, y, np.take_along_axis(p, y, 1) - 1, 1)
        p /= n
        np.matmul(p, table, out=hidden[rows])
        classes += p.T @ states[rows]
    return Exact(nll, hidden, classes)


def distances(have: Answer, want: Exact) -> dict[str, float]:
    """Relative error of the loss and of each requested gradient, in norms."""
    loss, *gradients = have
    right = want.nll.mean()
    found = {"loss": float(abs(to_numpy(loss).mean() - right) / abs(right))}
    for name, got, exact_one in zip(("hidden", "classes"), gradients, want[1:], strict=True):
        if got is not None and exact_one is not None:
            off = np.linalg.norm(to_numpy(got) - exact_one)
            found[name] = float(off / np.linalg.norm(exact_one))
    return found


def check(who: str, have: Answer, want: Exact, limit: float) -> None:
    """Raises if an answer is wrong; unchecked answers are not timed."""
    for name, error in distances(have, want).items():
        if not error <= limit:
            what = name if name == "loss" else f"gradient of {name}"
            raise AssertionError(f"{who}: {what} is off by {error:.1e} of its norm")
