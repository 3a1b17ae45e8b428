"""What a report reads of every class, against 80-bit floats from the definitions.

Run as a program too: the last test starts this file for each of the other instruction sets.
"""

from collections.abc import Callable

import numpy as np
import pytest
from checks import assert_identical, assert_runs_on, dtype_of
from engine_helpers.score_checks import (
    BETAS,
    DTYPES,
    WIDTHS,
    check,
    check_each,
    exact,
    problem,
    rows_for,
)

import neglog
from neglog._engine import scores as engine


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", WIDTHS)
def test_against_the_definitions(v: int, dtype: str) -> None:
    z, y, w = problem(rows_for(v), v, dtype)
    want = exact(z, y)
    check(z, y, want=want)
    check(z, y, w, want=want)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [2, 10, 300])
@pytest.mark.parametrize("spread", [0.01, 1.0, 10.0, 60.0])
def test_every_single_row(v: int, dtype: str, spread: float) -> None:
    check_each(*problem(4, v, dtype, spread)[:2])


GAPS = (1e-30, 1e-7, 0.5, 10.0, 20.3, 60.0, 80.0, 100.0, 800.0, 1e4, 6e4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [2, 3, 10, 260])
def test_confident_rows(v: int, dtype: str) -> None:
    """The target first, second and last of them; the others equal and not."""
    kind = dtype_of(dtype)
    z = np.zeros((len(GAPS), 2, v))
    z[:, :, 0] = np.array(GAPS)[:, None]
    z[:, 1, 1:] -= np.linspace(0, 3, v - 1)
    rows = z.reshape(-1, v).astype(kind)
    for y in (0, 1, v - 1):
        check_each(rows, np.full(len(rows), y))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [3, 10, 257])
@pytest.mark.parametrize("offset", [3e4, -3e4])
def test_a_common_offset(v: int, dtype: str, offset: float) -> None:
    z, y, w = problem(rows_for(v), v, dtype)
    z = (z.astype(float) + offset).astype(z.dtype)
    check(z, y, w)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [2, 10, 300])
def test_ties(v: int, dtype: str) -> None:
    """Of the maximum, of the target, of everything."""
    rng = np.random.default_rng(v)
    z = rng.integers(-2, 3, (20, v)).astype(dtype_of(dtype))
    z[:3] = 0
    y = rng.integers(0, v, 20)
    y[:2] = 0, v - 1
    check(z, y)
    check(z, y, rng.uniform(1, 2, 20))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [2, 10, 300])
def test_logits_of_minus_infinity(v: int, dtype: str) -> None:
    z, y, w = problem(20, v, dtype)
    rng = np.random.default_rng(v)
    z[rng.random(z.shape) < 0.4] = -np.inf
    z[:5] = -np.inf  # but for the target: a one-hot row
    z[np.arange(20), y] = rng.integers(-3, 3, 20)
    check(z, y, w)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [1, 10, 300])
def test_a_row_of_weight_0_is_not_read(v: int, dtype: str) -> None:
    z, y, w = problem(23, v, dtype)
    want = engine.scores(z[::2].copy(), y[::2].copy(), weight=w[::2].copy())
    w[1::2] = 0
    z[1::2] = np.nan
    z[3] = np.inf
    y[5], y[7] = -100, v + 10**9
    have = engine.scores(z, y, weight=w)
    check(z, y, w, have)
    np.testing.assert_allclose(have.tempered, want.tempered, rtol=1e-14)
    assert_identical(have.one_vs_rest[::2], want.one_vs_rest, "one against the rest")
    nothing = engine.scores(z, y, weight=np.zeros(23))
    for one in (nothing.tempered, nothing.classes.flat, nothing.rank, nothing.one_vs_rest):
        assert not one.any()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("v", [1, 10, 257, 1001])
def test_what_is_not_finite_stays_in_its_row(v: int, value: float) -> None:
    z, y, _ = problem(19, v, "float32")
    want = engine.scores(z, y)
    z[4] = value
    y[9] = v  # no class
    have = engine.scores(z, y)
    fine = ~np.isin(np.arange(19), (4, 9))
    assert_identical(have.one_vs_rest[fine], want.one_vs_rest[fine], "one against the rest")
    assert_identical(have.rank[fine], want.rank[fine], "rank")
    assert np.isnan(have.one_vs_rest[9])
    if have.classes.binned:
        assert have.classes.bins[:, :, 0].sum(axis=1).tolist() == [19.0] * v
        assert have.classes.hits.sum() == 18.0  # all rows whose target is a class


@pytest.mark.parametrize("v", [1, 5, 1000, 1001])
def test_no_rows(v: int) -> None:
    have = engine.scores(np.zeros((0, v), np.float32), np.zeros(0, np.int64))
    assert have.rank.shape == have.one_vs_rest.shape == (0,)
    assert have.tempered.tolist() == [[0.0] * 3] * len(BETAS)
    assert have.classes.p.tolist() == [0.0] * v
    assert not have.classes.flat.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("v", [1, 2, 10, 257, 9001])
def test_bits_depend_neither_on_threads_nor_on_layout(
    v: int, dtype: str, threads: Callable[[int], None]
) -> None:
    n = max(200_000 // v, 3)
    rng = np.random.default_rng(v)
    z = rng.standard_normal((n, v)).astype(dtype_of(dtype))
    y, w = rng.integers(0, v, n), rng.uniform(0, 2, n)
    threads(1)
    want = engine.scores(z, y, weight=w, from_nll=np.full(9, 2.0))
    apart = np.zeros((n, v + 7), z.dtype)[::-1, 3:-4]
    apart[...] = z
    for count, rows in ((2, z), (3, apart)):
        threads(count)
        have = engine.scores(rows, y, weight=w, from_nll=np.full(9, 2.0))
        for name, one, other in zip(want._fields, have, want, strict=True):
            if name == "classes":
                one, other = one.flat, other.flat
            assert_identical(one, other, f"{name} by {count} threads")


@pytest.mark.parametrize("v", [10, 1000])
def test_sums_are_the_same_for_any_split(v: int) -> None:
    z, y, w = problem(60, v, "float32")
    whole = engine.scores(z, y, weight=w)
    parts = [engine.scores(z[i:j], y[i:j], weight=w[i:j]) for i, j in ((0, 7), (7, 8), (8, 60))]
    total = sum(part.tempered for part in parts)
    np.testing.assert_allclose(total, whole.tempered, rtol=1e-13)
    classes = engine.ClassSums(v)  # added to by one call after the other
    for i, j in ((0, 7), (7, 8), (8, 60)):
        engine.scores(z[i:j], y[i:j], weight=w[i:j], classes=classes)
    np.testing.assert_allclose(classes.flat, whole.classes.flat, rtol=1e-13)
    for name in ("rank", "one_vs_rest"):
        together = np.concatenate([getattr(part, name) for part in parts])
        assert_identical(together, getattr(whole, name), name)


def test_what_does_not_fit_is_refused() -> None:
    z, y = np.zeros((4, 3), np.float32), np.zeros(4, np.int64)
    with pytest.raises(ValueError, match="target"):
        engine.scores(z, y[:3])
    with pytest.raises(ValueError, match="target"):
        engine.scores(z, y.astype(np.int16))
    with pytest.raises(ValueError, match="weight"):
        engine.scores(z, y, weight=np.ones(4, np.float32))
    with pytest.raises(ValueError, match="logits"):
        engine.scores(z.T, y[:3])
    with pytest.raises(ValueError, match="logits"):
        engine.scores(z[:, :0], y)


@pytest.mark.parametrize("instruction_set", neglog.cpu_info().supported)
def test_against_the_definitions_on(instruction_set: str) -> None:
    """In a process of its own: the instruction set is chosen once, at import."""
    assert_runs_on(instruction_set, __file__)


if __name__ == "__main__":
    for name in DTYPES:
        for width in (3, 33, 257, 1001):
            check(*problem(rows_for(width), width, name))
        test_confident_rows(10, name)
        test_ties(10, name)
        test_logits_of_minus_infinity(300, name)
    print(neglog.cpu_info().instruction_set)
