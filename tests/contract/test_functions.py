"""The functions beside cross_entropy, against their definitions."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of

DTYPES = list(ULPS)
# last; first; middle of three; the same counted from the end
AXES = (-1, 0, 1, -2)


def cube(dtype: str, seed: int = 1) -> Any:
    """(3, 4, 5) logits, ordinary and confident ones."""
    z = np.random.default_rng(seed).standard_normal((3, 4, 5)) * 4
    return z.astype(np.float32).astype(dtype_of(dtype))


def along(axis: int, function: Any, z: Any) -> Any:
    """`function` applied to the rows of z along `axis`; the rows' shape is kept."""
    rows = np.moveaxis(z, axis, -1)
    out = function(rows.reshape(-1, rows.shape[-1]))
    if out.ndim == 1:
        return out.reshape(rows.shape[:-1])
    return np.moveaxis(out.reshape(rows.shape), -1, axis)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", AXES)
def test_along_an_axis(face: Any, dtype: str, axis: int) -> None:
    z, limit, wide = cube(dtype), ULPS[dtype], RESULT_DTYPE[dtype]
    x, lse = face.array(z), face.promise("logsumexp", dtype)
    same = limit.nll if wide == dtype else limit.grad
    for name, kind, most, exact in (
        ("softmax", dtype, limit.grad, lambda r: oracle.rows(r).p),
        ("log_softmax", dtype, same, lambda r: oracle.rows(r).log_p),
        ("logsumexp", *lse, lambda r: oracle.rows(r).lse),
        ("entropy", wide, limit.nll, lambda r: oracle.entropy(oracle.rows(r))),
        ("min_entropy", wide, limit.nll, lambda r: -oracle.rows(r).log_p.max(axis=1)),
    ):
        want, have = along(axis, exact, z), face.numpy(getattr(face, name)(x, axis=axis))
        assert have.dtype == dtype_of(kind), name
        size = np.maximum(np.abs(want), 1) if name in ("logsumexp", "entropy") else None
        assert_ulps(have, want, kind, most, name, size=size)
    kept = face.numpy(face.logsumexp(x, axis=axis, keepdims=True))
    want = np.expand_dims(face.numpy(face.logsumexp(x, axis=axis)), axis)
    assert_identical(kept, want, "keepdims")


@pytest.mark.parametrize("dtype", DTYPES)
# 2 and per row: what is above 1 flattens; the cap bends; both together
@pytest.mark.parametrize(
    ("temperature", "softcap"), [(2.0, None), ("row", None), (1.0, 3.0), ("row", 3.0)]
)
def test_row_stats_are_all_of_the_tempered_row(
    face: Any, dtype: str, temperature: float | str, softcap: float | None
) -> None:
    """Released code gave the entropy without the temperature and the log-probabilities with it."""
    z = cube(dtype).reshape(12, 5)
    target = np.arange(12) % 5
    warm = np.linspace(0.5, 3, 12) if temperature == "row" else temperature
    r = oracle.rows(z, warm, softcap)
    stats = face.row_stats(face.array(z), target, temperature=warm, softcap=softcap)
    limit = ULPS[dtype].nll
    hit = -r.log_p[np.arange(12), target]
    for have, want in ((stats.nll, hit), (stats.lse, r.lse), (stats.entropy, oracle.entropy(r))):
        assert_ulps(
            face.numpy(have),
            want,
            RESULT_DTYPE[dtype],
            limit,
            "stats",
            size=np.maximum(np.abs(want), 1),
        )
    np.testing.assert_array_equal(face.numpy(stats.argmax), oracle.wide(z).argmax(axis=1))


def test_argmax_of_ties_is_the_first(face: Any) -> None:
    z = np.zeros((3, 200), np.float32)
    z[0, [7, 8, 150]], z[1, [199, 64]], z[2] = 3, 3, -1
    stats = face.row_stats(face.array(z), np.zeros(3, int))
    np.testing.assert_array_equal(face.numpy(stats.argmax), [7, 64, 0])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
def test_nll_loss_picks_and_weighs(face: Any, dtype: str, reduction: str) -> None:
    """-w_y log p_y divided by the weights used; the log-probabilities are not normalised."""
    z = cube(dtype).reshape(12, 5)
    log_p = oracle.rows(z).log_p.astype(np.float32).astype(z.dtype)
    target, w = np.arange(12) % 5, np.array([1, 2, 0.5, 0, 3])
    target[4] = -100
    kept = target >= 0
    picked, used = (
        -oracle.wide(log_p)[np.arange(12), target.clip(0)],
        np.where(kept, w[target.clip(0)], 0),
    )
    each = np.where(kept, used * picked, 0)
    want = {"none": each, "sum": each.sum(), "mean": each.sum() / used.sum()}[reduction]
    have = face.numpy(face.nll_loss(face.array(log_p), target, weight=w, reduction=reduction))
    result, limit = face.promise("nll_loss", dtype)
    assert have.dtype == dtype_of(result)
    assert_ulps(have, want, result, limit, reduction)


@pytest.mark.parametrize("dtype", DTYPES)
# (5,): one row; (7, 3): pos_weight by class; (2, 3, 4): any shape; (1000,): more than a vector
@pytest.mark.parametrize("shape", [(5,), (7, 3), (2, 3, 4), (1000,)])
@pytest.mark.parametrize("weighted", [False, True])
def test_binary(face: Any, dtype: str, shape: tuple[int, ...], weighted: bool) -> None:
    rng = np.random.default_rng(3)
    z = (rng.standard_normal(shape) * 20).astype(np.float32).astype(dtype_of(dtype))
    t = np.where(
        rng.uniform(size=shape) < 0.5, rng.integers(0, 2, shape), rng.integers(0, 9, shape) / 8
    )
    pos = np.arange(1, shape[-1] + 1) / 4 if weighted else None
    exact = oracle.binary(z, t, 1.0 if pos is None else pos)
    limit, result = ULPS[dtype], RESULT_DTYPE[dtype]
    for reduction, by in (("none", 1), ("sum", 1), ("mean", z.size)):
        total = (lambda a: a) if reduction == "none" else np.sum
        loss, grad = face.binary_cross_entropy_and_grad(
            face.array(z), face.array(t), pos_weight=pos, reduction=reduction)  # fmt: skip
        alone = face.binary_cross_entropy(
            face.array(z), face.array(t), pos_weight=pos, reduction=reduction
        )
        for have in (loss, alone):
            assert_ulps(face.numpy(have), total(exact.loss) / by, result, limit.nll, reduction,
                        size=total(exact.loss_size) / by)  # fmt: skip
        size = exact.grad_size / by
        assert_ulps(face.numpy(grad), exact.grad / by, dtype, limit.grad, "gradient", size=size)
        assert face.numpy(grad).dtype == z.dtype


def test_binary_at_the_edges(face: Any) -> None:
    """A confident right answer costs e^-x, a confident wrong one x, and 0 * inf is 0."""
    inf = np.inf
    z, t = (
        np.array([40.0, -40, 40, -40, inf, -inf, inf, -inf]),
        np.array([1.0, 0, 0, 1, 1, 0, 0, 1]),
    )
    small = np.log1p(np.exp(np.longdouble(-40)))
    want = [small, small, 40 + small, 40 + small, 0, 0, inf, inf]
    loss, grad = face.binary_cross_entropy_and_grad(face.array(z), face.array(t), reduction="none")
    assert_ulps(face.numpy(loss), want, np.float64, 3, "loss")
    p = np.exp(np.longdouble(-40)) / (1 + np.exp(np.longdouble(-40)))
    assert_ulps(face.numpy(grad), [-p, p, 1 - p, p - 1, 0, 0, 1, -1], np.float64, 8, "gradient")


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoids(face: Any, dtype: str) -> None:
    z = np.concatenate(
        [np.linspace(-80, 80, 161), [0, -0.0, 700, -700, np.inf, -np.inf, np.nan, 1e-6]]
    )
    z = z.astype(np.float32).astype(dtype_of(dtype))
    limit = ULPS[dtype]
    have = face.numpy(face.sigmoid(face.array(z)))
    assert_ulps(have, oracle.sigmoid(z), dtype, limit.grad, "sigmoid")
    with np.errstate(invalid="ignore"):
        exact = -oracle.softplus(-oracle.wide(z))
    have = face.numpy(face.log_sigmoid(face.array(z)))
    assert_ulps(
        have,
        exact,
        dtype,
        limit.nll if dtype in ("float32", "float64") else limit.grad,
        "log_sigmoid",
    )
    assert have.dtype == z.dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_kl_divergence(face: Any, dtype: str) -> None:
    """Terms cancel, so the limit is ulps of the sum of their absolute values."""
    z = cube(dtype).reshape(12, 5)
    # 64ths that sum to exactly 1, zeros and a sure class among them
    t = np.random.default_rng(4).multinomial(64, [0.05, 0.4, 0.3, 0.2, 0.05], 12) / 64
    t[0] = np.eye(5)[2]
    exact, size = oracle.kl_divergence(t, oracle.rows(z))
    have = face.kl_divergence(face.array(t), face.array(z))
    assert_ulps(face.numpy(have), exact, RESULT_DTYPE[dtype], ULPS[dtype].nll, "kl", size=size)
    never = face.kl_divergence(
        face.array(np.array([[0.5, 0.5], [1.0, 0.0]])), face.array(np.array([[0, -np.inf]] * 2))
    )
    np.testing.assert_array_equal(face.numpy(never), [np.inf, 0])


@pytest.mark.needs("softmax_jacobian")
def test_softmax_jacobian(face: Any) -> None:
    """diag(p) - p p^T; the diagonal p (1 - p) is accurate, the other entries are -p_i p_j."""
    z = np.array([[3.0, 1, -2], [30.0, 0, 0]])
    r = oracle.rows(z)
    exact = -r.p[:, :, None] * r.p[:, None, :]
    exact[:, np.arange(3), np.arange(3)] = r.p * r.complement
    have = face.numpy(face.softmax_jacobian(face.array(z)))
    assert_ulps(have, exact, np.float64, ULPS["float64"].grad, "jacobian")
    assert face.numpy(face.softmax_jacobian(face.array(z[0]))).shape == (3, 3)


@pytest.mark.needs("one_hot")
def test_one_hot(face: Any) -> None:
    for target in (np.array([[2, 0], [1, 1]]), np.array([], int), 1):
        have = face.numpy(face.one_hot(face.array(target), 3))
        assert have.shape == (*np.shape(target), 3)
        np.testing.assert_array_equal(have, np.eye(3)[np.asarray(target, int)])
