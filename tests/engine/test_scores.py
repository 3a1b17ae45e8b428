"""What a report reads of every class, against 80-bit floats from the definitions.

Run as a program too: the last test starts this file for each of the other instruction sets.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import oracle
import pytest
from budgets import ULPS
from checks import assert_identical, dtype_of

import neglog
from neglog._engine import scores as engine

LD = np.longdouble
DTYPES = list(ULPS)
BETAS = 2.0 ** np.arange(-4, 5)
BINS, MOST_BINNED = 128, 1000
# four per octave from 2^-16 to 1/2
EDGES = np.array([2.0**octave * k / 4 for octave in range(-16, -1) for k in (4, 5, 6, 7)] + [0.5])
# no other class; one; an odd one; a vector and a bit; the widest of the rows side by side and one
# more; the last with bins and one more; several parts
WIDTHS = (1, 2, 3, 10, 33, 256, 257, 1000, 1001, 50_000)


class Limits(NamedTuple):
    """Relative errors, as promised in the docstring of `scores`."""

    rest: float
    p: float
    at_1: float  # of nll and of nll - entropy, relative to nll + entropy
    tempered: float
    zero: float  # absolute error of one_vs_rest: an exponential below is 0


LIMITS = {name: Limits(1e-6, 1e-6, 2e-6, 1e-5, 1e-24) for name in DTYPES}
LIMITS["float64"] = Limits(1e-13, 1e-13, 1e-13, 1e-12, 1e-300)


class Exact(NamedTuple):
    """Of every row: (N,), (9, N) where tempered, (N, V) for p."""

    rank: Any
    one_vs_rest: Any
    nll: Any
    d: Any
    p: Any

    def of(self, i: int) -> "Exact":
        one = slice(i, i + 1)
        rows = self.rank[one], self.one_vs_rest[one], self.nll[:, one], self.d[:, one], self.p[one]
        return Exact(*rows)


def bins_of(p: Any) -> Any:
    """By the edges, of p rounded to float32."""
    p = np.asarray(p, np.float32)
    below = np.searchsorted(EDGES, np.minimum(p, 1 - p), side="right")
    return np.where(p > 0.5, BINS - 1 - below, below)


@np.errstate(invalid="ignore")  # 0 * inf, of which nothing is kept
def exact(z: Any, y: Any) -> Exact:
    rows, wide = np.arange(len(z)), oracle.wide(z)
    own = wide[rows, y][:, None]
    rank = ((wide > own) | ((wide == own) & (np.arange(z.shape[1]) < y[:, None]))).sum(axis=1)
    top = wide.argmax(axis=1)
    gap = wide - wide[rows, top][:, None]
    nll, d = np.empty((2, len(BETAS), len(z)), LD)
    for k, beta in enumerate(BETAS):
        e = np.exp(beta * gap)
        e[rows, top] = 0
        others = e.sum(axis=1)
        mean = np.where(e > 0, e * gap, LD(0)).sum(axis=1) / (1 + others)
        nll[k] = np.log1p(others) - beta * gap[rows, y]
        d[k] = beta * (mean - gap[rows, y])
    return Exact(rank, rest_of(z, y), nll, d, oracle.rows(z).p)


@np.errstate(divide="ignore", invalid="ignore")
def rest_of(z: Any, y: Any) -> Any:
    """The oracle's, but where 1 - p of the largest class underflows: by the sum of the others."""
    r, wide = oracle.rows(z), oracle.wide(z)
    rest = oracle.one_vs_rest(r, y)
    for i in np.flatnonzero(np.isinf(rest)):
        top = wide[i].argmax()
        others = np.delete(wide[i], top)
        second = others.max()
        log_others = second - wide[i, top] + np.log(np.exp(others - second).sum())
        rest[i] = -r.log_p[i, y[i]] - log_others
    return rest


def near_an_edge(p: Any) -> Any:
    """Rows with a probability so near to the edge of a bin that its rounding decides: (N,)."""
    p = p.astype(float)
    m = np.minimum(p, 1 - p)
    at = np.searchsorted(EDGES, m).clip(1, len(EDGES) - 1)
    gap = np.minimum(np.abs(m - EDGES[at]), np.abs(m - EDGES[at - 1]))
    return (gap < 4e-6 * m + np.where(p > 0.5, 2e-7, 0)).any(axis=1)


def check(z: Any, y: Any, w: Any = None, found: Any = None, want: Any = None) -> None:
    """All that `scores` gives for these rows, of which those of weight 0 may hold anything."""
    limits, n, v = LIMITS[z.dtype.name], *z.shape
    have = engine.scores(z, y, weight=w) if found is None else found
    weight = np.ones(n) if w is None else w
    used = weight != 0
    want = exact(z[used], y[used]) if want is None else want
    for per_row in (have.rank, have.one_vs_rest):
        assert (per_row[~used] == 0).all()
    np.testing.assert_array_equal(have.rank[used], want.rank)
    rest = want.one_vs_rest.astype(float)
    np.testing.assert_allclose(have.one_vs_rest[used], rest, rtol=limits.rest, atol=limits.zero)
    check_tempered(have.tempered, want, weight[used], limits)
    p, w = want.p.astype(float), weight[used]
    np.testing.assert_allclose(have.class_p, w @ p, rtol=limits.p, atol=limits.zero)
    assert (have.class_bins is None) == (v > MOST_BINNED)
    if have.class_bins is not None and not near_an_edge(p).any():
        check_bins(have.class_bins, p, w, limits)


def check_tempered(have: Any, want: Exact, w: Any, limits: Limits) -> None:
    size = want.nll + np.abs(want.nll - want.d)
    for k, beta in enumerate(BETAS):
        relative = limits.at_1 if beta == 1 else limits.tempered
        sums = np.array([w @ want.nll[k], w @ want.d[k], w**2 @ want.d[k] ** 2])
        sizes = np.array([w @ size[k], w @ size[k], 2 * w**2 @ size[k] ** 2])
        off = np.abs(have[k] - sums)
        most = relative * sizes + limits.zero
        assert (off <= most).all(), (beta, (off / most).astype(float))


def check_bins(have: Any, p: Any, w: Any, limits: Limits) -> None:
    v = p.shape[1]
    assert have.shape == (v, BINS, 2)
    place = (bins_of(p) + BINS * np.arange(v)).ravel()
    for i, x in enumerate((np.broadcast_to(w[:, None], p.shape), w[:, None] * p)):
        sums = np.bincount(place, x.ravel(), v * BINS).reshape(v, BINS)
        rtol, atol = ((1e-13, 0.0), (limits.p, limits.zero))[i]
        np.testing.assert_allclose(have[:, :, i], sums, rtol=rtol, atol=atol)


def check_each(z: Any, y: Any) -> None:
    """One row at a time: none hides behind another."""
    want = exact(z, y)
    for i in range(len(z)):
        one = slice(i, i + 1)
        check(z[one], y[one], want=want.of(i))


def problem(n: int, v: int, dtype: str, spread: float = 3.0) -> tuple[Any, Any, Any]:
    """Logits with no probability at an edge, targets of all ranks, weights."""
    rng = np.random.default_rng(n + v)
    z = (rng.standard_normal((2 * n, v)) * spread).astype(dtype_of(dtype))
    if v <= MOST_BINNED:
        z = z[~near_an_edge(oracle.rows(z).p)]
    z = z[:n].copy()
    assert len(z) == n, "too many rows at an edge"
    y = rng.integers(0, v, n)
    y[::2] = z[::2].astype(float).argmax(axis=1)
    return z, y, rng.uniform(0.1, 4, n)


def rows_for(v: int) -> int:
    """Vectors of rows and a remainder; more than are held at once; few where it takes long."""
    return 37 if v <= 257 else 5 if v <= 1001 else 2


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
    for one in (nothing.tempered, nothing.class_p, nothing.rank, nothing.one_vs_rest):
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
    if have.class_bins is not None:
        assert have.class_bins[:, :, 0].sum(axis=1).tolist() == [19.0] * v


@pytest.mark.parametrize("v", [1, 5, 1000, 1001])
def test_no_rows(v: int) -> None:
    have = engine.scores(np.zeros((0, v), np.float32), np.zeros(0, np.int64))
    assert have.rank.shape == have.one_vs_rest.shape == (0,)
    assert have.tempered.tolist() == [[0.0] * 3] * len(BETAS)
    assert have.class_p.tolist() == [0.0] * v
    assert (have.class_bins is None) == (v > MOST_BINNED)
    assert have.class_bins is None or not have.class_bins.any()


def test_bins_by_their_edges() -> None:
    edges = EDGES.astype(np.float32)
    around = [np.nextafter(edges, np.float32(0)), edges, np.nextafter(edges, np.float32(1))]
    p = np.concatenate([*around, [0, 1e-30, 0.5, 0.6, 1 - 2.0**-16, 1 - 2.0**-18, 1]])
    both = np.concatenate([p, 1 - p.astype(np.float32)])
    np.testing.assert_array_equal(engine.bin_of(both), bins_of(both))


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
    want = engine.scores(z, y, weight=w)
    apart = np.zeros((n, v + 7), z.dtype)[::-1, 3:-4]
    apart[...] = z
    for count, rows in ((2, z), (3, apart)):
        threads(count)
        have = engine.scores(rows, y, weight=w)
        for name, one, other in zip(want._fields, have, want, strict=True):
            if other is not None:
                assert_identical(one, other, f"{name} by {count} threads")


@pytest.mark.parametrize("v", [10, 1000])
def test_sums_are_the_same_for_any_split(v: int) -> None:
    z, y, w = problem(60, v, "float32")
    whole = engine.scores(z, y, weight=w)
    parts = [engine.scores(z[i:j], y[i:j], weight=w[i:j]) for i, j in ((0, 7), (7, 8), (8, 60))]
    for name in ("tempered", "class_p", "class_bins"):
        total = sum(getattr(part, name) for part in parts)
        np.testing.assert_allclose(total, getattr(whole, name), rtol=1e-13)
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
    if instruction_set == neglog.cpu_info().instruction_set:
        pytest.skip("the instruction set in use: the tests above have run it")
    done = subprocess.run(
        [sys.executable, __file__], env=os.environ | {"NEGLOG_CPU": instruction_set},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == instruction_set


if __name__ == "__main__":
    for name in DTYPES:
        for width in (3, 33, 257, 1001):
            check(*problem(rows_for(width), width, name))
        test_confident_rows(10, name)
        test_ties(10, name)
        test_logits_of_minus_infinity(300, name)
    print(neglog.cpu_info().instruction_set)
