"""Reports on tokens of which only the log-probability is known."""

import math
from functools import reduce
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_helpers.tables import assert_same, merged

from neglog.report import LogprobReport


def made_up(documents: int, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, 30, documents)
    logprobs = -rng.exponential(size=lengths.sum())
    logprobs[::17] = np.nan  # the first token of a text has none
    logprobs[5:9] = -2.5  # ties
    return {
        "logprobs": logprobs,
        "lengths": lengths,
        "ids": [f"doc{j:03d}" for j in rng.permutation(documents)],
        "by": {"lang": rng.choice(["ko", "en"], documents)},
        "num_bytes": rng.integers(1, 100, documents),
        "text": [f"text {j}" for j in range(documents)],
        "listed_mass": rng.random(len(logprobs)),
    }


def part(table: dict[str, Any], a: int, b: int) -> dict[str, Any]:
    edges = np.concatenate([[0], np.cumsum(table["lengths"])])
    tokens = slice(edges[a], edges[b])
    return {
        name: {"lang": value["lang"][a:b]}
        if name == "by"
        else value[tokens if name in ("logprobs", "listed_mass") else slice(a, b)]
        for name, value in table.items()
    }


def reported(table: dict[str, Any]) -> LogprobReport:
    report = LogprobReport()
    report.update(**table)
    return report


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 20), cuts=st.lists(st.integers(0, 25), max_size=4).map(sorted))
def test_the_findings_do_not_depend_on_the_split(seed: int, cuts: list[int]) -> None:
    table = made_up(25, seed)
    whole = reported(table).to_dict()
    edges = [0, *cuts, 25]
    parts = [part(table, a, b) for a, b in pairwise(edges)]
    batches = LogprobReport()
    for some in parts:
        batches.update(**some)
    assert_same(whole, batches.to_dict())
    assert_same(whole, reduce(merged, map(reported, parts)).to_dict())  # type: ignore[arg-type]


def test_the_figures() -> None:
    table = made_up(200)
    found = reported(table).to_dict()
    nll = -table["logprobs"]
    used = np.isfinite(nll)
    assert found["loss"]["nll"]["value"] == pytest.approx(nll[used].mean(), rel=1e-13)
    bits = nll[used].sum() / math.log(2) / table["num_bytes"].sum()
    assert found["loss"]["bits_per_byte"]["value"] == pytest.approx(bits, rel=1e-13)
    assert found["rows"]["left_out"]["missing"] == (~used).sum()
    assert found["missing_mass"]["value"] == pytest.approx(1 - table["listed_mass"].mean())
    worst = [entry["nll"] for entry in found["worst"]]
    assert worst == sorted(nll[used].tolist(), reverse=True)[: len(worst)]
    edges = np.concatenate([[0], np.cumsum(table["lengths"])])
    first = found["documents"]["listed"][0]
    assert first["nll"] == max(np.nansum(nll[a:b]) for a, b in pairwise(edges))
    assert first["text"] == f"text {first['row']}"
    token = found["worst"][0]
    assert nll[edges[token["row"]] + token["token"]] == token["nll"]
    ko = table["by"]["lang"] == "ko"
    of_ko = used & np.repeat(ko, table["lengths"])
    [line] = [line for line in found["slices"]["lang"]["listed"] if line["value"] == "ko"]
    assert line["nll"]["value"] == pytest.approx(nll[of_ko].mean(), rel=1e-13)
    assert "calibration" in found["missing"]
    assert found["calibration"] is None


def test_the_interval_is_that_of_documents() -> None:
    """Tokens of one document are alike; as rows of their own they would seem more than they are."""
    rng = np.random.default_rng(0)
    means = []
    for _ in range(300):
        level = rng.exponential(size=(40, 1)) + np.zeros((1, 25))
        report = LogprobReport()
        report.update(-level.ravel(), lengths=np.full(40, 25))
        estimate = report.to_dict()["loss"]["nll"]
        means.append(estimate["low"] <= 1 <= estimate["high"])
    assert 0.88 <= np.mean(means) <= 0.97


def test_a_saved_report_is_the_same(tmp_path: Path) -> None:
    report = reported(made_up(30))
    report.save(tmp_path / "state.json")
    assert LogprobReport.load(tmp_path / "state.json").to_dict() == report.to_dict()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"logprobs": [0.5]}, "above 0, and so no log-probability"),
        ({"logprobs": [-0.5], "lengths": [2]}, "lengths must sum"),
        ({"logprobs": [-0.5], "lengths": [2, -1]}, "lengths must sum"),
        ({"logprobs": [-0.5], "ids": ["a", "b"]}, "ids"),
        ({"logprobs": [-0.5], "listed_mass": [0.5, 0.5]}, "listed_mass"),
        ({"logprobs": [-0.5], "num_bytes": [-1.0]}, "num_bytes"),
    ],
)
def test_errors(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LogprobReport().update(**arguments)


def test_nothing_counts() -> None:
    report = LogprobReport()
    report.update([math.nan])
    with pytest.raises(ValueError, match="no token counts: 1 were read"):
        report.to_dict()
