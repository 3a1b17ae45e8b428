"""Conditions on the figures of a report: `nll > 0.35`, `slice[lang=ko].nll > 0.5`.

    condition = figure, operator, number
    operator  = "<" | "<=" | ">" | ">="
    figure    = name, {".", name | "[", [name, "="], value, "]"}
    name      = characters other than . [ ] < > = "
    value     = characters other than ] = ", or a JSON string

A figure is a path through the findings. Its first name may leave out the section: `nll` is
`loss.nll`. Brackets choose the entry of a list by one of its values.
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

from neglog._read.values import is_number, quoted, quoted_list
from neglog._show.words import long

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
ALIASES = {
    "class": ("classes", "listed"),
    "quantile": ("distribution", "quantiles"),
    "slice": ("slices",),
}
KEYS = ("name", "value", "q")  # by which a list's entry is chosen unless the bracket names another


class Choice(NamedTuple):
    """A bracket: the entry whose `key` is `value`."""

    key: str | None
    value: str


class Condition(NamedTuple):
    """A figure and its bound; it holds if `figure operator bound`."""

    text: str
    figure: tuple[str | Choice, ...]
    operator: str
    bound: float

    def holds(self, findings: Mapping[str, Any]) -> str | None:
        """What is the case if the condition holds: "nll > 0.35: it is 0.4121053".

        Raises:
            ValueError: the findings have no such figure, or it is not a number here.
        """
        try:
            value = _number(_find(findings, self.figure))
        except LookupError as error:
            raise ValueError(f"--fail-if {self.text!r}: {error.args[0]}") from None
        if OPERATORS[self.operator](value, self.bound):
            return f"{self.text}: it is {long(value)}"
        return None


def parse(text: str) -> Condition:
    """The condition that `text` says.

    Raises:
        ValueError: it is none; says where, and what was expected.
    """
    reader = _Reader(text)
    figure = reader.figure()
    sign = next((sign for sign in OPERATORS if reader.skip(sign)), None)
    if sign is None:
        raise reader.expected("<, <=, > or >=")
    bound = reader.rest()
    if not is_number(bound) or float(bound) != float(bound):
        raise reader.expected("a number", "; for more conditions, repeat --fail-if")
    return Condition(text, figure, sign, float(bound))


class _Reader:
    """The text of a condition, read from the left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def figure(self) -> tuple[str | Choice, ...]:
        steps: list[str | Choice] = [self.name()]
        while True:
            if self.skip("."):
                steps.append(self.name())
            elif self.skip("["):
                steps.append(self.choice())
            else:
                return tuple(steps)

    def name(self) -> str:
        name = self.until('.[]<>="')
        if not name:
            raise self.expected("the name of a figure, such as nll")
        return name

    def choice(self) -> Choice:
        key, value = None, self.value()
        if self.skip("="):
            key, value = value, self.value()
        if not self.skip("]"):
            raise self.expected("]")
        return Choice(key, value)

    def value(self) -> str:
        if not self.skip('"'):
            return self.until(']="')
        try:
            value, self.at = json.JSONDecoder().raw_decode(self.text, self.at - 1)
        except ValueError:
            raise self.expected('a string that ends with "') from None
        return str(value)

    def until(self, stops: str) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] not in stops:
            self.at += 1
        return self.text[start : self.at].strip()

    def skip(self, sign: str) -> bool:
        """Whether `sign` comes next, after spaces; it is passed over."""
        after = self.text[self.at :].lstrip()
        if not after.startswith(sign):
            return False
        self.at = len(self.text) - len(after) + len(sign)
        return True

    def rest(self) -> str:
        return self.text[self.at :].strip()

    def expected(self, what: str, way_out: str = "") -> ValueError:
        came = repr(self.rest()) if self.rest() else "the end"
        return ValueError(f"--fail-if {self.text!r}: expected {what}, got {came}{way_out}")


def _find(findings: Mapping[str, Any], figure: tuple[str | Choice, ...]) -> Any:
    """What stands at the end of the path; LookupError says which step leads nowhere."""
    first, *rest = figure
    assert isinstance(first, str)
    steps: list[str | Choice] = [*_path(findings, first), *rest]
    if first == "slice":
        steps[1:2] = _slice(rest)
    found: Any = findings
    outer: Any = None
    for step in steps:
        if isinstance(step, str):
            outer, found = found, _entry(found, step)
        else:
            left_out = outer.get("left_out", 0) if isinstance(outer, Mapping) else 0
            outer, found = found, _chosen(found, step, left_out)
    return found


def _slice(rest: Sequence[str | Choice]) -> list[str | Choice]:
    """The steps that [lang=ko] stands for."""
    if not rest or not isinstance(rest[0], Choice) or rest[0].key is None:
        raise LookupError("slice needs a column and a value: slice[lang=ko].nll")
    return [rest[0].key, "listed", Choice(None, rest[0].value)]


def _path(findings: Mapping[str, Any], first: str) -> tuple[str, ...]:
    """The names that the first one stands for: itself, an alias, or a figure of a section."""
    if first in findings:
        return (first,)
    if first in ALIASES:
        return ALIASES[first]
    sections = {name: part for name, part in findings.items() if isinstance(part, Mapping)}
    found = next((name for name, part in sections.items() if first in part), None)
    if found is None:
        raise _unknown(
            first, [*ALIASES, *findings, *(key for part in sections.values() for key in part)]
        )
    return (found, first)


def _entry(found: Any, name: str) -> Any:
    if isinstance(found, Mapping) and name in found:
        return found[name]
    if found is None:
        raise LookupError(f"this report has no {name}: what it needs was not given")
    raise _unknown(name, list(found) if isinstance(found, Mapping) else [])


def _chosen(found: Any, choice: Choice, left_out: int) -> Any:
    """The entry of a list, from which `left_out` entries are missing."""
    entries = found if isinstance(found, list) and found and isinstance(found[0], dict) else []
    key = choice.key or next((key for key in KEYS if entries and key in entries[0]), None)
    if not entries or key not in entries[0]:
        raise LookupError(f"no entry can be chosen by [{choice.key or choice.value}] there")
    # A class is found by its number, too; its name comes first.
    for by in (key, "class") if key == "name" else (key,):
        for entry in entries:
            if _is(entry.get(by), choice.value):
                return entry
    raise _unknown(choice.value, [str(entry[key]) for entry in entries], left_out)


def _is(value: Any, wanted: str) -> bool:
    if isinstance(value, str):
        return value == wanted
    return is_number(wanted) and value == float(wanted)


def _number(found: Any) -> float:
    """A number, or the value of an estimate; the accuracy is that of the first guess."""
    for key in ("top1", "value"):
        if isinstance(found, Mapping) and key in found:
            found = found[key]
    if found is None:
        raise LookupError("this report does not know it: what it needs was not given")
    if isinstance(found, Mapping):
        raise LookupError(f"this is no number; it has {quoted_list(list(found))}")
    if found == "nan":
        raise LookupError("it is nan, which is neither above nor below a number")
    if isinstance(found, bool | list) or (isinstance(found, str) and not is_number(found)):
        raise LookupError(f"this is no number, but {quoted(found)}")
    return float(found)


def _unknown(name: str, names: list[str], left_out: int = 0) -> LookupError:
    """A figure that is not there, and the names near it."""
    names = list(dict.fromkeys(names))
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    way_out = f" among {quoted_list(names)}" if names else ""
    if near:
        way_out = f"; did you mean {' or '.join(near)}?"
    if left_out:
        way_out += f" ({left_out} that cost less are not listed)"
    return LookupError(f"there is no {quoted(name)}{way_out}")
