"""The verdict of a check, and the three ways in which answers are judged."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neglog.exercises._words import language, say, speaking

# A hint is a sentence, or a function of the answer and the arguments that returns one.
Hint = str | Callable[..., str]

_SHOWN = 12  # a message spells out arrays of up to this size


@dataclass(frozen=True, repr=False)
class Verdict:
    """Whether an answer is right, and a message. A verdict is true if the answer is right."""

    right: bool
    message: str
    language: str = field(default_factory=language)

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        with speaking(self.language):
            said = say("right") if self.right else say("not yet")
        return f"{said}: {self.message}"


def judge_value(
    answer: Any, wanted: Any, hint: str, *, relative: float = 1e-6, absolute: float = 1e-9
) -> Verdict:
    """Judge a number or an array of numbers that the reader computed."""
    got = _numbers(answer)
    if got is None:
        return Verdict(
            False, say("{answer} is not a number; {hint}", answer=show(answer), hint=hint)
        )
    if got.shape != np.shape(wanted):
        return Verdict(
            False,
            say(
                "you gave {got}, expected {wanted}",
                got=_shape(got),
                wanted=_shape(np.asarray(wanted)),
            ),
        )
    if not np.allclose(got, wanted, relative, absolute, equal_nan=True):
        return Verdict(False, say("{answer} is not right; {hint}", answer=show(got), hint=hint))
    return Verdict(True, say("it is {x}", x=show(wanted)))


def judge_choice(answer: Any, right: str, why: Mapping[str, str]) -> Verdict:
    """Judge a choice among a few words: `why` has a sentence for each, including the right one."""
    word = str(answer).strip().casefold()
    if word not in why:
        return Verdict(
            False,
            say(
                "{answer} is not one of {words}",
                answer=show(answer),
                words=", ".join(map(repr, sorted(why))),
            ),
        )
    return Verdict(word == right, why[word])


def judge_function(
    answer: Any,
    inputs: Sequence[tuple[Any, ...]],
    wanted: Callable[..., Any],
    hint: Hint,
    *,
    relative: float = 1e-6,
    absolute: float = 1e-9,
) -> Verdict:
    """Judge the reader's function by comparing it with `wanted` on every input.

    Args:
        answer: what the reader passed; exceptions that it raises become part of the verdict.
        inputs: the arguments of each call. The function receives copies.
        wanted: a correct function; messages use its argument names.
        hint: a sentence, or ``hint(got, *arguments) -> str``.
        relative: largest relative error; `absolute` is added to it.
        absolute: largest error where the right number is 0.

    Returns:
        The verdict: the first input with a wrong result, or the number of inputs that agree.
    """
    names = list(inspect.signature(wanted).parameters)
    if not callable(answer):
        return Verdict(
            False,
            say("pass the function itself, f({names}), without calling it", names=", ".join(names)),
        )
    for arguments in inputs:
        got, problem = _called(answer, arguments)
        right = np.asarray(wanted(*deepcopy(arguments)), np.float64)
        if got is not None and got.shape != right.shape:
            problem = say("gave {got}, expected {wanted}", got=_shape(got), wanted=_shape(right))
        elif got is not None and not np.allclose(got, right, relative, absolute, equal_nan=True):
            sentence = hint if isinstance(hint, str) else hint(got, *arguments)
            problem = say("gave {got}; {hint}", got=show(got), hint=sentence)
        if problem:
            said = _call(names, arguments)
            return Verdict(
                False, say("for {call} your function {problem}", call=said, problem=problem)
            )
    return Verdict(True, say("your function agrees on {n} inputs", n=len(inputs)))


def _called(
    answer: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[NDArray[np.float64] | None, str]:
    """What the reader's function returned, or None and what is wrong with the call."""
    try:
        with np.errstate(all="ignore"):  # an overflow shows in the numbers
            returned = answer(*deepcopy(arguments))
    except Exception as error:
        return None, say("raised {kind}: {error}", kind=type(error).__name__, error=error)
    if returned is None:
        return None, say("returned None: is a return missing?")
    got = _numbers(returned)
    return got, "" if got is not None else say(
        "gave {got}, which is not a number", got=show(returned)
    )


def show(value: Any) -> str:
    """Numbers with six digits; anything else as its repr, shortened."""
    numbers = _numbers(value)
    if numbers is None and isinstance(value, list | tuple) and len(value) <= _SHOWN:
        return f"[{', '.join(map(show, value))}]"
    if numbers is None:
        text = repr(value)
        return text if len(text) <= 60 else f"{text[:57]}..."
    if numbers.size > _SHOWN:
        return _shape(numbers)
    return _nested(numbers.tolist())


def _nested(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_nested, value))}]"
    return f"{value:.6g}"


def _call(names: Sequence[str], arguments: Sequence[Any]) -> str:
    return ", ".join(f"{name} {show(given)}" for name, given in zip(names, arguments, strict=True))


def _shape(numbers: NDArray[np.float64]) -> str:
    if not numbers.ndim:
        return say("one number")
    return say("an array of shape {shape}", shape=numbers.shape)


def _numbers(value: Any) -> NDArray[np.float64] | None:
    """The value as float64, or None if it is not made of real numbers."""
    if isinstance(value, str | bytes):
        return None
    try:
        given = np.asarray(value)
        return None if given.dtype.kind not in "biufV" else given.astype(np.float64)
    except Exception:  # any exception that the object's conversion raises
        return None
