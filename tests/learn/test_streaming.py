"""Data larger than memory: stochastic steps come near the minimum, whatever the batches."""

import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra learn")

from scipy import sparse

from neglog.learn import SoftmaxRegression
from neglog.learn._stochastic import descent, streaming
from neglog.learn._stochastic.blocks import Blocks

RANDOM = np.random.default_rng(0)
N = 6000
X = RANDOM.normal(size=(N, 5)) * [1, 100, 0.01, 3, 1] + [0, 1e4, 0, -7, 5]
W = RANDOM.normal(size=(3, 5)) / X.std(axis=0)
Y = np.argmax((X - X.mean(axis=0)) @ W.T + RANDOM.gumbel(size=(N, 3)), axis=1)


def cut(rows: int, *arrays: Any) -> list[Any]:
    return [tuple(a[i : i + rows] for a in arrays) for i in range(0, N, rows)]


def gap(model: SoftmaxRegression, weight: Any = None, features: Any = X) -> float:
    """How far the objective is above its minimum, both measured by the model's own logits."""
    best = SoftmaxRegression(l2=model.l2).fit(features, Y, sample_weight=weight)
    logits = model.logits(features)
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(N), Y]
    nll = float(np.average(losses, weights=weight))
    return nll + model.l2 / 2 * float((model.coef_**2).sum()) - best.loss_


@pytest.mark.parametrize("rows", [500, 6000])
def test_batches_come_near_the_minimum(rows: int) -> None:
    model = SoftmaxRegression(l2=1e-4).fit_batches(cut(rows, X, Y), epochs=20)
    assert 0 <= gap(model) < 2e-3
    assert model.loss_ == pytest.approx(model.nll_ + model.penalty_)
    logits = model.logits(X)
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(N), Y]
    assert model.nll_ == pytest.approx(losses.mean(), rel=1e-5)


def test_batches_of_sparse_rows() -> None:
    features = sparse.random_array((N, 5), density=0.4, format="csr", rng=1) * 100
    model = SoftmaxRegression(l2=1e-4).fit_batches(cut(1000, features, Y), epochs=20)
    assert 0 <= gap(model, features=features) < 2e-3


def test_weights_of_rows() -> None:
    weight = RANDOM.integers(0, 3, N).astype(float)
    model = SoftmaxRegression(l2=1e-4).fit_batches(cut(1000, X, Y, weight), epochs=20)
    assert gap(model, weight) < 3e-3


def test_a_penalty_is_that_of_fit() -> None:
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    model = SoftmaxRegression(l2=0.5).fit_batches(cut(1000, scaled, Y), epochs=20)
    best = SoftmaxRegression(l2=0.5).fit(scaled, Y)
    np.testing.assert_allclose(model.coef_, best.coef_, atol=0.02)


def test_the_same_batches_give_the_same_bits() -> None:
    one, two = (SoftmaxRegression().fit_batches(cut(700, X, Y), epochs=2) for _ in range(2))
    assert np.array_equal(one.coef_, two.coef_)


def test_classes_ahead_keep_their_place() -> None:
    model = SoftmaxRegression().fit_batches(cut(1000, X, Y), classes=[0, 1, 2, 9], epochs=1)
    assert model.classes_.tolist() == [0, 1, 2, 9]
    assert model.coef_.shape == (4, 5)
    with pytest.raises(ValueError, match="not one of classes"):
        SoftmaxRegression().fit_batches(cut(1000, X, Y), classes=[0, 1])


def test_without_intercept() -> None:
    model = SoftmaxRegression(fit_intercept=False).fit_batches(
        cut(1000, X - X.mean(axis=0), Y), epochs=1
    )
    assert np.abs(model.intercept_).max() < 1e-6


def test_rows_sorted_by_class_are_mixed_within_the_buffer() -> None:
    order = np.argsort(Y, kind="stable")

    def loss(rows: Any, buffer: int) -> float:
        batches = cut(500, X[rows], Y[rows])
        model = SoftmaxRegression(l2=1e-4).fit_batches(batches, epochs=3, buffer=buffer)
        return float(model.loss_)

    mixed = loss(slice(None), N)
    assert loss(order, N) == pytest.approx(mixed, abs=1e-3)
    assert loss(order, 2000) > mixed + 0.05  # a buffer of one class, and as many steps


def test_the_buffer_is_filled_again_whatever_the_batches() -> None:
    """Batches of unlike length, larger and smaller than the buffer, rows without a target."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra report")
    names = np.array(["low", "mid", "high"])
    labels = [None if j % 10 == 0 else names[y] for j, y in enumerate(Y)]
    whole = pa.table({"y": labels, "x": X[:, 1], "colour": np.array(["r", "b"])[Y % 2]})
    cuts = [0, 1, 700, 4000, 4001, N]
    parts = [whole.slice(a, b - a) for a, b in pairwise(cuts)]
    seen: list[Any] = []
    model = SoftmaxRegression().fit_batches(
        parts, target="y", epochs=1, buffer=1000, progress=lambda *now: seen.append(now)
    )
    assert [rows for rows, _ in seen] == [3600, 5400]
    known = np.arange(N) % 10 > 0
    logits, target = model.logits(whole)[known], np.searchsorted(model.classes_, names[Y[known]])
    losses = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(target)), target]
    assert model.nll_ == pytest.approx(losses.mean(), rel=1e-5)


def test_tables_that_change_between_the_passes_are_refused() -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra report")
    made: list[int] = []

    def batches() -> Any:
        made.append(1)
        yield pa.table({"y": ["a", "b"] * 9, "colour": ["red", "blue", "new"[: len(made)]] * 6})

    with pytest.raises(ValueError, match="a later pass over batches has a category"):
        SoftmaxRegression().fit_batches(batches, target="y")


def test_the_progress_comes_to_an_end() -> None:
    seen: list[Any] = []
    SoftmaxRegression().fit_batches(
        cut(1000, X, Y), epochs=2, buffer=2000, progress=lambda *now: seen.append(now)
    )
    assert seen == [(rows, rows / (2 * N)) for rows in range(2000, 2 * N + 1, 2000)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batches": iter(cut(1000, X, Y))}, "batches is an iterator, which can be read once"),
        ({"batches": []}, "the first pass over batches had no rows"),
        ({"batches": [(X, Y * 0)]}, "one class only, 0"),
        ({"batches": [(X, Y[:5])]}, r"X of shape \(6000, 5\) and 5 labels"),
        ({"batches": [(X, Y), (X[:, :2], Y)]}, "the batches before have 5 columns"),
        ({"batches": [(np.full((2, 2), np.nan), [0, 1])]}, "NaN"),
        ({"epochs": 0}, "epochs must be an integer >= 1, got 0"),
        ({"buffer": 1.5}, "buffer must be an integer >= 1, got 1.5"),
    ],
)
def test_what_is_refused(options: Any, message: str) -> None:
    given = {"batches": cut(1000, X, Y)} | options
    with pytest.raises(ValueError, match=message):
        SoftmaxRegression().fit_batches(given.pop("batches"), **given)


def test_what_is_no_batch() -> None:
    with pytest.raises(TypeError, match=r"batches must give \(X, y\)"):
        SoftmaxRegression().fit_batches([X])


# ---- tables


def tables(rows: int = 1000) -> list[Any]:
    pa = pytest.importorskip("pyarrow", reason="needs the extra report")
    names = np.array(["low", "mid", "high"])
    whole = pa.table({"y": names[Y], **{f"x{j}": X[:, j] for j in range(5)}})
    return whole.to_batches(max_chunksize=rows)  # type: ignore[no-any-return]


def test_no_block_changes_while_it_is_used() -> None:
    """Blocks are made ahead, in memory that is used again."""
    parts = [(np.full((100, 2), k), np.arange(100) % 2) for k in range(1, 13)]
    reader = streaming.Pairs(None)
    rows = sum(reader.measure(part) for part in parts)
    _, scaling = reader.prepare()
    seen = []
    for block in Blocks(reader, lambda: parts, rows, 200).of(2):
        before = block.table["dense"][:, 1].copy()
        time.sleep(0.01)  # the thread makes as many as it may
        np.testing.assert_array_equal(block.table["dense"][:, 1], before)
        seen.append(before * scaling.scale[0] + scaling.mean[0])
    every = 2 * [k for k in range(1, 13) for _ in range(100)]
    np.testing.assert_allclose(np.concatenate(seen), every, rtol=1e-6)


@pytest.mark.parametrize("buffer", [None, N // 2])
def test_tables_are_read_again_in_every_epoch_that_the_buffer_cannot_hold(
    buffer: int | None,
) -> None:
    made: list[int] = []

    def batches() -> Any:
        made.append(1)
        yield from tables()

    model = SoftmaxRegression().fit_batches(batches, target="y", epochs=30, buffer=buffer)
    assert len(made) == (1 + 1 if buffer is None else 1 + 30 + 1)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    names = np.array(["low", "mid", "high"])[Y]
    best = SoftmaxRegression().fit((X - X.mean(axis=0)) / X.std(axis=0), names)
    assert 0 <= model.loss_ - best.loss_ < 2e-3
    assert (model.predict(tables(N)[0]) == names).mean() > 0.5
    assert model.feature_names_in_.tolist() == [f"x{j}" for j in range(5)]


def test_some_columns_of_tables_and_rows_without_a_target() -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra report")
    labels = pa.array([None if j % 10 == 0 else int(y) for j, y in enumerate(Y)])
    table = pa.table({"y": labels, "x1": X[:, 1], "x3": X[:, 3]})
    model = SoftmaxRegression().fit_batches([table], target="y", features=["x1"], epochs=1)
    assert model.columns_.columns == ("x1",)
    assert model.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="column 'z' is not there"):
        SoftmaxRegression().fit_batches([table], target="z")
    with pytest.raises(ValueError, match="labels in 'y' are not among classes"):
        SoftmaxRegression().fit_batches([table], target="y", classes=[0, 1])


def test_many_weights_take_the_same_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """By products with matrices, where one pass of the kernels would leave the cache."""
    pa = pytest.importorskip("pyarrow", reason="needs the extra report")
    letters = np.array(list("abcdefghij"))
    table = pa.table({"y": Y, "x0": X[:, 0], "t": letters[np.arange(N) % 7], "u": letters[Y]})
    found = []
    for narrow in (descent.NARROW, 0):
        monkeypatch.setattr(descent, "NARROW", narrow)
        found.append(SoftmaxRegression().fit_batches([table], target="y", epochs=3))
    assert found[0].coef_ == pytest.approx(found[1].coef_, abs=1e-3)
    assert found[0].loss_ == pytest.approx(found[1].loss_, rel=1e-4)


# ---- partial_fit


def test_partial_fit_goes_on_to_the_minimum() -> None:
    model = SoftmaxRegression(l2=1e-4)
    for _ in range(20):
        for x, y in cut(1000, X, Y):
            model.partial_fit(x, y, classes=[0, 1, 2])
    assert 0 <= gap(model) < 3e-3


def test_partial_fit_goes_on_from_fit() -> None:
    model = SoftmaxRegression(l2=1e-4).fit(X, Y)
    model.partial_fit(X, Y)
    assert gap(model) < 0.05  # from zeros, one pass of three mini-batches is 0.27 above
    assert gap(SoftmaxRegression(l2=1e-4).partial_fit(X, Y, [0, 1, 2])) > 0.1


def test_partial_fit_weighs_rows() -> None:
    weight = (Y > 0).astype(float)
    model = SoftmaxRegression().partial_fit(X, Y, [0, 1, 2], sample_weight=weight)
    assert not (model.predict(X) == 0).any()


def test_what_partial_fit_refuses() -> None:
    with pytest.raises(ValueError, match="the first call of partial_fit needs classes"):
        SoftmaxRegression().partial_fit(X, Y)
    model = SoftmaxRegression().partial_fit(X[:9], Y[:9], [0, 1, 2])
    with pytest.raises(ValueError, match=r"classes must be those of the first call, \[0, 1, 2\]"):
        model.partial_fit(X, Y, [0, 1])
    with pytest.raises(ValueError, match="not one of classes"):
        model.partial_fit(X[:1], [7])
    with pytest.raises(ValueError, match="features"):
        model.partial_fit(X[:, :2], Y)
