"""What is accepted as an array: other dtypes, byte orders, objects that convert to arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checks import assert_identical

from neglog._contract import from_objects

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


# ---- frames, and what cannot become an array


class ArrowFrame:
    """A frame of pyarrow numbers as pandas shows it: objects unless a dtype is asked for."""

    def __init__(self, array: Any):
        self.array = array
        dtype = type("ArrowDtype", (), {"numpy_dtype": array.dtype})()
        self.dtypes = [dtype] * array.shape[1] if array.ndim == 2 else dtype

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.array.astype(object)

    def to_numpy(self, dtype: Any, **options: Any) -> Any:
        return self.array.astype(dtype)


@pytest.mark.needs("other arrays")
@pytest.mark.parametrize("kind", ["pandas", "nullable", "arrow"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_frames(face: Any, kind: str, dtype: str) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")

    def wrap(array: Any) -> Any:
        if kind == "arrow":
            return ArrowFrame(array)
        frame = pandas.DataFrame(array) if array.ndim == 2 else pandas.Series(array)
        return frame.convert_dtypes() if kind == "nullable" else frame

    z, target = values(dtype), np.arange(N) % V
    weight, probs = np.linspace(1.5, 2, N), np.full((N, V), 1 / V)
    loss, grad = both(face, wrap(z), wrap(target), row_weight=wrap(weight))
    want = both(face, z, target, row_weight=weight)
    assert_identical(loss, want[0], "loss")
    assert_identical(grad, want[1], "gradient")
    assert_identical(both(face, z, wrap(probs))[0], both(face, z, probs)[0], "probabilities")


@pytest.mark.needs("other arrays")
def test_missing_values_of_frames(face: Any) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    z = pandas.DataFrame([[1.5, None], [2.5, 3.5]]).astype("Float64")
    loss = face.numpy(face.cross_entropy(z, np.array([0, 0]), reduction="none"))
    assert np.isnan(loss[0])
    assert loss[1] == np.log1p(np.exp(1.0))
    target = pandas.Series([0, None], dtype="Int64")  # objects before pandas 3, then floats
    with pytest.raises(ValueError, match=r"target.*fill"):
        face.cross_entropy(np.zeros((2, 2)), target)
    with pytest.raises(ValueError, match=r"target has missing values; .* target.fillna\(-100\)"):
        from_objects("target", target, np.array([0, None], object))


class Sparse:
    """What SciPy's sparse matrices and arrays have."""

    def toarray(self) -> Any:
        raise AssertionError("the caller decides whether the memory is there")


def tensor(dtype: str, **options: Any) -> Any:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    return torch.zeros(2, 3, dtype=getattr(torch, dtype), **options)


UNREAD: dict[str, tuple[Callable[[], Any], str]] = {
    "bfloat16": (lambda: tensor("bfloat16"), r"pass logits\.float\(\), or .* neglog\.torch"),
    "leaf": (lambda: tensor("float32", requires_grad=True), r"pass logits\.detach\(\), or"),
    "both": (lambda: tensor("bfloat16", requires_grad=True), r"logits\.detach\(\)\.float\(\), or"),
    "sparse tensor": (lambda: tensor("float32").to_sparse(), r"pass logits\.to_dense\(\), or"),
    "sparse": (Sparse, r"\(it is a Sparse\); pass logits\.toarray\(\)"),
    "None": (lambda: None, r"\(it is None\); pass an array or a list of numbers"),
    "dictionary": (lambda: {"a": 1.0}, r"pass list\(logits\.values\(\)\)"),
    "generator": (lambda: (x for x in [1.0]), r"\(it is a generator\); pass list\(logits\)"),
}


@pytest.mark.needs("other arrays")
@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_no_array_says_what_to_pass(face: Any, kind: str) -> None:
    make, way_out = UNREAD[kind]
    for function in (face.softmax, lambda z: face.cross_entropy(z, np.array([0, 1]))):
        with pytest.raises(TypeError, match=way_out):
            function(make())
    with pytest.raises(TypeError, match=way_out.replace("logits", "target")):
        face.cross_entropy(np.zeros((2, 3)), make())


@pytest.mark.needs("other arrays")
def test_a_column_of_text_is_named(face: Any) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"name": ["a", "b"], "cat": [1.0, 2.0], "dog": [2.0, 3.0]})
    with pytest.raises(TypeError, match=r"'name' is no number; pass logits\.select_dtypes\('num"):
        face.softmax(frame)


@pytest.mark.needs("other arrays")
@pytest.mark.parametrize(
    "target",
    [["dog", "cat"], np.array(["dog", "cat"], object), OnlyArray(np.array(["dog", "cat"], object))],
    ids=["list", "array", "other"],
)
def test_targets_by_name_say_how_names_become_classes(face: Any, target: Any) -> None:
    z = np.array([[2.0, 1.0], [0.5, 1.5]])
    way_out = r"target.* np\.unique\(target, return_inverse=True\)\[1\]"
    for function in (face.cross_entropy, face.row_stats, face.nll_loss):
        with pytest.raises(TypeError, match=way_out):
            function(z, target)
    with pytest.raises(TypeError, match=r'names become bool by comparison, as target == "yes"'):
        face.binary_cross_entropy(np.array([2.0, 1.0]), target)
    assert np.unique(target, return_inverse=True)[1].tolist() == [1, 0]
