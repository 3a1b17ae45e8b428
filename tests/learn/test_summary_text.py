"""How a summary looks: as text in a terminal, and as JSON."""

import json
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra cli")

import pandas as pd

from neglog.learn import SoftmaxRegression, Summary


def drawn(rows: int = 300, columns: int = 3, num_classes: int = 3) -> Any:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    z = X @ rng.normal(size=(columns, num_classes)) + rng.normal(size=num_classes)
    return X, (z + rng.gumbel(size=z.shape)).argmax(axis=1)


def summary_of(X: Any, y: Any, l2: float = 0.0) -> Summary:
    return SoftmaxRegression(l2=l2).fit(X, y).summary(X, y)


def test_the_text_fits_a_terminal_and_no_name_controls_it() -> None:
    X, y = drawn(num_classes=4)
    names = ["\x1b[31mred", "a name of more than twenty letters", "한국어로 쓴 긴 이름입니다"]
    frame = pd.DataFrame(X, columns=names)
    labels = np.array(["가", "\u202eb", "c" * 200, "d"])[y]
    text = str(summary_of(frame, labels))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = [line for line in lines if line.startswith("  ")]
    ends = {len(line) + sum("가" <= letter <= "힣" for letter in line) for line in rows}
    assert len(ends) == 1, "columns below each other"


def test_a_long_table_is_cut_with_a_count() -> None:
    X, y = drawn(rows=600, columns=12, num_classes=8)
    summary = summary_of(X, y)
    text = str(summary)
    assert len(summary.rows) == 7 * 13
    assert text.endswith("... and 31 more coefficients: see rows or to_dict()")
    assert len(text.splitlines()) < 80


def test_it_is_plain_json() -> None:
    X, y = drawn()
    labels = np.array(["a", "b", "c"])[y]
    summary = summary_of(X, labels, l2=0.1)
    again = json.loads(json.dumps(summary.to_dict(), allow_nan=False))
    assert again["rows"][0]["class"] == "b"
    assert again["rows"][0]["coef"] == summary.rows[0].coef
    assert (again["rows"][0]["p"], again["aic"], again["reference"]) == ("nan", "nan", "a")
    with pytest.raises(AttributeError):
        summary.df = 3  # type: ignore[misc]
