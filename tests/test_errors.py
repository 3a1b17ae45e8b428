"""Bad input of every kind: the right exception, which names the argument; nothing crashes."""

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
    "a number": (3.0, ValueError),
    "no classes": (np.zeros((2, 0)), ValueError),
}


ALONE = ("softmax", "log_softmax", "logsumexp", "entropy", "min_entropy", "softmax_jacobian")
WITH_TARGET = ("cross_entropy", "cross_entropy_and_grad", "row_stats", "one_vs_rest_nll")


@pytest.mark.parametrize("kind", LOGITS)
@pytest.mark.parametrize("function", [*ALONE, *WITH_TARGET])
def test_logits(face: Any, function: str, kind: str) -> None:
    bad, error = LOGITS[kind]
    target = (T,) if function in WITH_TARGET else ()
    with pytest.raises(error, match="logits"):
        getattr(face, function)(bad, *target)


@pytest.mark.parametrize("kind", [k for k in LOGITS if k not in ("a number", "no classes")])
def test_logits_of_sigmoids_and_binary(face: Any, kind: str) -> None:
    bad, error = LOGITS[kind]
    for call in (face.sigmoid, face.log_sigmoid, lambda z: face.binary_cross_entropy(z, P)):
        with pytest.raises(error, match="logits"):
            call(bad)


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
    with pytest.raises(error, match="target"):
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
    ("axis", 2, ValueError),
    ("axis", -3, ValueError),
    ("axis", 1.0, TypeError),
    ("axis", "classes", TypeError),
    ("axis", None, TypeError),
]


@pytest.mark.parametrize(("name", "bad", "error"), OPTIONS, ids=lambda v: repr(v)[:30])
@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad"])
def test_options(face: Any, function: str, name: str, bad: Any, error: Any) -> None:
    with pytest.raises(error, match=name):
        getattr(face, function)(Z, T, **{name: bad})


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


@pytest.mark.parametrize("kind", OUTS)
def test_out(face: Any, kind: str) -> None:
    bad, error = OUTS[kind]
    with pytest.raises(error, match="out"):
        face.cross_entropy_and_grad(Z, T, out=bad)


def test_other_functions_name_the_argument(face: Any) -> None:
    for call, error, match in (
        (lambda: face.nll_loss(Z, T, weight=np.ones(2)), ValueError, "weight"),
        (lambda: face.nll_loss(Z, T[:1]), ValueError, "target"),
        (lambda: face.nll_loss(["a"], T), TypeError, "log_probs"),
        (lambda: face.nll_loss(Z, T.astype(float)), (TypeError, ValueError), "target"),
        (lambda: face.binary_cross_entropy(Z, T), ValueError, "target"),
        (lambda: face.binary_cross_entropy(Z, P, pos_weight=np.ones(2)), ValueError, "pos_weight"),
        (lambda: face.binary_cross_entropy(Z, P, reduction="all"), ValueError, "reduction"),
        (lambda: face.binary_cross_entropy(Z, P + 0j), TypeError, "target"),
        (lambda: face.kl_divergence(P[:1], Z), ValueError, "target_probs"),
        (lambda: face.kl_divergence("p", Z), TypeError, "target_probs"),
        (lambda: face.row_stats(Z, T[:1]), ValueError, "target"),
        (lambda: face.row_stats(Z, T, temperature=0.0), ValueError, "temperature"),
        (lambda: face.row_stats(Z, T, softcap=-1.0), ValueError, "softcap"),
        (lambda: face.one_vs_rest_nll(Z, T, reduction="all"), ValueError, "reduction"),
        (lambda: face.one_hot(np.array([0, 3]), 3), IndexError, "target"),
        (lambda: face.one_hot(np.array([0, -1]), 3), IndexError, "target"),
        (lambda: face.one_hot(np.array([0.5]), 3), TypeError, "target"),
        (lambda: face.one_hot(np.array([0]), 0), (ValueError, IndexError), "num_classes|target"),
        (lambda: face.one_hot(np.array([0]), 2.5), TypeError, "num_classes"),
        (lambda: face.logsumexp(Z, axis=7), ValueError, "axis"),
        (lambda: face.SoftmaxWithLoss().backward(), ValueError, "forward"),
    ):
        with pytest.raises(error, match=match):
            call()
