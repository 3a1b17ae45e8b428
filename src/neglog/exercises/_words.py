"""The language of a verdict.

A sentence stands in English beside the check that says it, and is the key of the Korean one.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar

from neglog.exercises._words_ko import WORDS

_language: ContextVar[str] = ContextVar("language", default="en")
language = _language.get

Check = TypeVar("Check", bound=Callable[..., Any])


def say(sentence: str, **values: Any) -> str:
    """The sentence in the language of the check, filled with the values."""
    return (WORDS[sentence] if language() == "ko" else sentence).format(**values)


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """What is said within is said in this language."""
    before = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(before)


def in_korean(check: Check) -> Check:
    """The check, with its verdicts in Korean."""

    @wraps(check)
    def judged(answer: Any) -> Any:
        with speaking("ko"):
            return check(answer)

    return judged  # type: ignore[return-value]
