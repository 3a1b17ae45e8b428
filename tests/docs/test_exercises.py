"""Every check of the tutorial accepts right answers and explains what is wrong with others."""

import ast
import inspect
import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from string import Formatter
from typing import Any

import answers_likelihood
import answers_softmax
import numpy as np
import pytest

from neglog import exercises
from neglog.exercises import Verdict, ko
from neglog.exercises._verdict import judge_choice, judge_function, judge_value, show
from neglog.exercises._words import speaking
from neglog.exercises._words_ko import WORDS

RIGHT = answers_softmax.RIGHT | answers_likelihood.RIGHT
WRONG = answers_softmax.WRONG | answers_likelihood.WRONG
CHECKS = [name for name in exercises.__all__ if name.startswith("check_")]


def test_every_check_has_answers_and_stands_in_order() -> None:
    assert exercises.__all__ == ["Verdict", *sorted(CHECKS)]
    assert sorted(RIGHT) == sorted(WRONG) == sorted(CHECKS)
    assert len(CHECKS) == 30
    assert all(inspect.getdoc(getattr(exercises, name)) for name in CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_right_answers_are_accepted(name: str) -> None:
    for answer in RIGHT[name]:
        verdict = getattr(exercises, name)(answer)
        assert verdict, verdict
        assert repr(verdict).startswith("right: ")


@pytest.mark.parametrize("name", CHECKS)
def test_wrong_answers_are_told_what_is_wrong(name: str) -> None:
    for answer, part in WRONG[name]:
        verdict = getattr(exercises, name)(answer)
        assert not verdict
        assert repr(verdict).startswith("not yet: ")
        assert part in verdict.message, verdict.message
        assert verdict.message[-1] != "."


@pytest.mark.parametrize("name", CHECKS)
def test_a_verdict_in_korean_is_the_same_verdict(name: str) -> None:
    english, korean = getattr(exercises, name), getattr(ko, name)
    wrong = [answer for answer, _ in WRONG[name]]
    for answer in (*RIGHT[name], *wrong, None, lambda: 3):
        one, other = english(answer), korean(answer)
        assert (one.right, one.language, other.language) == (other.right, "en", "ko")
        assert repr(other).startswith("맞음: " if other else "아직: ")
        assert re.search(r"[가-힣][.?:]", other.message), other
        numbers = re.findall(r"\d+\.\d+", one.message)
        assert sorted(numbers) == sorted(re.findall(r"\d+\.\d+", other.message))


def sentences() -> list[str]:
    """What the checks say, in English: the argument of `say`, which is written out."""
    found = []
    for path in Path(exercises.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say":
                assert isinstance(node.args[0], ast.Constant), f"{path}: {ast.unparse(node)}"
                found.append(str(node.args[0].value))
    return found


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


def test_every_sentence_has_a_korean_one_with_the_same_places() -> None:
    assert len(set(sentences())) > 100
    assert set(sentences()) == set(WORDS)
    wavering = r"\}(은|는|이|가|을|를|과|와|으로|로|이나|나)(?![가-힣])"
    for english, korean in WORDS.items():
        assert places(korean) == places(english), english
        assert re.search(r"[가-힣]", korean)
        assert not re.search(wavering, korean), "the particle depends on what stands there"


def test_the_language_is_that_of_the_import_alone() -> None:
    assert ko.__all__ == exercises.__all__

    def asks(z: Any) -> Any:
        raise ValueError(repr(exercises.check_temperature(1)))

    assert "not yet: 1 is not right" in exercises.check_softmax(asks).message
    with pytest.raises(RuntimeError), speaking("ko"):
        raise RuntimeError
    assert repr(exercises.check_temperature(1)).startswith("not yet: ")
    assert repr(ko.check_temperature(1)).startswith("아직: 답한 값은 1입니다.")


class Hostile:
    """Raises an exception on every use."""

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("no")

    def __call__(self, *_: Any) -> Any:
        raise KeyError("no")


NO_ANSWERS = [None, 3, "word", [], [[1], [2, 3]], {}, object(), Hostile(), Hostile, np.ones(3)]


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("answer", NO_ANSWERS, ids=lambda answer: type(answer).__name__)
def test_a_check_never_raises(name: str, answer: Any) -> None:
    verdict = getattr(exercises, name)(answer)
    assert isinstance(verdict, Verdict)
    assert not verdict
    assert verdict.message


def test_a_verdict_is_its_message() -> None:
    verdict = Verdict(True, "it is 3")
    assert verdict
    assert repr(verdict) == "right: it is 3"
    assert not Verdict(False, "")
    with pytest.raises(FrozenInstanceError):
        verdict.right = False  # type: ignore[misc]


def total(row: Any) -> Any:
    return np.sum(row)


ONES = [(np.ones(2),), (np.ones(3),)]


def test_a_function_gets_copies_and_may_be_off_by_rounding() -> None:
    def spoils(row: Any) -> Any:
        row *= 0
        return 2.0

    row = np.ones(2)
    assert judge_function(spoils, [(row,)], total, "")
    assert row.tolist() == [1, 1]
    assert judge_function(lambda row: total(row) * (1 + 1e-7), ONES, total, "")
    assert not judge_function(lambda row: total(row) * (1 + 1e-5), ONES, total, "")
    assert not judge_function(lambda row: 1e-8, [(np.zeros(1),)], total, "")
    assert judge_function(lambda row: 1e-12, [(np.zeros(1),)], total, "")


def test_messages_name_the_input_and_the_hint_sees_the_answer() -> None:
    verdict = judge_function(lambda row: 2, ONES, total, lambda got, row: f"{got} of {len(row)}")
    assert verdict.message == "for row [1, 1, 1] your function gave 2; 2.0 of 3"


def test_values_and_words() -> None:
    assert judge_value(0.5, 0.5, "")
    assert judge_value([1, 2], [1, 2], "").message == "it is [1, 2]"
    assert judge_value([1], 1, "").message == "you gave an array of shape (1,), expected one number"
    why = {"orange": "its points are dense", "blue": "too far"}
    assert judge_choice(" Orange", "orange", why)
    assert judge_choice("blue", "orange", why).message == "too far"
    assert judge_choice("red", "orange", why).message == "'red' is not one of 'blue', 'orange'"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.333333"),
        ([np.ones(2), [3]], "[[1, 1], [3]]"),
        (np.zeros(50), "an array of shape (50,)"),
        ("x" * 100, "'" + "x" * 56 + "..."),
        (1j, "1j"),
    ],
)
def test_values_are_shown_short(value: Any, text: str) -> None:
    assert show(value) == text
