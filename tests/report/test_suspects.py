"""Suspects: p-values against the tails of all rows, the false-discovery rate, bounded memory."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_helpers.rows import drawn, in_batches, model, rows_of, softmax
from scipy.stats import false_discovery_control

from neglog.report.state import suspects as suspects_part
from neglog.report.state.suspects import RATE, Suspects


def tails(z: np.ndarray, y: np.ndarray, temperature: float) -> np.ndarray:
    """The p-values of all rows: sum of p_j over p_j <= p_y."""
    p = softmax(z / temperature)
    own = z[np.arange(len(y)), y]
    tail: np.ndarray = np.where(z <= own[:, None], p, 0).sum(1)
    return np.minimum(tail, 1.0)


def with_wrong_labels(seed: int, n: int = 1500, v: int = 10) -> tuple[np.ndarray, ...]:
    """A calibrated, confident model whose labels are wrong in 3 % of the rows, and which."""
    z, y = model(n, v, scale=5.0, seed=seed)
    draw = np.random.default_rng(seed + 1000)
    wrong = draw.random(n) < 0.03
    return z, np.where(wrong, (y + draw.integers(1, v, n)) % v, y), wrong


# At a node, between two, at the ends; few and many classes.
@pytest.mark.parametrize(
    ("v", "temperature"), [(10, 1.0), (10, 1.45), (10, 0.36), (2, 3.0), (300, 1.4), (10, 16.0)]
)
def test_the_list_is_benjamini_hochbergs_on_exact_p_values(v: int, temperature: float) -> None:
    z, y, _ = with_wrong_labels(v, v=v)
    z = z * temperature
    found = in_batches(Suspects(), [100, 700], z, y).findings(temperature)
    exact = tails(z, y, temperature)
    q = false_discovery_control(exact)
    expected = np.flatnonzero(q <= RATE)
    listed = found["listed"]
    assert (found["count"], found["at_least"]) == (len(expected), False)
    assert sorted(entry["row"] for entry in listed) == expected.tolist()
    p = softmax(z / temperature)
    for entry in listed:
        row = entry["row"]
        assert entry["p_value"] == pytest.approx(exact[row], rel=5e-3)
        assert entry["q_value"] == pytest.approx(q[row], rel=5e-3)
        assert entry["p"] == pytest.approx(p[row, y[row]], rel=5e-3)
        assert entry["suggested"]["class"] == p[row].argmax()
        assert entry["suggested"]["p"] == pytest.approx(p[row].max(), rel=5e-3)
        assert entry["target"] == y[row]
        assert entry["by"] == {"half": ["even", "odd"][row % 2]}
    assert [entry["p_value"] for entry in listed] == sorted(entry["p_value"] for entry in listed)


def test_labels_from_the_calibrated_model_have_p_values_that_are_no_smaller_than_uniform() -> None:
    z, y = model(20_000, 5, scale=2.0)
    p = tails(z, y, 1.0)
    for q in (0.01, 0.05, 0.1, 0.3):
        assert (p <= q).mean() <= q + 3 * math.sqrt(q * (1 - q) / len(p))
    assert (p <= 0.1).mean() > 0.02  # hard: not merely because there are no small ones


def test_the_rate_of_false_discoveries_is_the_stated_one() -> None:
    false, found = [], 0
    for seed in range(25):
        z, y, wrong = with_wrong_labels(seed)
        listed = in_batches(Suspects(), [], z, y).findings(1.0)["listed"]
        rows = [entry["row"] for entry in listed]
        found += wrong[rows].sum() / wrong.sum()
        false.append((~wrong[rows]).mean() if rows else 0.0)
    assert np.mean(false) <= RATE + 0.02
    assert found / 25 > 0.3  # hard: the lists are not empty


def test_a_model_whose_labels_are_right_has_few_suspects() -> None:
    counts = [
        in_batches(Suspects(), [], *model(300, 10, seed=seed)).findings(1.0)["count"]
        for seed in range(40)
    ]
    assert np.mean(np.array(counts) > 0) <= 0.15


@settings(max_examples=25)
@given(
    seed=st.integers(0, 9),
    cuts=st.lists(st.integers(0, 90), max_size=5),
    kept=st.sampled_from([3, 7, 1000]),
    with_ids=st.booleans(),
    data=st.data(),
)
def test_the_list_does_not_depend_on_the_split(
    seed: int, cuts: list[int], kept: int, with_ids: bool, data: st.DataObject
) -> None:
    draw = np.random.default_rng(seed)
    # Few different rows, so that most tails are tied.
    z = draw.normal(size=(8, 5))[draw.integers(0, 8, 90)] * 4
    y = draw.integers(0, 5, 90)
    ids = draw.permutation(90).astype(str).astype(object) if with_ids else None
    edges = [0, *sorted(cuts), 90]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(suspects_part, "KEPT", kept)
        whole = in_batches(Suspects(), [], z, y, None, ids).findings(1.3)
        assert in_batches(Suspects(), cuts, z, y, None, ids).findings(1.3) == whole
        parts = [
            (
                b - a,
                in_batches(Suspects(), [], z[a:b], y[a:b], None, ids[a:b] if with_ids else None),
            )
            for a, b in pairwise(edges)
            if a < b
        ]
        while len(parts) > 1:  # neighbours merge in any order
            k = data.draw(st.integers(0, len(parts) - 2))
            (n, one), (m, other) = parts[k], parts.pop(k + 1)
            one.merge(other, n)
            parts[k] = n + m, one
        merged = parts[0][1].findings(1.3)
    for entry in (*whole["listed"], *merged["listed"]):
        del entry["by"]  # by the number of the row in its own part
    assert merged == whole
    assert len(whole["listed"]) > 0 or kept < 90


def test_a_list_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    z, y, _ = with_wrong_labels(1)
    whole = in_batches(Suspects(), [], z, y).findings(1.0)
    monkeypatch.setattr(suspects_part, "KEPT", 10)
    part = in_batches(Suspects(), list(range(50, 1500, 50)), z, y)
    assert len(part.nll) + sum(len(some.nll) for some in part.recent) <= 10 * 10  # bounded
    cut = part.findings(1.0)
    assert len(part.nll) <= 9 * 10
    assert whole["count"] > 10
    assert cut["at_least"]
    assert 10 <= cut["count"] <= whole["count"]
    rows = [[entry["row"] for entry in found["listed"][:10]] for found in (cut, whole)]
    assert rows[0] == rows[1]


def test_large_vocabularies_and_halves() -> None:
    draw = np.random.default_rng(0)
    z = (draw.normal(size=(6, 49_152)) * 2).astype(np.float16)
    y = z.argmax(1)
    y[4] = z[4].argmin()
    part = Suspects()
    part.add(rows_of(z, y))
    found: dict[str, Any] = part.findings(1.0)
    assert part.places[:, 0].tolist() == [4]
    assert found["count"] == 1
    assert found["listed"][0]["p_value"] == pytest.approx(tails(z, y, 1.0)[4], rel=1e-3)


def test_no_rows_and_no_suspects() -> None:
    found = Suspects().findings(1.0)
    assert (found["count"], found["at_least"], found["listed"]) == (0, False, [])
    z = np.zeros((3, 4))
    y = drawn(softmax(z), np.random.default_rng(0))
    assert in_batches(Suspects(), [], z, y).findings(1.0)["count"] == 0
