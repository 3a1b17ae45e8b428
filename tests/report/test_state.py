"""The report's state against plain sums over all rows, and the same for every split of the rows."""

from functools import reduce
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_helpers.tables import (
    F32,
    assert_same,
    made_up,
    mean,
    mean_of,
    merged,
    parted,
    reference,
)

from neglog import Report, evaluate
from neglog.report.state import confusions, lists
from neglog.report.state.sums import Groups, Moments, Sums


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 9),
    cuts=st.lists(st.integers(0, 120), max_size=6).map(sorted),
    classes=st.sampled_from([2, 7, 1100]),
    weighted=st.booleans(),
    data=st.data(),
)
def test_the_findings_do_not_depend_on_the_split(
    seed: int, cuts: list[int], classes: int, weighted: bool, data: st.DataObject
) -> None:
    table = made_up(120, classes, seed)
    if not weighted:
        del table["row_weight"]
    whole = evaluate(**table).to_dict()
    batches = Report()
    for some in parted(table, cuts):
        batches.update(**some)
    assert_same(whole, batches.to_dict())
    states = [evaluate(**some) for some in parted(table, cuts)]
    while len(states) > 1:  # neighbours merge in any order
        k = data.draw(st.integers(0, len(states) - 2))
        states[k].merge(states.pop(k + 1))
    assert_same(whole, states[0].to_dict())


def test_the_order_of_merges_does_not_show_where_rows_have_ids() -> None:
    table = made_up(200, 5)
    states = [list(parted(table, [40, 90]))[k] for k in (2, 0, 1)]
    one = reduce(merged, (evaluate(**some) for some in states)).to_dict()
    whole = evaluate(**table).to_dict()
    for found in (one, whole):
        lists = [found["worst"], found["rows"]["left_out_rows"]]
        if found.get("suspects"):
            lists.append(found["suspects"]["listed"])
        for entry in chain(*lists):
            del entry["row"]
        found["rows"]["left_out_rows"].sort(key=lambda entry: entry["id"])
    assert_same(whole, one)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("classes", [2, 7, 1100])
def test_the_figures_are_those_of_the_formulas(classes: int, weighted: bool) -> None:
    table = made_up(900, classes, 3)
    if not weighted:
        del table["row_weight"]
    found, r = evaluate(**table).to_dict(), reference(table)
    w, y = r["w"], r["y"]
    for name in ("nll", "entropy", "min_entropy", "one_vs_rest"):
        m, half = mean(r[name], w)
        got = found["loss"][name]
        assert got["value"] == pytest.approx(m, rel=3e-6)  # one_vs_rest of float32 logits
        assert got["high"] - got["low"] == pytest.approx(2 * half, rel=1e-4)
    assert found["loss"]["total"] == pytest.approx(float((w * r["nll"]).sum()), rel=F32)
    assert found["loss"]["perplexity"]["value"] == pytest.approx(np.exp(mean(r["nll"], w)[0]))
    size = table["num_bytes"][r["used"]]
    bits = (w * r["nll"]).sum() / np.log(2) / (w * size).sum()
    assert found["loss"]["bits_per_byte"]["value"] == pytest.approx(float(bits), rel=F32)
    shares = np.bincount(y, w, classes) / w.sum()
    baseline = -sum(p * np.log(p) for p in shares if p)
    assert found["loss"]["baseline"] == pytest.approx(baseline, rel=1e-12)
    for k in (1, 3, 5):
        if k == 1 or k < classes:
            m, _ = mean((r["rank"] < k).astype(float), w)
            assert found["accuracy"][f"top{k}"]["value"] == pytest.approx(m, rel=1e-12)
        else:
            assert found["accuracy"][f"top{k}"] is None
    for line in found["classes"]["listed"][:5]:
        those = y == line["class"]
        assert line["support"] == pytest.approx(w[those].sum())
        assert line["nll"]["value"] == pytest.approx(mean_of(r["nll"][those], w[those]), rel=F32)
        assert line["share"] == pytest.approx(
            float((w * r["nll"])[those].sum() / (w * r["nll"]).sum()), rel=F32
        )
    lang = table["by"]["lang"][r["used"]]
    for line in found["slices"]["lang"]["listed"]:
        those = lang == line["value"]
        assert line["rows"] == those.sum()
        assert line["nll"]["value"] == pytest.approx(mean_of(r["nll"][those], w[those]), rel=F32)


@pytest.mark.parametrize("classes", [2, 7, 1100])
def test_confusions_and_worst_rows(classes: int) -> None:
    table = made_up(900, classes, 4)
    found, r = evaluate(**table).to_dict(), reference(table)
    cost: dict[tuple[int, int], float] = {}
    for y, p, x in zip(r["y"], r["predicted"], r["w"] * r["nll"], strict=True):
        if y != p:
            cost[int(y), int(p)] = cost.get((int(y), int(p)), 0.0) + float(x)
    assert found["confusions"]["pairs"] == len(cost)
    assert found["confusions"]["exact"]
    best = sorted(cost.values(), reverse=True)
    for line, expected in zip(found["confusions"]["listed"], best, strict=False):
        key = line["target"]["class"], line["predicted"]["class"]
        assert line["cost"] == pytest.approx(cost[key], rel=F32)
        assert line["cost"] == pytest.approx(expected, rel=F32)
    numbers = np.flatnonzero(r["used"])
    ids = table["ids"][r["used"]]
    nll = r["nll"].astype(float)
    order = sorted(range(len(numbers)), key=lambda i: (-np.float32(nll[i]), ids[i]))
    worst = found["worst"]
    assert [entry["row"] for entry in worst] == [numbers[i] for i in order[: len(worst)]]
    assert worst[0]["text"] == f"text {worst[0]['row']}"
    assert worst[0]["p"] == pytest.approx(np.exp(-worst[0]["nll"]))


def test_rows_that_do_not_count_are_counted_and_listed() -> None:
    table = made_up(50, 3)
    del table["row_weight"]
    rows = evaluate(**table).to_dict()["rows"]
    assert rows["left_out"] == {"missing": 1, "not finite": 1, "probability 0": 1}
    assert (rows["read"], rows["used"], rows["ignored"]) == (50, 46, 1)
    listed = [(entry["row"], entry["why"]) for entry in rows["left_out_rows"]]
    assert listed == [(1, "not finite"), (2, "probability 0"), (3, "missing")]


def test_quantiles_and_the_share_of_the_worst() -> None:
    table = {k: x for k, x in made_up(40_000, 10).items() if k in ("predictions", "target")}
    found, r = evaluate(**table).to_dict()["distribution"], reference(table)
    nll = np.sort(r["nll"].astype(float))
    for line in found["quantiles"]:
        assert line["nll"] == pytest.approx(np.quantile(nll, line["q"]), rel=2e-3)
    worst = nll[-len(nll) // 100 :].sum() / nll.sum()
    assert found["share_of_worst_percent"] == pytest.approx(worst, rel=2e-3)
    assert found["max"] == pytest.approx(nll[-1])
    assert sum(line["rows"] for line in found["histogram"]) == len(nll)
    assert sum(line["share"] for line in found["histogram"]) == pytest.approx(1)
    assert len(found["histogram"]) <= 60
    for line in found["histogram"]:
        inside = (nll >= line["from"]) & (nll < line["to"])
        assert line["rows"] == inside.sum()


def test_a_row_of_weight_two_is_two_rows() -> None:
    table = {k: x[10:] for k, x in made_up(210, 4).items() if k in ("predictions", "target")}
    twice = {k: np.concatenate([x, x[:50]]) for k, x in table.items()}
    weight = np.where(np.arange(200) < 50, 2.0, 1.0)
    one, two = evaluate(**table, row_weight=weight).to_dict(), evaluate(**twice).to_dict()
    assert one["loss"]["nll"]["value"] == pytest.approx(two["loss"]["nll"]["value"], rel=1e-13)
    assert one["loss"]["baseline"] == pytest.approx(two["loss"]["baseline"], rel=1e-13)
    assert one["confusions"]["listed"][0]["cost"] == pytest.approx(
        two["confusions"]["listed"][0]["cost"], rel=1e-13
    )


def test_equal_rows_are_listed_by_id_or_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST_LISTED", 3)
    z, y = np.tile(np.float32([[2.0, 0.0]]), (10, 1)), np.ones(10, int)
    ids = np.array(list("jihgfedcba"), object)
    assert [entry["row"] for entry in evaluate(z, y).to_dict()["worst"]] == [0, 1, 2]
    named = evaluate(z, y, ids=ids).to_dict()["worst"]
    assert [entry["id"] for entry in named] == ["a", "b", "c"]


@pytest.mark.parametrize("most", [64, 1000])
def test_dropped_pairs_are_bounded(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """With too many pairs, what a pair cost is known to within `uncertainty`."""
    monkeypatch.setattr(confusions, "MOST_PAIRS", most)
    monkeypatch.setattr(confusions, "FEW_CLASSES", 4)
    n, v = 4000, 60
    rng = np.random.default_rng(1)
    z = rng.normal(size=(n, v)).astype(np.float32)
    y = np.where(rng.random(n) < 0.3, 3, rng.integers(0, v, n))
    exact = {}
    r = reference({"predictions": z, "target": y.astype(float)})
    for a, b, x in zip(r["y"], r["predicted"], r["nll"], strict=True):
        exact[int(a), int(b)] = exact.get((int(a), int(b)), 0.0) + (float(x) if a != b else 0.0)
    states = [evaluate(z[k::8], y[k::8]) for k in range(8)]
    found = reduce(merged, states).to_dict()["confusions"]
    assert found["pairs"] <= 2 * most
    assert found["exact"] == (most == 1000) == (found["uncertainty"] == 0)
    for line in found["listed"]:
        true = exact[line["target"]["class"], line["predicted"]["class"]]
        assert line["cost"] <= true * (1 + F32)
        assert true <= (line["cost"] + found["uncertainty"]) * (1 + F32)


def test_sums_do_not_depend_on_the_order() -> None:
    rng = np.random.default_rng(0)
    terms = rng.lognormal(sigma=8, size=(20_000, 2))
    forward, backward = Sums(2), Sums(2)
    for term in terms:
        forward.add(term)
    for term in terms[::-1]:
        backward.add(term)
    exact = terms.astype(np.longdouble).sum(0)
    assert forward.value == pytest.approx(exact.astype(float), rel=1e-15)
    assert backward.value == pytest.approx(exact.astype(float), rel=1e-15)


@pytest.mark.parametrize("size", [3, 1000])
def test_groups_few_or_many(size: int) -> None:
    codes = np.array([2, 0, 2, 1])
    moments = Moments(size)
    moments.add(np.array([1.0, 2.0, 3.0, 4.0]), groups=Groups.of(codes, size))
    assert moments.total[:3].tolist() == [2.0, 4.0, 4.0]
    assert moments.rows[:3].tolist() == [1, 1, 2]
    assert moments.mean(2).value == 2.0
    assert np.isnan(moments.mean(0).low)  # of a single row
