"""Several class axes, and a mask of classes: as if the logits outside of it were -inf."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import slack
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
def test_the_functions_of_logits(face: Any, dtype: str, shape: tuple[int, int]) -> None:
    z, mask, bare = problem(dtype, *shape)
    check_functions(face, z, mask, oracle.rows(bare), dtype)
    have, want = face.log_softmax(z, where=mask), face.log_softmax(bare)
    assert_identical(face.numpy(have), face.numpy(want), "log_softmax")


def check_functions(
    face: Any, z: Any, mask: Any, r: oracle.Rows, dtype: str, axis: int = -1
) -> None:
    """softmax, log_softmax and logsumexp against the exact rows without the classes outside."""
    limit, (wide, most) = ULPS[dtype], face.promise("logsumexp", dtype)
    shape = np.moveaxis(z, axis, -1).shape
    each = limit.nll if dtype == RESULT_DTYPE[dtype] else limit.grad
    p, log_p = (
        np.moveaxis(face.numpy(f(z, axis=axis, where=mask)), axis, -1)
        for f in (face.softmax, face.log_softmax)
    )
    assert_ulps(p, r.p.reshape(shape), dtype, limit.grad, "softmax")
    assert_ulps(log_p, r.log_p.reshape(shape), dtype, each, "log_softmax")
    outside = ~np.moveaxis(np.broadcast_to(mask, z.shape), axis, -1)
    assert not p[outside & ~np.isnan(r.p).reshape(shape)].any()
    lse = face.numpy(face.logsumexp(z, axis=axis, where=mask))
    # no class: -inf, where a row of statistics has nan
    exact = np.where(outside.all(-1), -np.inf, r.lse.reshape(shape[:-1]))
    assert_ulps(lse, exact, wide, most, "logsumexp", size=np.maximum(np.abs(exact), 1))


@pytest.mark.parametrize("shape", [(12, 7), (5, 70000)], ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("options", [{}, {"weight": 2.0}, {"z_loss": 0.1}, {"softcap": 5.0}])
def test_the_losses(face: Any, dtype: str, shape: tuple[int, int], options: Any) -> None:
    z, mask, bare = problem(dtype, *shape)
    target = np.ones(shape[0], int)  # inside of every mask
    target[3] = -100
    if "weight" in options:
        options = {"weight": np.linspace(1, options["weight"], shape[1])}
    options = {"reduction": "none", **options}
    exact = oracle.cross_entropy(bare, target, **options)
    limit, more = ULPS[dtype], slack(dtype, options, bare)
    loss, grad = map(face.numpy, face.cross_entropy_and_grad(z, target, where=mask, **options))
    # a z-loss cancels: ulps of its terms; near a cap the slope does
    sizes = (exact.loss_size, exact.grad_size) if len(options) > 1 else (None, None)
    each = RESULT_DTYPE[dtype]
    assert_ulps(loss, exact.loss, each, limit.nll + more, "loss", size=sizes[0])
    assert_ulps(grad, exact.grad, dtype, limit.grad + more, "gradient", size=sizes[1])
    assert not grad[~mask].any()
    want, slopes = map(face.numpy, face.cross_entropy_and_grad(bare, target, **options))
    assert_identical(loss, want, "the loss with -inf instead")
    np.testing.assert_array_equal(grad, slopes)
    alone = face.numpy(face.cross_entropy(face.array(z), target, where=mask, **options))
    assert_identical(alone, want, "the loss alone")


@pytest.mark.needs("out")
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_gradient_in_the_memory_of_the_logits(face: Any, dtype: str) -> None:
    z, mask, bare = problem(dtype)
    target, own = np.ones(len(z), int), z.copy()
    assert face.cross_entropy_and_grad(own, target, where=mask, out=own)[1] is own
    want = face.cross_entropy_and_grad(bare, target)[1]
    assert_identical(own, want + own.dtype.type(0), "out")


def test_a_target_outside_and_a_row_with_nothing(face: Any) -> None:
    z, mask = np.zeros((2, 3)) - 1, np.array([[True, True, False], [False] * 3])
    found = face.cross_entropy_and_grad(z, np.array([2, 0]), where=mask, reduction="none")
    loss, grad = map(face.numpy, found)
    np.testing.assert_array_equal(loss, [np.inf, np.nan])
    np.testing.assert_allclose(grad, [[0.5, 0.5, 0], [0, 0, 0]], rtol=1e-15)
    assert np.isnan(face.numpy(face.softmax(z, where=mask))[1]).all()
    assert face.numpy(face.logsumexp(z, where=mask))[1] == -np.inf


@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # a single class: a probability
def test_a_mask_is_broadcast(face: Any) -> None:
    """Of any shape that fits, along any axis: functions and losses against the exact rows."""

    @given(
        hnp.mutually_broadcastable_shapes(num_shapes=2, min_dims=1, max_dims=3, max_side=4),
        st.data(),
    )
    def hold(shapes: Any, data: st.DataObject) -> None:
        shape, small = shapes.result_shape, shapes.input_shapes[0]
        axis = data.draw(st.integers(-len(shape), len(shape) - 1))
        z = np.arange(np.prod(shape), dtype=float).reshape(shape) * 1.7 % 5
        mask = (np.arange(np.prod(small)) % 3 != 1).reshape(small)
        last = np.moveaxis(np.where(mask, z, -np.inf), axis, -1)
        bare = last.reshape(-1, last.shape[-1])
        r = oracle.rows(bare)
        check_functions(face, z, mask, r, "float64", axis)
        target = bare.argmax(axis=1)
        found = face.cross_entropy_and_grad(
            z, target.reshape(last.shape[:-1]), axis=axis, where=mask, reduction="none"
        )
        loss, grad = map(face.numpy, found)
        exact, some = oracle.cross_entropy(bare, target, reduction="none"), ~np.isnan(r.lse)
        limit = ULPS["float64"]
        assert_ulps(loss.ravel(), exact.loss, "float64", limit.nll, "loss")
        flat = np.moveaxis(grad, axis, -1).reshape(bare.shape)
        assert_ulps(flat[some], exact.grad[some], "float64", limit.grad, "gradient")

    hold()


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


def test_masks_that_are_none(face: Any) -> None:
    z, target = np.zeros((2, 3)) - 1, np.array([0, 1])
    for bad, error in ((np.ones(3), TypeError), (np.ones(2, bool), ValueError)):
        with face.raises(error, "where must"):
            face.softmax(z, where=bad)
        with face.raises(error, "where must"):
            face.cross_entropy(face.array(z), target, where=bad)
    with face.raises(ValueError, "label_smoothing must be 0 with where"):
        face.cross_entropy(z, target, where=np.ones(3, bool), label_smoothing=0.1)
