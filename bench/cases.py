"""What is measured: shapes, dtypes, and the buffers that every library reads and writes."""

from dataclasses import dataclass, field

import budgets
import numpy as np
from numpy.typing import DTypeLike, NDArray

SHAPES = (budgets.SMALL_CALL, *budgets.SHAPES)
SEGMENTATION = (8, 21, 256, 256)  # a class for each pixel; the class axis is not the last
DTYPES = ("float32", "float64", "bfloat16")
# What is timed -> which of a peer's Calls it is.
MODES = {"forward": "forward", "forward + gradient": "gradient"}
TORCH_MODES = {"forward + backward": "gradient"}
THREADS = 2


def size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def dtype_named(name: str) -> np.dtype:
    """The NumPy dtype of this name; bfloat16 is ml_dtypes'."""
    if name != "bfloat16":
        return np.dtype(name)
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16)


def aligned(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray:
    """An array at a multiple of 64 bytes, which JAX takes without a copy.

    It is filled once, so that no library pays for the first touch of a page.
    """
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


@dataclass(frozen=True)
class Case:
    """One problem. Libraries that can write into the caller's memory write into `grad`."""

    logits: NDArray  # (N, V), or (N, V, ...) as in torch
    target: NDArray[np.int64]  # (N,), or (N, ...)
    grad: NDArray = field(repr=False)  # as the logits

    @classmethod
    def random(cls, shape: tuple[int, ...], dtype: str, seed: int = 0) -> "Case":
        """Normal logits with standard deviation 3, and any target: no row is trivial or absurd."""
        rng = np.random.default_rng(seed)
        logits = aligned(shape, dtype_named(dtype))
        for part in np.array_split(logits, max(1, logits.size >> 24)):  # small temporaries
            part[...] = 3 * rng.standard_normal(part.shape, np.float32)
        target = aligned((shape[0], *shape[2:]), np.int64)
        target[...] = rng.integers(0, shape[1], target.shape)
        return cls(logits, target, aligned(shape, logits.dtype))

    @classmethod
    def row(cls, logits: NDArray, target: int) -> "Case":
        """A single row, so that the mean loss is its nll."""
        z = aligned((1, logits.size), logits.dtype)
        z[0] = logits
        y = aligned((1,), np.int64)
        y[0] = target
        return cls(z, y, aligned(z.shape, z.dtype))

    @property
    def dtype(self) -> str:
        return self.logits.dtype.name

    @property
    def rows(self) -> NDArray[np.int64]:
        return np.arange(len(self.target))
