"""The page of mistakes: the checker finds in each block the mistake whose code is its title.

What the page says of it, the sentence, the row, the figures and the mend, is what the checker says.
"""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from checker_helpers.planted import MISTAKES

from neglog.checker import Finding, check_loss
from neglog.checker.codes import GRADE_OF
from neglog.checker.show.words import BOOKS

SAMPLE = {"option": "weight", "text": "…", "what": "hidden"}  # in sentences of the table
DOCS = Path(__file__).parents[2] / "docs"
LABELS = {
    "en": ("Row", "target", "expected", "got", "Mend"),
    "ko": ("행", "정답", "맞는 값", "나온 값", "고치기"),
}


def sections(language: str) -> dict[str, str]:
    """The text of each section, by its title."""
    text = (DOCS / language / "mistakes.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", text, re.M | re.S))


def block(section: str) -> str:
    found = re.search(r"```python\n(.*?)```", section, re.S)
    assert found
    return found[1]


@cache
def found(code: str) -> Finding:
    """What the checker says of the block of this title."""
    source = block(sections("en")[code])
    if code == "state":  # takes a process that starts anew, and no fork where other threads run
        with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
            Path(folder, "keeps.py").write_text(f"import numpy as np\n{source}", "utf-8")
            patch.syspath_prepend(folder)
            findings = check_loss("keeps:loss", framework="numpy")
    else:
        names: dict[str, Any] = {"np": np}
        exec(source, names)
        findings = check_loss(names["loss"], framework="numpy")
    assert code in findings.codes
    return next(finding for finding in findings if finding.code == code)


def number(value: Any, language: str) -> str:
    """A result as the page shows it: a number, or words of its language."""
    if isinstance(value, str):
        return BOOKS[language].get(f"said.{value}", value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


@pytest.mark.parametrize("code", sections("en"))
@pytest.mark.parametrize("language", LABELS)
def test_the_checker_says_what_the_page_says(language: Any, code: str) -> None:
    section, finding = sections(language)[code], found(code)
    row, target, expected, got, mend = LABELS[language]
    said = finding.to_dict(language)
    logits = [[round(z, 4) for z in one] for one in finding.row["logits"]]
    assert said["sentence"] in section
    assert f"{row}: {logits}\n{target}: {finding.row['target']}\n" in section
    results = [number(value, language) for value in (finding.expected, finding.got)]
    assert f"{expected}: {results[0]}\n{got}: {results[1]}\n" in section
    assert f"{mend}: `{said['fix']}`" in section


def test_both_languages_have_the_same_blocks_of_known_codes() -> None:
    english, korean = ({k: block(s) for k, s in sections(each).items()} for each in LABELS)
    assert english == korean
    assert set(MISTAKES) <= set(english)


@pytest.mark.parametrize("language", LABELS)
def test_every_code_has_a_section_or_a_line_in_the_table(language: str) -> None:
    text, words = (DOCS / language / "mistakes.md").read_text(encoding="utf-8"), BOOKS[language]
    listed = re.findall(r"^\| `(\S+)` \|", text, re.M)
    assert sorted([*sections(language), *listed]) == sorted(GRADE_OF)
    for code in listed:
        said, mend = (words[key].format(**SAMPLE) for key in (code, f"fix.{code}"))
        assert f"| `{code}` | {said} | {mend} |\n" in text
