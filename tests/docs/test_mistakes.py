"""The page of mistakes: the checker finds in each block the mistake whose code is its title."""

import re
from pathlib import Path

import numpy as np
import pytest

from neglog.checker import check_loss
from neglog.checker.codes import GRADE_OF

DOCS = Path(__file__).parents[2] / "docs"


def sections(language: str) -> dict[str, str]:
    """The code of each section."""
    text = (DOCS / language / "mistakes.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^## (\S+)\n.*?```python\n(.*?)```", text, re.M | re.S))


@pytest.mark.parametrize("code", sections("en"))
def test_a_block_has_the_mistake_of_its_title(code: str) -> None:
    names = {"np": np}
    exec(sections("en")[code], names)
    assert code in check_loss(names["loss"], framework="numpy").codes  # type: ignore[arg-type]


def test_both_languages_have_the_same_blocks_of_known_codes() -> None:
    assert sections("en") == sections("ko")
    assert set(sections("en")) <= set(GRADE_OF)
