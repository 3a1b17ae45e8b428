"""A loss and its gradient out of one operator, for compilers: what rows and the head share.

A compiler keeps the gradient until the backward pass as it keeps any result, and multiplies it by
the upstream gradient in code of its own.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from .._engines.kernels import RESULTS
from .._operators.inputs import as_tensors
from .._problem import TorchProblem
from .._route import has_kernels, is_compiled_for_training

# The last inputs of such an operator.
OPTIONS = (
    "Tensor target, Tensor probs, Tensor keep, Tensor temperature, Tensor nll_coef,"
    " Tensor dense_coef, Tensor square_coef, Tensor total, float? softcap, bool mean"
)


def is_wanted(problem: TorchProblem, input: Tensor) -> bool:
    """Whether such an operator serves the loss of this input: one number, recorded for training."""
    return problem.reduction != "none" and is_compiled_for_training() and has_kernels(input)


def options_of(
    input: Tensor, target: Tensor | None, probs: Tensor | None, problem: TorchProblem
) -> list[Any]:
    """The last inputs of the operator; probabilities are softened already."""
    tensors = as_tensors(
        input, target, probs, problem.keep, problem.temperature, problem.nll_coef,
        problem.dense_coef, problem.square_coef, problem.total,
    )  # fmt: skip
    return [*tensors, problem.softcap, problem.reduction == "mean"]


def problem_of(
    input: Tensor, options: Sequence[Any]
) -> tuple[Tensor | None, Tensor | None, TorchProblem]:
    """The inverse; the loss is a number in float64."""
    target, probs, *others, mean = options
    problem = TorchProblem()
    problem.keep, problem.temperature, *coefs, problem.softcap = others
    problem.nll_coef, problem.dense_coef, problem.square_coef, problem.total = coefs
    problem.reduction, problem.dtype = "mean" if mean else "sum", torch.float64
    problem.computed = RESULTS[input.dtype]
    return target, probs, problem


def scaled(prepared: Tensor, factor: Tensor, dtype: torch.dtype) -> Tensor:
    """The gradient times a factor, rounded to `dtype`; 0 in rows that are left out."""
    # The factor in float32: halves would be multiplied by a rounded one. 0 * inf would be nan.
    wide = prepared.to(RESULTS[prepared.dtype])
    return (wide * factor).masked_fill(prepared == 0, 0.0).to(dtype)
