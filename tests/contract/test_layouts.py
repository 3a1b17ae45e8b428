"""Every memory layout of an array gives the same bits as the contiguous one."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from budgets import ULPS
from checks import assert_identical, dtype_of

import neglog

DTYPES = list(ULPS)
N, V = 12, 37


def values(dtype: str, shape: tuple[int, ...] = (N, V)) -> Any:
    z = np.random.default_rng(6).standard_normal(shape) * 4
    return z.astype(np.float32).astype(dtype_of(dtype))


def placed(big: Any, view: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Copy the values into a view of a larger buffer of nan, so that a read outside shows."""

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


@pytest.mark.needs("out")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_out_in_any_layout(face: Any, layout: str) -> None:
    """The gradient is written to the given array, which is returned; nothing else is touched."""
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


@pytest.mark.needs("out")
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


@pytest.mark.needs("out")
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


# (4, 5, 6): so few columns side by side are copied; (3, 300, 20): so many classes are copied
@pytest.mark.parametrize("shape", [(4, 5, 6), (3, 20, 40), (3, 300, 20)])
@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("out", [False, pytest.param(True, marks=pytest.mark.needs("out"))])
def test_an_axis_of_three(face: Any, axis: int, shape: tuple[int, int, int], out: bool) -> None:
    """Values, gradient and `out` along each axis, for contiguous and transposed arrays."""
    z = values("float32", shape)
    target = np.arange(z.size // z.shape[axis]).reshape(np.delete(z.shape, axis)) % 3
    rows = np.moveaxis(z, axis, -1)
    loss, grad = both(face, rows.copy(), target)
    given = {"out": np.empty_like(z)} if out else {}
    loss_here, grad_here = both(face, z, target, axis=axis, **given)
    assert_identical(loss_here, loss, "loss")
    assert_identical(np.moveaxis(grad_here, axis, -1), grad, "gradient")


IMAGE = {
    "plain": lambda z: z.copy(),
    "every second pixel": placed((3, 20, 7, 12), lambda b: b[..., ::2]),
    "part of an image": placed((3, 20, 9, 11), lambda b: b[:, :, 1:8, 2:8]),
    "rows of pixels apart": placed((3, 20, 14, 6), lambda b: b[:, :, ::2]),
    "some images of some classes": placed((6, 25, 7, 6), lambda b: b[::2, 2:22]),
    "backwards": placed((3, 20, 7, 6), lambda b: b[::-1, ::-1]),
    "classes last": placed((3, 7, 6, 20), lambda b: np.moveaxis(b, -1, 1)),
    "classes first": placed((20, 3, 7, 6), lambda b: b.swapaxes(0, 1)),
}
PIXEL = np.linspace(0.5, 2, 126).reshape(3, 7, 6)
IMAGE_OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"weight": np.arange(20) / 8, "row_weight": PIXEL, "z_loss": 0.1, "reduction": "mean"},
    {"label_smoothing": 0.3, "ignore_index": 2, "temperature": PIXEL},
    {"softcap": 5.0, "reduction": "sum"},
)


@pytest.mark.parametrize("in_place", [False, pytest.param(True, marks=pytest.mark.needs("out"))])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layout", IMAGE)
def test_images_have_the_bits_of_rows(face: Any, layout: str, dtype: str, in_place: bool) -> None:
    """The classes of (3, 20, 7, 6) logits along axis 1, with and without `out`."""
    rows = values(dtype, (3, 7, 6, 20))
    z, out = (IMAGE[layout](np.moveaxis(x, -1, 1)) for x in (rows, np.zeros_like(rows)))
    base, around = z.copy(), 0 if out.base is None else np.isnan(out.base.astype(float)).sum()
    classes = np.arange(126).reshape(3, 7, 6) % 20
    probs = np.random.default_rng(3).dirichlet(np.ones(20), (3, 7, 6)).astype(np.float32)
    for options in IMAGE_OPTIONS:
        for target, turned in ((classes, classes), (probs, np.moveaxis(probs, -1, 1))):
            if target is probs:
                options = {k: v for k, v in options.items() if k != "ignore_index"}
            loss, grad = face.cross_entropy_and_grad(rows, target, **options)
            more = {"out": out} if in_place else {}
            have = face.cross_entropy_and_grad(z, turned, axis=1, **options, **more)
            assert_identical(face.numpy(have[0]), face.numpy(loss), f"loss, {options}")
            seen = np.moveaxis(face.numpy(have[1]), 1, -1)
            assert_identical(seen, face.numpy(grad), f"gradient, {options}")
            alone = face.cross_entropy(z, turned, axis=1, **options)
            assert_identical(face.numpy(alone), face.numpy(loss), f"loss alone, {options}")
    for name in ("softmax", "log_softmax"):
        have = np.moveaxis(face.numpy(getattr(face, name)(z, axis=1)), 1, -1)
        assert_identical(have, face.numpy(getattr(face, name)(rows)), name)
    for name in ("logsumexp", "entropy", "min_entropy"):
        have = face.numpy(getattr(face, name)(z, axis=1))
        assert_identical(have, face.numpy(getattr(face, name)(rows)), name)
    for have, want in zip(
        face.row_stats(z, classes, axis=1), face.row_stats(rows, classes), strict=True
    ):
        assert_identical(face.numpy(have), face.numpy(want), "row_stats")
    assert_identical(z, base, "the logits")
    assert out.base is None or np.isnan(out.base.astype(float)).sum() == around


def test_an_image_is_not_copied() -> None:
    """A call on (2, 20, 100, 100) logits allocates a few numbers per pixel."""
    z = values("float32", (2, 20, 100, 100))
    target, out = np.zeros((2, 100, 100), int), np.empty_like(z)
    for call in (
        lambda: neglog.cross_entropy(z, target, axis=1),
        lambda: neglog.cross_entropy_and_grad(z, target, axis=1, out=out),
        lambda: neglog.cross_entropy_and_grad(z, target, axis=1, out=z),
        lambda: neglog.entropy(z.reshape(2, 20, -1)[0], axis=0),
    ):
        tracemalloc.start()
        call()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < z.nbytes / 2


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
@pytest.mark.parametrize("out", [False, pytest.param(True, marks=pytest.mark.needs("out"))])
def test_rows_further_than_2_to_the_31_apart(
    face: Any, tmp_path: Path, axis: int, out: bool
) -> None:
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
    loss, grad = both(face, view, target, axis=axis, **({"out": view} if out else {}))
    assert_identical(loss, want[0], "loss")
    assert_identical(grad if axis == 1 else grad.T, want[1], "gradient")
    assert_identical(np.asarray(far[:, -1000:]), want[1] if out else z, "the file")
    pixels = np.arange(1000) % 3
    across = np.array(far[:, -1000:])
    loss, grad = both(face, far[:, -1000:], pixels, axis=0)  # three classes, as far apart
    want_across = both(face, across.T.copy(), pixels)
    assert_identical(loss, want_across[0], "loss across")
    assert_identical(grad.T, want_across[1], "gradient across")
    assert not far[1:, :1000].any()


@pytest.mark.parametrize("shape", [(0,), (2, 3, 0)])
def test_no_classes(face: Any, shape: tuple[int, ...]) -> None:
    with face.raises(ValueError, "logits"):
        both(face, np.zeros(shape, np.float32), np.zeros(shape[:-1], np.int32))


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 2)])
def test_no_rows(face: Any, shape: tuple[int, ...]) -> None:
    z = np.zeros(shape, np.float32)
    assert face.softmax(z).shape == shape
    assert both(face, z, np.zeros(shape[:-1], np.int32))[1].shape == shape
