"""Exact scores of rows, from the definitions in 80-bit floats, and how near ours must be."""

from typing import Any, NamedTuple

import numpy as np
import oracle
from budgets import ULPS
from checks import dtype_of

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
    np.testing.assert_allclose(have.classes.p, w @ p, rtol=limits.p, atol=limits.zero)
    assert bool(have.classes.binned) == (v <= MOST_BINNED)
    if have.classes.binned and not near_an_edge(p).any():
        check_bins(have.classes.bins, p, w, limits)
        check_hits(have.classes.hits, p, y[used], w)


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


def check_hits(have: Any, p: Any, y: Any, w: Any) -> None:
    """The rows' weights, by target and the bin of its probability."""
    n, v = p.shape
    place = y * BINS + bins_of(p)[np.arange(n), y]
    sums = np.bincount(place, w, v * BINS).reshape(v, BINS)
    np.testing.assert_allclose(have, sums, rtol=1e-13)


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
