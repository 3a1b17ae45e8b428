"""Arrays that record nothing but refuse what a tracer refuses: to be read by Python's control flow.

Each holds a NumPy array, so that results can be compared; `bool`, `float`, `int` and iteration
raise, as they do on a JAX tracer inside of jit.
"""

import operator
from typing import Any

import numpy as np


class Traced:
    """An array of which a program may know the shape and the dtype only."""

    __array_priority__ = 100  # a NumPy scalar on the left hands over

    def __init__(self, value: Any) -> None:
        self.hidden = np.asarray(value)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.hidden.shape

    @property
    def dtype(self) -> Any:
        return self.hidden.dtype

    def reshape(self, shape: tuple[int, ...]) -> "Traced":
        return Traced(self.hidden.reshape(shape))

    def _refuse(self) -> Any:
        raise TypeError("the value of a traced array was asked for")

    __bool__ = __float__ = __int__ = __index__ = __len__ = __iter__ = __array__ = _refuse
    __hash__ = None  # type: ignore[assignment]


def plain(x: Any) -> Any:
    """The value behind a traced array; anything else as it is."""
    return x.hidden if isinstance(x, Traced) else x


def _operator(name: str, *, reflected: bool = False) -> Any:
    function = getattr(operator, name)

    def call(self: Traced, other: Any) -> Traced:
        pair = (plain(other), self.hidden) if reflected else (self.hidden, plain(other))
        with np.errstate(all="ignore"):
            return Traced(function(*pair))

    return call


for _name in ("add", "sub", "mul", "truediv", "eq", "ne", "lt", "gt", "and_", "or_"):
    setattr(Traced, f"__{_name.strip('_')}__", _operator(_name))
for _name in ("add", "sub", "mul", "truediv"):
    setattr(Traced, f"__r{_name}__", _operator(_name, reflected=True))


class TracedOps:
    """`ArrayOps` of traced arrays."""

    row_dtype = np.dtype(np.float64)

    def full(self, shape: tuple[int, ...], fill_value: float) -> Traced:
        return Traced(np.full(shape, fill_value))

    def astype(self, x: Traced, dtype: Any) -> Traced:
        return Traced(x.hidden.astype(dtype))

    def where(self, condition: Traced, x1: Any, x2: Any) -> Traced:
        return Traced(np.where(condition.hidden, plain(x1), plain(x2)))

    def isfinite(self, x: Traced) -> Traced:
        return Traced(np.isfinite(x.hidden))

    def sum(self, x: Traced) -> Traced:
        return Traced(np.add.reduce(x.hidden))

    def take(self, x: Traced, indices: Traced) -> Traced:
        return Traced(x.hidden[indices.hidden])

    def clip(self, x: Traced, low: int, high: int) -> Traced:
        return Traced(x.hidden.clip(low, high))

    def broadcast_to(self, x: Traced, shape: tuple[int, ...]) -> Traced:
        return Traced(np.broadcast_to(x.hidden, shape))
