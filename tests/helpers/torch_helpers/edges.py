"""Rows with infinities and the options, for the tests of the edge table and of arguments."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from neglog.torch import cross_entropy
from torch_helpers import (  # noqa: F401
    DTYPES,
    ROUTES,
    elsewhere,
    loss_and_grad,
    result_dtype,
    steady,
)

E, INF, NAN = math.e, math.inf, math.nan


OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.2},
    {"z_loss": 0.1},
    {"temperature": 0.7},
    {"softcap": 5.0},
    {"weight": torch.tensor([1.0, 0.0, 2.0])},
    {"label_smoothing": 0.2, "z_loss": 0.1, "temperature": 2.0, "softcap": 20.0},
]


REDUCTIONS = ("mean", "sum", "none")


every_route = pytest.mark.parametrize("route", ROUTES)


every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def losses_of(target: Tensor, **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda logits: cross_entropy(logits, target, **options)
