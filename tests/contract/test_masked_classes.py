"""Several class axes, and a mask of classes: as if the logits outside of it were -inf."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import neglog

DTYPES = list(ULPS)


def problem(dtype: str, rows: int = 12, classes: int = 7) -> tuple[Any, Any, Any]:
    """Logits that are nan or +inf outside of the mask, the mask, and the logits with -inf there."""
    rng = np.random.default_rng(8)
    z = (rng.standard_normal((rows, classes)) * 4).astype(np.float32).astype(dtype_of(dtype))
    mask = rng.random((rows, classes)) < 0.6
    mask[:, 1] = True
    bare = np.where(mask, z, z.dtype.type(-np.inf))
    z[~mask & (np.arange(classes) % 2 == 0)] = np.nan
    z[~mask & (np.arange(classes) % 2 == 1)] = np.inf
    return z, mask, bare


# short rows; long ones, whose blocks have a row or two
@pytest.mark.parametrize("shape", [(12, 7), (5, 70000)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_functions_of_logits(dtype: str, shape: tuple[int, int]) -> None:
    z, mask, bare = problem(dtype, *shape)
    r = oracle.rows(bare)
    p = neglog.softmax(z, where=mask)
    assert_ulps(p, r.p, dtype, ULPS[dtype].grad, "softmax")
    assert (p[~mask] == 0).all()
    assert_identical(neglog.log_softmax(z, where=mask), neglog.log_softmax(bare), "log_softmax")
    lse = neglog.logsumexp(z, where=mask)
    size = np.maximum(np.abs(r.lse), 1)
    assert_ulps(lse, r.lse, RESULT_DTYPE[dtype], ULPS[dtype].nll, "logsumexp", size=size)


@pytest.mark.parametrize("shape", [(12, 7), (5, 70000)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"weight": 2.0}, {"z_loss": 0.1}, {"softcap": 5.0}])
def test_the_losses(dtype: str, shape: tuple[int, int], options: Any) -> None:
    z, mask, bare = problem(dtype, *shape)
    target = np.ones(shape[0], int)  # inside of every mask
    target[3] = -100
    if "weight" in options:
        options = {"weight": np.linspace(1, options["weight"], shape[1])}
    want, slopes = neglog.cross_entropy_and_grad(bare, target, reduction="none", **options)
    have, grad = neglog.cross_entropy_and_grad(z, target, reduction="none", where=mask, **options)
    assert_identical(have, want, "loss")
    np.testing.assert_array_equal(grad, slopes)
    alone = neglog.cross_entropy(z, target, reduction="none", where=mask, **options)
    assert_identical(alone, want, "the loss alone")
    own = z.copy()
    assert neglog.cross_entropy_and_grad(own, target, where=mask, out=own, **options)[1] is own
    assert_identical(
        own, neglog.cross_entropy_and_grad(bare, target, **options)[1] + own.dtype.type(0), "out"
    )


def test_a_target_outside_and_a_row_with_nothing() -> None:
    z, mask = np.zeros((2, 3)) - 1, np.array([[True, True, False], [False] * 3])
    loss, grad = neglog.cross_entropy_and_grad(z, [2, 0], where=mask, reduction="none")
    np.testing.assert_array_equal(loss, [np.inf, np.nan])
    np.testing.assert_allclose(grad, [[0.5, 0.5, 0], [0, 0, 0]], rtol=1e-15)
    assert np.isnan(neglog.softmax(z, where=mask)[1]).all()
    assert neglog.logsumexp(z, where=mask)[1] == -np.inf


@given(
    hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=3, max_side=4), st.data()
)
def test_a_mask_is_broadcast(shapes: Any, data: st.DataObject) -> None:
    shape, small = shapes.result_shape, shapes.input_shapes[0]
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    z, mask = np.arange(np.prod(shape), dtype=float).reshape(shape) % 5, np.arange(np.prod(small))
    mask = (mask % 3 != 1).reshape(small)
    bare = np.where(mask, z, -np.inf)
    have, want = neglog.softmax(z, axis=axis, where=mask), neglog.softmax(bare, axis=axis)
    np.testing.assert_array_equal(have, want)
    have, want = (
        neglog.logsumexp(x, axis=axis, **m) for x, m in ((z, {"where": mask}), (bare, {}))
    )
    np.testing.assert_array_equal(have, want)


@pytest.mark.parametrize("axis", [None, (0, 1, 2), (2, 0), (-1,), (1, -1)], ids=str)
def test_several_axes(axis: Any) -> None:
    z = np.random.default_rng(9).standard_normal((3, 4, 5)) * 3
    every = tuple(range(3)) if axis is None else axis
    p = neglog.softmax(z, axis=axis)
    total = np.exp(z).sum(axis=every, keepdims=True)
    np.testing.assert_allclose(p, np.exp(z) / total, rtol=1e-14)
    np.testing.assert_allclose(neglog.log_softmax(z, axis=axis), z - np.log(total), rtol=1e-12)
    for keepdims in (True, False):
        have = neglog.logsumexp(z, axis=axis, keepdims=keepdims)
        want = np.log(np.exp(z).sum(axis=every, keepdims=keepdims))
        assert have.shape == want.shape
        np.testing.assert_allclose(have, want, rtol=1e-14)


@pytest.mark.parametrize("axis", [(), (0, 0), (0, -2)])
def test_axes_that_are_none(axis: Any) -> None:
    for function in (neglog.softmax, neglog.logsumexp):
        with pytest.raises(ValueError, match="axis must name"):
            function(np.zeros((2, 3)), axis=axis)  # type: ignore[operator]


def test_masks_that_are_none() -> None:
    z = np.zeros((2, 3)) - 1
    for bad, error in ((np.ones(3), TypeError), (np.ones(2, bool), ValueError)):
        with pytest.raises(error, match="where must"):
            neglog.softmax(z, where=bad)
        with pytest.raises(error, match="where must"):
            neglog.cross_entropy(z, [0, 1], where=bad)
    with pytest.raises(ValueError, match="label_smoothing must be 0 with where"):
        neglog.cross_entropy(z, [0, 1], where=np.ones(3, bool), label_smoothing=0.1)
