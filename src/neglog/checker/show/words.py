"""The words of the findings in a language: sentences filled with what was seen."""

from typing import TYPE_CHECKING, Any

from ..._show.language import Language, Sentences
from ..._show.words import long, printable
from .words_en import WORDS as WORDS_EN
from .words_ko import WORDS as WORDS_KO

if TYPE_CHECKING:
    from ..findings import Finding, Findings

BOOKS = {"en": WORDS_EN, "ko": WORDS_KO}
GRADES = ("wrong", "fragile", "imprecise")  # the worst first


class Words(Sentences):
    """The words of a language."""

    def __init__(self, lang: Language) -> None:
        super().__init__(lang, BOOKS)

    def sentence(self, finding: "Finding") -> str:
        key = f"{finding.code}.{finding.variant}" if finding.variant else finding.code
        said = self(key, **{name: printable(v) for name, v in finding.values.items()})
        if finding.ulp is None:
            return said
        return f"{said} {self('ulp', n=f'{finding.ulp:,.0f}')}"

    def fix(self, finding: "Finding") -> str:
        key = f"fix.{finding.code}.{finding.variant}"
        return self(key if key in self.words else f"fix.{finding.code}", **finding.values)

    def grade(self, finding: "Finding") -> str:
        return self(f"grade.{finding.grade}")

    def headline(self, findings: "Findings") -> str:
        name = printable(findings.function)
        if not findings.findings:
            return self("headline.none", name=name, n=str(findings.calls))
        counts = [(g, sum(f.grade == g for f in findings.findings)) for g in GRADES]
        listed = ", ".join(
            self("count", n=str(n), grade=self(f"grade.{g}")) for g, n in counts if n
        )
        key = "headline.wrong" if not findings.ok else "headline.right"
        return self(key, name=name, listed=listed)

    def remarks(self, findings: "Findings") -> list[str]:
        return [self(f"remark.{key}", text=printable(text)) for key, text in findings.remarks]

    def result(self, value: Any) -> str:
        """What was expected or what came: numbers in seven digits, a gradient as a list."""
        if isinstance(value, str):
            return printable(self.words.get(f"said.{value}", value))
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(self.result, value))}]"
        return long(float(value))

    def calls(self, findings: "Findings") -> str:
        seconds = f"{findings.seconds:.1f}"
        return self("calls", n=str(findings.calls), s=seconds, framework=findings.framework)

    def row(self, row: dict[str, Any]) -> str:
        """A call in a line: its logits, its targets and its options."""
        logits = [f"[{', '.join(map(_number, one))}]" for one in row["logits"]]
        target, more = row["target"], "" if row["rows"] == len(logits) else ", ..."
        parts = [*(f"{name}={_option(value)}" for name, value in row["options"].items())]
        if len(logits) == 1 and more:
            parts.append(self("row.times", n=str(row["rows"])))
        elif len(logits) > 1:
            logits, target = (
                [f"[{', '.join(logits)}{more}]"],
                [f"[{', '.join(map(str, target))}{more}]"],
            )
        kind = "" if row["kind"] == "logits" else f"{self('kind.' + row['kind'])} "
        return ", ".join(
            [f"{kind}{logits[0]}", f"{self('target')} {target[0]}", *parts, row["dtype"]]
        )


def _option(value: Any) -> str:
    return f"[{', '.join(map(_number, value))}]" if isinstance(value, tuple) else str(value)


def _number(value: float) -> str:
    return f"{value:.7g}"
