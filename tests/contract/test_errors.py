"""Bad input of every kind raises the right exception, which names the argument."""

from typing import Any

import numpy as np
import pytest

Z = np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]])
T = np.array([0, 2])
P = np.array([[0.5, 0.5, 0.0], [0.1, 0.2, 0.7]])
NAN = float("nan")

LOGITS = {
    "text": ([["a", "b"]], TypeError),
    "a string": ("logits", TypeError),
    "bytes": (b"12", TypeError),
    "objects": (np.array([[1, None]], object), TypeError),
    "numbers as objects": (np.array([[1.0, 2.0]], object), TypeError),
    "ragged": ([[1.0, 2.0], [3.0]], TypeError),
    "complex": (Z + 0j, TypeError),
    "dates": (np.array([["2020-01-01"]], "M8[D]"), TypeError),
    "time spans": (np.array([[1, 2]], "m8[s]"), TypeError),
    "records": (np.zeros((2, 3), [("x", "f4")]), TypeError),
    "longdouble": (Z.astype(np.longdouble), TypeError),
    "None": (None, TypeError),
    "a dictionary": ({"a": 1}, TypeError),
}
NO_CLASS = {"a number": 3.0, "no classes": np.zeros((2, 0))}


LIKE_TORCH = ("softmax", "log_softmax", "logsumexp")
ALONE = ("entropy", "min_entropy")
JACOBIAN = pytest.param("softmax_jacobian", marks=pytest.mark.needs("softmax_jacobian"))
WITH_TARGET = ("cross_entropy", "cross_entropy_and_grad", "row_stats", "one_vs_rest_nll")


@pytest.mark.parametrize("kind", LOGITS)
@pytest.mark.parametrize("function", [*LIKE_TORCH, *ALONE, JACOBIAN, *WITH_TARGET])
def test_logits(face: Any, function: str, kind: str) -> None:
    bad, error = LOGITS[kind]
    target = (T,) if function in WITH_TARGET else ()
    with face.raises(error, "logits"):
        getattr(face, function)(bad, *target)


EMPTY = [pytest.param(name, marks=pytest.mark.needs("no class")) for name in LIKE_TORCH]


@pytest.mark.parametrize("kind", NO_CLASS)
@pytest.mark.parametrize("function", [*EMPTY, *ALONE, JACOBIAN, *WITH_TARGET])
def test_logits_without_a_class(face: Any, function: str, kind: str) -> None:
    target = (T,) if function in WITH_TARGET else ()
    with face.raises(ValueError, "logits"):
        getattr(face, function)(NO_CLASS[kind], *target)


@pytest.mark.parametrize("kind", LOGITS)
def test_logits_of_sigmoids_and_binary(face: Any, kind: str) -> None:
    bad, error = LOGITS[kind]
    for call in (face.sigmoid, face.log_sigmoid, lambda z: face.binary_cross_entropy(z, P)):
        with face.raises(error, "logits"):
            call(bad)


@pytest.mark.needs("longdouble")
def test_longdouble_says_what_to_cast_to(face: Any) -> None:
    with pytest.raises(TypeError, match="float64"):
        face.cross_entropy(Z.astype(np.longdouble), T)


TARGETS = {
    "too few": (T[:1], ValueError),
    "too many": (np.array([0, 1, 2]), ValueError),
    "a column": (T[:, None], ValueError),
    "integers where probabilities go": (np.eye(3, dtype=int)[T], ValueError),
    "floats where classes go": (T.astype(float), (TypeError, ValueError)),
    "probabilities of other classes": (P[:, :2], ValueError),
    "probabilities of other rows": (P[:1], ValueError),
    "text": (np.array(["a", "b"]), TypeError),
    "objects": (np.array([0, None], object), TypeError),
    "complex": (P + 0j, TypeError),
    "ragged": ([[0.5, 0.5], [1.0]], TypeError),
    "None": (None, TypeError),
}


@pytest.mark.parametrize("kind", TARGETS)
@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad"])
def test_target(face: Any, function: str, kind: str) -> None:
    bad, error = TARGETS[kind]
    with face.raises(error, "target"):
        getattr(face, function)(Z, bad)


OPTIONS = [
    ("weight", np.ones(2), ValueError),
    ("weight", np.ones((1, 3)), ValueError),
    ("weight", ["a", "b", "c"], TypeError),
    ("weight", np.ones(3) + 0j, TypeError),
    ("row_weight", np.ones(3), ValueError),
    ("row_weight", np.ones((2, 1)), ValueError),
    ("row_weight", ["a", "b"], TypeError),
    ("ignore_index", 1.5, TypeError),
    ("ignore_index", "none", TypeError),
    ("ignore_index", None, TypeError),
    ("label_smoothing", -0.1, ValueError),
    ("label_smoothing", 1.1, ValueError),
    ("label_smoothing", NAN, ValueError),
    ("label_smoothing", "a", TypeError),
    ("label_smoothing", None, TypeError),
    ("z_loss", -1.0, ValueError),
    ("z_loss", NAN, ValueError),
    ("z_loss", "a", TypeError),
    ("temperature", 0.0, ValueError),
    ("temperature", -1.0, ValueError),
    ("temperature", NAN, ValueError),
    ("temperature", np.array([1.0, 0.0]), ValueError),
    ("temperature", np.array([1.0, NAN]), ValueError),
    ("temperature", np.ones(3), ValueError),
    ("temperature", "warm", TypeError),
    ("softcap", 0.0, ValueError),
    ("softcap", -5.0, ValueError),
    ("softcap", NAN, ValueError),
    ("softcap", "a", TypeError),
    ("reduction", "average", ValueError),
    ("reduction", None, (TypeError, ValueError)),
    ("reduction", ["mean"], (TypeError, ValueError)),
]


AXES = [
    (2, ValueError),
    (-3, ValueError),
    (1.0, TypeError),
    ("classes", TypeError),
    (None, TypeError),
]


@pytest.mark.needs("axis")
@pytest.mark.parametrize(("bad", "error"), AXES)
@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad"])
def test_axis(face: Any, function: str, bad: Any, error: Any) -> None:
    with face.raises(error, "axis"):
        getattr(face, function)(Z, T, axis=bad)


@pytest.mark.parametrize(("name", "bad", "error"), OPTIONS, ids=lambda v: repr(v)[:30])
@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad"])
def test_options(face: Any, function: str, name: str, bad: Any, error: Any) -> None:
    with face.raises(error, name):
        getattr(face, function)(Z, T, **{name: bad})


@pytest.mark.needs("keywords")
def test_options_are_keywords(face: Any) -> None:
    with pytest.raises(TypeError, match="positional"):
        face.cross_entropy(Z, T, np.ones(3))
    with pytest.raises(TypeError, match="labels"):
        face.cross_entropy(Z, T, labels=T)


OUTS = {
    "another shape": (np.zeros((2, 4)), ValueError),
    "another dtype": (np.zeros((2, 3), np.float32), (TypeError, ValueError)),
    "integers": (np.zeros((2, 3), int), (TypeError, ValueError)),
    "a list": (Z.tolist(), TypeError),
    "one memory for all rows": (
        np.lib.stride_tricks.as_strided(np.zeros(3), (2, 3), (0, 8)),
        ValueError,
    ),
}


@pytest.mark.needs("out")
@pytest.mark.parametrize("kind", OUTS)
def test_out(face: Any, kind: str) -> None:
    bad, error = OUTS[kind]
    with pytest.raises(error, match="out"):
        face.cross_entropy_and_grad(Z, T, out=bad)


# The call, what it raises, the argument that is named.
OTHERS = [
    (lambda f: f.nll_loss(Z, T, weight=np.ones(2)), ValueError, "weight"),
    (lambda f: f.nll_loss(Z, T[:1]), ValueError, "target"),
    (lambda f: f.nll_loss(["a"], T), TypeError, "log_probs"),
    (lambda f: f.nll_loss(Z, T.astype(float)), (TypeError, ValueError), "target"),
    (lambda f: f.binary_cross_entropy(Z, T), ValueError, "target"),
    (lambda f: f.binary_cross_entropy(Z, P, pos_weight=np.ones(2)), ValueError, "pos_weight"),
    (lambda f: f.binary_cross_entropy(Z, P, reduction="all"), ValueError, "reduction"),
    (lambda f: f.binary_cross_entropy(Z, P + 0j), TypeError, "target"),
    (lambda f: f.kl_divergence(P[:1], Z), ValueError, "target_probs"),
    (lambda f: f.kl_divergence("p", Z), TypeError, "target_probs"),
    (lambda f: f.row_stats(Z, T[:1]), ValueError, "target"),
    (lambda f: f.row_stats(Z, T, temperature=0.0), ValueError, "temperature"),
    (lambda f: f.row_stats(Z, T, softcap=-1.0), ValueError, "softcap"),
    (lambda f: f.one_vs_rest_nll(Z, T, reduction="all"), ValueError, "reduction"),
    (lambda f: f.logsumexp(Z, axis=7), IndexError, "axis"),
]
ONE_HOT = [
    (lambda f: f.one_hot(np.array([0, 3]), 3), IndexError, "target"),
    (lambda f: f.one_hot(np.array([0, -1]), 3), IndexError, "target"),
    (lambda f: f.one_hot(np.array([0.5]), 3), TypeError, "target"),
    (lambda f: f.one_hot(np.array([0]), 0), (ValueError, IndexError), "num_classes|target"),
    (lambda f: f.one_hot(np.array([0]), 2.5), TypeError, "num_classes"),
]


@pytest.mark.parametrize(("call", "error", "name"), OTHERS)
def test_other_functions_name_the_argument(face: Any, call: Any, error: Any, name: str) -> None:
    with face.raises(error, name):
        call(face)


@pytest.mark.needs("one_hot")
@pytest.mark.parametrize(("call", "error", "name"), ONE_HOT)
def test_one_hot_names_the_argument(face: Any, call: Any, error: Any, name: str) -> None:
    with face.raises(error, name):
        call(face)


@pytest.mark.needs("SoftmaxWithLoss")
def test_backward_comes_after_forward(face: Any) -> None:
    with face.raises(ValueError, "forward"):
        face.SoftmaxWithLoss().backward()
