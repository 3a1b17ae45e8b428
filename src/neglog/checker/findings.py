"""What was found about a function: findings with their rows, and the forms of a report."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .._show.html import framed
from .._show.language import Language
from .._show.words import json_number
from .show.words import GRADES, Words


@dataclass(frozen=True)
class Finding:
    """One cause, with the row that shows it best.

    Attributes:
        code: the name of the cause, which stays the same between versions.
        grade: "wrong", "fragile" (right on easy rows) or "imprecise" (right but for digits).
        row: the call that shows it: name, logits, target, dtype and options.
        expected: the right number (a list for a gradient), or what was expected in words.
        got: what the function gave, or what it did instead.
        ulp: where the grade is "imprecise", the error in units of the last place of the row's
            dtype; None if that is not a number.
    """

    code: str
    grade: str
    row: dict[str, Any]
    expected: Any
    got: Any
    ulp: float | None = None
    values: dict[str, str] = field(default_factory=dict)  # for the sentence
    variant: str = ""

    @property
    def sentence(self) -> str:
        """What is wrong, in English."""
        return Words("en").sentence(self)

    @property
    def fix(self) -> str:
        """The line that would mend it."""
        return Words("en").fix(self)

    def to_dict(self, lang: Language = "en") -> dict[str, Any]:
        """Plain values, ready for JSON."""
        say = Words(lang)
        return {
            "code": self.code,
            "grade": self.grade,
            "sentence": say.sentence(self),
            "fix": say.fix(self),
            "row": _plain(self.row),
            "expected": _plain(self.expected),
            "got": _plain(self.got),
            "ulp": _plain(self.ulp),
        }


@dataclass(frozen=True)
class Findings:
    """What `check_loss` found. It is true if nothing is wrong; iterate over it for the findings.

    Rich prints it in a terminal (`rich.print(findings)`); a notebook shows the page.

    Attributes:
        function: the name of the function.
        framework: the library in whose arrays it was called.
        findings: the worst first.
        calls: how often the function was called.
        seconds: how long that took.
        remarks: what is no mistake, such as that the function prints: (key, text).

    Examples:
        >>> from neglog import check_loss, cross_entropy_and_grad
        >>> findings = check_loss(cross_entropy_and_grad)
        >>> findings.ok, len(findings)
        (True, 0)
    """

    function: str
    framework: str
    findings: tuple[Finding, ...]
    calls: int
    seconds: float
    remarks: tuple[tuple[str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether no finding is graded "wrong"."""
        return self.worse_than("fragile") == ()

    def at_least(self, level: str) -> tuple[Finding, ...]:
        """The findings of this grade and worse.

        Raises:
            ValueError: the level is no grade.
        """
        if level not in GRADES:
            raise ValueError(f"level must be one of {', '.join(GRADES)}, got {level!r}")
        worst = GRADES[: GRADES.index(level) + 1]
        return tuple(finding for finding in self.findings if finding.grade in worst)

    def worse_than(self, level: str) -> tuple[Finding, ...]:
        """The findings of a worse grade."""
        return tuple(f for f in self.findings if GRADES.index(f.grade) < GRADES.index(level))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, the worst first."""
        return tuple(finding.code for finding in self.findings)

    def __bool__(self) -> bool:
        return self.ok

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, index: int) -> Finding:
        return self.findings[index]

    def headline(self, lang: Language = "en") -> str:
        """The findings in a sentence."""
        return Words(lang).headline(self)

    def to_dict(self, lang: Language = "en") -> dict[str, Any]:
        """Everything, ready for JSON: nan and infinities as the strings "nan", "inf", "-inf".

        Args:
            lang: the language of the sentences, "en" or "ko".
        """
        say = Words(lang)
        return {
            "schema": "neglog.findings/1",
            "function": self.function,
            "framework": self.framework,
            "ok": self.ok,
            "headline": say.headline(self),
            "findings": [finding.to_dict(lang) for finding in self.findings],
            "remarks": say.remarks(self),
            "calls": self.calls,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self, width: int = 80, lang: Language = "en") -> str:
        """The findings as plain text, without colour or control characters.

        Args:
            width: columns, at least 40.
            lang: "en" or "ko".
        """
        from .show.text import plain_text

        return plain_text(self, width, lang)

    def to_html(self, lang: Language = "en") -> str:
        """The findings as one page that needs no network; its rows open in `explain`.

        Args:
            lang: "en" or "ko".
        """
        from .show.page import html

        return html(self, lang)

    def __rich__(self) -> Any:
        from .show.text import renderable

        return renderable(self)

    def _repr_html_(self) -> str:
        return framed(self.to_html(), "neglog check")


def as_row(case: Any) -> dict[str, Any]:
    """A call as plain values; of many equal rows the first ones."""
    logits, target = case.given(), case.target
    alike = (target == target[0]).all() and (logits == logits[0]).all()
    shown = 1 if alike else 4
    return {
        "name": case.name,
        "logits": logits[:shown].tolist(),
        "target": target[:shown].tolist(),
        "rows": len(target),
        "dtype": case.dtype,
        "kind": case.kind,
        "options": dict(case.options),
    }


def _plain(value: Any) -> Any:
    """Numbers that JSON can hold."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | bool) else json_number(value)
