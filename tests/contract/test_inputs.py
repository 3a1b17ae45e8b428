"""What may stand for an array: other dtypes, other byte orders, objects that become arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks import assert_identical

N, V = 12, 37


def values(kind: str = "float32") -> Any:
    return (np.random.default_rng(6).standard_normal((N, V)) * 4).astype(np.float32).astype(kind)


def read_only(array: Any) -> Any:
    array = array.copy()
    array.flags.writeable = False
    return array


def both(face: Any, z: Any, target: Any, **options: Any) -> tuple[Any, Any]:
    loss, grad = face.cross_entropy_and_grad(z, target, reduction="none", **options)
    return face.numpy(loss), face.numpy(grad)


SWAPPED = [pytest.param(k, marks=pytest.mark.needs("byte order")) for k in (">i4", ">i8", ">u2")]


# Every integer type, byte-swapped ones, too; strided and read-only ones below.
@pytest.mark.parametrize("kind", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", *SWAPPED])
def test_targets_of_every_integer_dtype(face: Any, kind: str) -> None:
    z, target = values("float32"), np.arange(N) * 3
    want = both(face, z, target)
    strided = np.repeat(target.astype(kind), 2)[::2]
    for odd in (
        target.astype(kind),
        strided,
        read_only(target.astype(kind)),
        target[::-1].astype(kind)[::-1],
    ):
        before = odd.tobytes()
        have = both(face, z, odd)
        assert_identical(have[0], want[0], "loss")
        assert_identical(have[1], want[1], "gradient")
        assert odd.tobytes() == before


@pytest.mark.needs("byte order")
@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_byte_swapped_logits(face: Any, kind: str) -> None:
    z, target = values("float32").astype(kind), np.arange(N)
    loss, grad = both(face, z.astype(z.dtype.newbyteorder(">")), target)
    want_loss, want_grad = both(face, z, target)
    assert_identical(loss, want_loss, "loss")
    np.testing.assert_array_equal(grad, want_grad)


@pytest.mark.needs("integer logits")
@pytest.mark.parametrize("kind", ["?", "i1", "u1", "i4", "u8"])
def test_integer_logits_are_float64(face: Any, kind: str) -> None:
    z = (np.arange(N * V).reshape(N, V) % 2).astype(kind)
    z[0] = True if kind == "?" else np.iinfo(kind).max
    want = both(face, z.astype(np.float64), np.arange(N))
    have = both(face, z, np.arange(N))
    assert_identical(have[0], want[0], "loss")
    assert_identical(have[1], want[1], "gradient")


class OnlyArray:
    """Knows __array__ and nothing else."""

    def __init__(self, array: Any):
        self.array = array

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.array if dtype is None else self.array.astype(dtype)


class OnlyDLPack:
    """Knows DLPack and nothing else."""

    def __init__(self, array: Any):
        self.array = array

    def __dlpack__(self, **options: Any) -> Any:
        return self.array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()


@pytest.mark.needs("other arrays")
@pytest.mark.parametrize("wrap", [OnlyArray, OnlyDLPack, np.ndarray.tolist])
def test_what_knows_how_to_become_an_array(face: Any, wrap: Callable[[Any], Any]) -> None:
    z, target = values("float64"), np.arange(N) % V
    weight, probs = np.linspace(1, 2, V), np.full((N, V), 1 / V)
    loss, grad = both(face, wrap(z), wrap(target), weight=wrap(weight))
    want = both(face, z, target, weight=weight)
    assert_identical(loss, want[0], "loss")
    assert_identical(grad, want[1], "gradient")
    assert_identical(both(face, wrap(z), wrap(probs))[0], both(face, z, probs)[0], "probabilities")


@pytest.mark.needs("other arrays")
def test_torch_tensors_on_the_cpu(face: Any) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    z, target = values("float32"), np.arange(N)
    loss, grad = both(face, torch.from_numpy(z), torch.from_numpy(target))
    assert_identical(loss, both(face, z, target)[0], "loss")
    assert_identical(grad, both(face, z, target)[1], "gradient")
