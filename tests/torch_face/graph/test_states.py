"""Long rows of halves leave states behind: their gradient takes one more pass over the logits."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.graph import LARGE, backward, problem

from neglog import _engine
from neglog.torch import cross_entropy
from neglog.torch._engines import kernels, states

HALVES = (torch.float16, torch.bfloat16)
N = 64  # the fewest rows whose states are kept
WIDTHS = (257, 1024, 9000, 17000)  # the fewest, whole vectors, two parts, three


def hard(num_classes: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Twins of the maximum, rows far from 0, infinities, a nan, ignored rows."""
    logits, target = problem((N, num_classes), dtype)
    with torch.no_grad():
        logits[1] = 2.0
        logits[2, -3:] = 9.0
        logits[3] += 60000 if dtype == torch.float16 else 1e6
        logits[4, 5:] = -math.inf
        logits[5] = -math.inf
        logits[6, 7] = math.inf
        logits[7, ::200] = math.nan
        logits[8::3] *= 20
    target[9::2] = logits[9::2].detach().nan_to_num().argmax(1)
    return logits.detach(), target


def options(num_classes: int) -> dict[str, dict[str, Any]]:
    numbers = torch.linspace(-1, 2, N, dtype=torch.float64)
    return {
        "nothing": {},
        "coefficients": {"nll_coef": numbers, "square_coef": numbers / 10},
        "skipped rows": {"nll_coef": (numbers > 0).double()},
        "temperature": {"temperature": torch.tensor(0.3, dtype=torch.float64)},
        "temperatures": {"temperature": numbers.exp()},
        "smoothing": {"probs": torch.full((num_classes,), 0.1 / num_classes)},
    }


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("num_classes", WIDTHS)
def test_the_bits_are_those_of_one_pass(num_classes: int, dtype: torch.dtype) -> None:
    logits, target = hard(num_classes, dtype)
    for name, given in options(num_classes).items():
        left = states.new_states(logits, 1)
        assert left is not None
        probs, temperature, coefs = (given.get("probs"), given.get("temperature"), dict(given))
        for passed_by_place in ("probs", "temperature"):
            coefs.pop(passed_by_place, None)
        kernels.run(logits, 1, target, states=left, **given)
        want = kernels.run(logits, 1, target, scale=0.3, gradient=True, **given)[1]
        have = states.gradient(
            logits, 1, left, target, probs, temperature, scale=0.3, **coefs
        )  # fmt: skip
        assert want is not None
        torch.testing.assert_close(have, want, rtol=0, atol=0, equal_nan=True, msg=name)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_no_row_is_reduced_twice(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    """A divisor that changes: the loss, then the gradient of its states. A constant one: a pass."""
    seen, made = [], _engine.run_rows

    def run_rows(*arguments: Any, grad: Any = None, **options: Any) -> Any:
        seen.append("loss" if grad is None else "gradient")
        return made(*arguments, grad=grad, **options)

    monkeypatch.setattr(_engine, "run_rows", run_rows)
    logits, target = problem(LARGE, dtype)
    for option in ({}, {"label_smoothing": 0.1}):
        for tokens in (3, 4, 5):
            del seen[:]
            backward(cross_entropy(logits, target, **option), logits, 1 / tokens)
        assert seen == ["loss"]
        for _ in range(9):
            del seen[:]
            backward(cross_entropy(logits, target, **option), logits, 1 / 3)
        assert seen == ["gradient"]
