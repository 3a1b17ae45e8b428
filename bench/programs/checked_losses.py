"""What the checker says of known losses: `python -m bench.programs.checked_losses`.

Keras runs on the backend that KERAS_BACKEND names; `jax` unless it is set. A library that is not
installed is left out with a line that says so. Neither Liger nor CCE is in requirements/bench.txt:
both need triton.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from bench.peers import UnavailableError, library
from neglog.checker import check_linear_loss, check_loss

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TRITON_INTERPRET", "1")
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")  # to compile takes longer than a call may

Loss = Callable[[Any, Any], Any]
Head = Callable[..., Any]


def scipy_log_softmax() -> Loss:
    special = library("scipy.special")
    return lambda z, y: -special.log_softmax(z, axis=1)[np.arange(len(y)), y].mean()


def scipy_logsumexp() -> Loss:
    special = library("scipy.special")
    return lambda z, y: (special.logsumexp(z, axis=1) - z[np.arange(len(y)), y]).mean()


def scikit_learn() -> Loss:
    metrics = library("sklearn.metrics")

    def loss(p: Any, y: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return metrics.log_loss(y, p, labels=[0, 1, 2])

    return loss


def torch_cross_entropy() -> Loss:
    return library("torch").nn.functional.cross_entropy


def optax_integer() -> Loss:
    optax = library("optax")
    return lambda z, y: optax.softmax_cross_entropy_with_integer_labels(z, y).mean()


def keras_logits() -> Loss:
    keras = library("keras")
    return lambda z, y: keras.ops.mean(
        keras.ops.sparse_categorical_crossentropy(y, z, from_logits=True)
    )


def keras_probabilities() -> Loss:
    keras = library("keras")
    return lambda p, y: keras.ops.mean(keras.ops.sparse_categorical_crossentropy(y, p))


# name: the loss, its framework, what it reads, and what is known to be wrong with it
LOSSES: dict[str, tuple[Callable[[], Loss], str, str, str]] = {
    "torch cross_entropy": (torch_cross_entropy, "torch", "logits", "1 2 3 4 9 10 14 15"),
    "optax, integer labels": (optax_integer, "jax", "logits", "1 2 3 4 11 15"),
    "SciPy log_softmax": (scipy_log_softmax, "numpy", "logits", "1 2 11 15 29"),
    "SciPy logsumexp": (scipy_logsumexp, "numpy", "logits", "1 2 3 11 15"),
    "scikit-learn log_loss": (scikit_learn, "numpy", "probabilities", "31"),
    "Keras, from_logits": (keras_logits, "keras", "logits", "1 2 4 11"),
    "Keras, probabilities": (keras_probabilities, "keras", "probabilities", "31"),
}


def torch_head() -> Head:
    return library("torch").nn.functional.linear_cross_entropy


def cce_head() -> Head:
    cce = library("cut_cross_entropy")

    def loss(
        hidden: Any, classes: Any, y: Any, ignore_index: int = -100, reduction: str = "mean"
    ) -> Any:
        options = {"ignore_index": ignore_index, "reduction": reduction}
        return cce.linear_cross_entropy(hidden, classes, y, impl="torch_compile", **options)

    return loss


def liger_head() -> Head:
    liger = library("liger_kernel.transformers.functional")

    def loss(
        hidden: Any,
        classes: Any,
        y: Any,
        bias: Any = None,
        ignore_index: int = -100,
        reduction: str = "mean",
    ) -> Any:
        options = {"bias": bias, "ignore_index": ignore_index, "reduction": reduction}
        return liger.liger_fused_linear_cross_entropy(hidden, classes, y, **options)

    return loss


# CCE: its reference, not compiled. Liger: its kernels in Triton's interpreter.
HEADS: dict[str, Callable[[], Head]] = {
    "torch linear_cross_entropy": torch_head,
    "CCE, its reference": cce_head,
    "Liger, interpreted": liger_head,
}


def lines() -> Iterator[str]:
    """A line for each loss."""
    for name, (make, framework, kind, known) in LOSSES.items():
        backend = os.environ["KERAS_BACKEND"] if framework == "keras" else framework
        try:
            found = check_loss(make(), framework=backend, convention=kind)  # type: ignore[arg-type]
        except (UnavailableError, ValueError) as error:
            yield f"{name:28} left out: {error}"
            continue
        codes = ", ".join(f"{f.code} ({f.grade})" for f in found) or "nothing"
        yield f"{name:28} catalogue {known:20} {found.seconds:4.1f} s  {codes}"
    for name, make_head in HEADS.items():
        try:
            found = check_linear_loss(make_head(), framework="torch")
        except (UnavailableError, AttributeError, ValueError) as error:
            yield f"{name:28} left out: {error}"
            continue
        codes = ", ".join(f"{f.code} ({f.grade}): {f.row['name']}" for f in found) or "nothing"
        yield f"{name:28} {found.seconds:4.1f} s  {codes}"


if __name__ == "__main__":
    for line in lines():
        print(line)
    sys.exit(0)
