"""Every layout of memory that an array can have gives the bits of the plain one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from budgets import ULPS
from checks import assert_identical, dtype_of

DTYPES = list(ULPS)
N, V = 12, 37


def values(dtype: str, shape: tuple[int, ...] = (N, V)) -> Any:
    z = np.random.default_rng(6).standard_normal(shape) * 4
    return z.astype(np.float32).astype(dtype_of(dtype))


def placed(big: Any, view: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Copy the values into a view of a larger buffer full of nan: reading beside it shows."""

    def layout(z: Any) -> Any:
        buffer = np.full(big, np.nan).astype(z.dtype)
        view(buffer)[...] = z
        return view(buffer)

    return layout


def off_by_a_byte(z: Any) -> Any:
    raw = np.zeros(z.nbytes + 1, np.uint8)
    raw[1:] = np.frombuffer(z.tobytes(), np.uint8)
    return raw[1:].view(z.dtype).reshape(z.shape)


def read_only(z: Any) -> Any:
    z = z.copy()
    z.flags.writeable = False
    return z


LAYOUTS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda z: z.copy(),
    "Fortran": np.asfortranarray,
    "every second row": placed((2 * N, V), lambda b: b[::2]),
    "every third class": placed((N, 3 * V), lambda b: b[:, ::3]),
    "rows backwards": placed((N, V), lambda b: b[::-1]),
    "classes backwards": placed((N, V), lambda b: b[:, ::-1]),
    "long rows": placed((N, V + 11), lambda b: b[:, :V]),
    "columns of long rows": placed((N, V + 11), lambda b: b[:, 5 : 5 + V]),
    "one element off": placed((N * V + 1,), lambda b: b[1:].reshape(N, V)),
    "three elements off": placed((N * V + 3,), lambda b: b[3:].reshape(N, V)),
    "one byte off": off_by_a_byte,
    "read-only": read_only,
}


def both(face: Any, z: Any, target: Any, **options: Any) -> tuple[Any, Any]:
    loss, grad = face.cross_entropy_and_grad(z, target, reduction="none", **options)
    return face.numpy(loss), face.numpy(grad)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_logits_in_any_layout(face: Any, layout: str, dtype: str) -> None:
    z, target = values(dtype), np.arange(N) % V
    odd = LAYOUTS[layout](z)
    before = odd.tobytes()
    loss, grad = both(face, z, target)
    assert_identical(both(face, odd, target)[0], loss, "loss")
    assert_identical(both(face, odd, target)[1], grad, "gradient")
    for name in ("softmax", "log_softmax", "logsumexp", "entropy"):
        call = getattr(face, name)
        assert_identical(face.numpy(call(odd)), face.numpy(call(z)), name)
    assert odd.tobytes() == before


@pytest.mark.parametrize("layout", LAYOUTS)
def test_out_in_any_layout(face: Any, layout: str) -> None:
    """The gradient lands in the array given, which comes back; nothing beside it is touched."""
    z, target = values("float32"), np.arange(N) % V
    out = LAYOUTS[layout](np.zeros_like(z))
    if not out.flags.writeable:
        with pytest.raises(ValueError, match="out"):
            face.cross_entropy_and_grad(z, target, out=out)
        return
    base = out if out.base is None else out.base
    around = np.isnan(base).sum() if base.dtype.kind == "f" else 0
    _, grad = face.cross_entropy_and_grad(z, target, out=out, reduction="none")
    assert grad is out
    assert_identical(out, both(face, z, target)[1], "gradient")
    assert (np.isnan(base).sum() if base.dtype.kind == "f" else 0) == around


@pytest.mark.parametrize("dtype", DTYPES)
# 2, 37: side by side in the lanes, one row at a time; 9000: more than a segment
@pytest.mark.parametrize("width", [2, V, 9000])
def test_out_may_be_the_logits(face: Any, dtype: str, width: int) -> None:
    z, target = values(dtype, (N, width)), np.arange(N) % width
    options = {"label_smoothing": 0.1, "z_loss": 0.01}
    for more in ({}, options):
        own = z.copy()
        loss, grad = both(face, z, target, **more)
        loss_own, grad_own = both(face, own, target, out=own, **more)
        assert grad_own is own
        assert_identical(loss_own, loss, "loss")
        assert_identical(grad_own, grad, "gradient")


def test_out_that_overlaps_otherwise_is_refused(face: Any) -> None:
    buffer = np.arange(90, dtype=np.float64)
    z, target = buffer[:80].reshape(8, 10), np.zeros(8, int)
    before = buffer.copy()
    for out in (buffer[10:].reshape(8, 10), buffer[1:81].reshape(8, 10), z[::-1], z[:, ::-1]):
        with pytest.raises(ValueError, match="out"):
            face.cross_entropy_and_grad(z, target, out=out)
    assert_identical(buffer, before, "the buffer")
    weight = np.ones(10)
    with pytest.raises(ValueError, match="out"):
        face.cross_entropy_and_grad(z[:1], np.array([0]), weight=weight, out=weight[None])


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_axis_of_three(face: Any, axis: int) -> None:
    """Values, gradient and `out` along each axis, the array as it lies or turned."""
    z = values("float32", (4, 5, 6))
    target = np.arange(z.size // z.shape[axis]).reshape(np.delete(z.shape, axis)) % 4
    rows = np.moveaxis(z, axis, -1)
    loss, grad = both(face, rows.copy(), target)
    out = np.empty_like(z)
    for given in ({}, {"out": out}):
        loss_here, grad_here = both(face, z, target, axis=axis, **given)
        assert_identical(loss_here, loss, "loss")
        assert_identical(np.moveaxis(grad_here, axis, -1), grad, "gradient")


def test_a_read_only_memory_map(face: Any, tmp_path: Path) -> None:
    z, target = values("float32", (50, 300)), np.arange(50)
    np.save(tmp_path / "logits.npy", z)
    np.save(tmp_path / "target.npy", target)
    load = lambda name: np.load(tmp_path / name, mmap_mode="r")  # noqa: E731
    have = both(face, load("logits.npy"), load("target.npy"))
    want = both(face, z, target)
    assert_identical(have[0], want[0], "loss")
    assert_identical(have[1], want[1], "gradient")


@pytest.mark.parametrize("axis", [1, 0])
def test_rows_further_than_2_to_the_31_apart(face: Any, tmp_path: Path, axis: int) -> None:
    """A row index in 32 bits reads another row: the third row here starts at element 2^31."""
    path = tmp_path / "sparse.f16"
    with path.open("wb") as file:
        file.truncate(3 * 2**30 * 2)
    far = np.memmap(path, np.float16, "r+", shape=(3, 2**30))
    z = values("float16", (3, 1000))
    far[:, -1000:] = z  # the last row ends at element 3 * 2^30 - 1
    target = np.array([0, 500, 999])
    want = both(face, z, target)
    view = far[:, -1000:] if axis == 1 else far[:, -1000:].T
    loss, grad = both(face, view, target, axis=axis)
    assert_identical(loss, want[0], "loss")
    assert_identical(grad if axis == 1 else grad.T, want[1], "gradient")
    both(face, view, target, axis=axis, out=view)
    assert_identical(np.asarray(far[:, -1000:]), want[1], "gradient in place")
    assert not far[1:, :1000].any()


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 2), (0,), (2, 3, 0)])
def test_axes_of_size_zero(face: Any, shape: tuple[int, ...]) -> None:
    z = np.zeros(shape, np.float32)
    if shape[-1] == 0:
        with pytest.raises(ValueError, match="logits"):
            face.softmax(z)
        return
    assert face.softmax(z).shape == shape
    assert both(face, z, np.zeros(shape[:-1], np.int32))[1].shape == shape
