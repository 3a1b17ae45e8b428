"""Two models on the same rows: the paired difference, by class and by row."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_helpers.tables import (
    F32,
    Table,
    assert_same,
    made_up,
    mean,
    mean_of,
    part,
    parted,
    reference,
)

from neglog.report import Comparison, evaluate

N, V = 400, 6


def second(table: Table) -> Table:
    """Another model's predictions of the same rows, broken in another one."""
    rng = np.random.default_rng(1)
    z = table["predictions"] + rng.normal(size=(N, V)).astype(np.float32)
    z[1], z[9] = 1, np.inf
    return {**table, "predictions": z}


ONE = made_up(N, V)
TWO = second(ONE)


def rows_of(table: Table) -> Table:
    return {name: value for name, value in table.items() if name not in ("predictions", "target")}


def compared(*tables: tuple[Table, Table], names: tuple[str, str] = ("a", "b")) -> Comparison:
    comparison = Comparison(names)
    for one, two in tables:
        comparison.update(one["predictions"], two["predictions"], one["target"], **rows_of(one))
    return comparison


WHOLE = compared((ONE, TWO)).to_dict()


def test_the_difference_is_that_of_rows_that_count_in_both() -> None:
    found = [reference(table) for table in (ONE, TWO)]
    both = found[0]["used"] & found[1]["used"]
    assert both.sum() < min(one["used"].sum() for one in found)
    nll = [one["nll"][both[one["used"]]] for one in found]
    y, w = (found[0][name][both[found[0]["used"]]] for name in ("y", "w"))
    change = nll[1] - nll[0]
    value, half = mean(change, w)
    assert WHOLE["paired"] == both.sum()
    assert WHOLE["difference"]["value"] == pytest.approx(value, abs=F32)
    assert WHOLE["difference"]["high"] == pytest.approx(value + half, abs=F32)
    total = {c: float((w * change)[y == c].sum()) for c in range(V)}
    for which, sign in (("worse", 1), ("better", -1)):
        expected = sorted((c for c in total if sign * total[c] > 0), key=lambda c: -sign * total[c])
        listed = WHOLE["classes"][which]
        assert [line["class"] for line in listed] == expected
        for line in listed:
            its = y == line["class"]
            assert line["difference"]["value"] == pytest.approx(
                mean_of(change[its], w[its]), abs=F32
            )
            assert line["support"] == w[its].sum()
        at = np.flatnonzero(both)
        order = at[np.argsort(-sign * change)][:20]
        rows = WHOLE["rows"][which]
        assert len(rows) == 50
        assert [row["row"] for row in rows[:20]] == order.tolist()
        assert all(sign * row["difference"] > 0 for row in rows)
        assert [row["id"] for row in rows] == [ONE["ids"][row["row"]] for row in rows]
    assert WHOLE["rows"]["worse"][0]["nll"][1] == pytest.approx(
        float(nll[1][change.argmax()]), rel=F32
    )


def test_the_reports_are_those_of_each_alone() -> None:
    for table, report in zip((ONE, TWO), WHOLE["reports"], strict=True):
        assert_same(report, evaluate(**table).to_dict())
    json.dumps(WHOLE, allow_nan=False)


@given(cuts=st.lists(st.integers(0, N), max_size=3), split=st.integers(0, 4))
@settings(max_examples=8)
def test_the_findings_do_not_depend_on_the_split(cuts: list[int], split: int) -> None:
    parts = list(zip(parted(ONE, sorted(cuts)), parted(TWO, sorted(cuts)), strict=True))
    comparison = compared(*parts[:split])
    comparison.merge(compared(*parts[split:]))
    assert_same(comparison.to_dict(), WHOLE)


def test_equal_models_differ_by_nothing() -> None:
    found = compared((ONE, ONE)).to_dict()
    assert found["difference"] == {"value": 0, "low": 0, "high": 0}
    assert found["classes"] == found["rows"] == {"worse": [], "better": []}


def wrong(change: dict[str, Any]) -> Table:
    return {**ONE, **change}


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one shape, got \(400, 6\) and \(400, 5\)"):
        compared((ONE, wrong({"predictions": TWO["predictions"][:, :5]})))
    with pytest.raises(ValueError, match=r"one shape, got \(400, 6\) and \(9, 6\)"):
        compared((ONE, part(TWO, slice(9))))
    with pytest.raises(ValueError, match=r"names must be the same in both: \['a', 'b'\]"):
        compared((ONE, TWO)).merge(compared((ONE, TWO), names=("b", "a")))
    broken = wrong({"predictions": np.where(np.arange(N)[:, None] % 2, np.nan, TWO["predictions"])})
    other = wrong({"predictions": np.where(np.arange(N)[:, None] % 2, TWO["predictions"], np.nan)})
    with pytest.raises(ValueError, match="no row counts in both reports"):
        compared((broken, other)).to_dict()
