"""The faces under test, each under the names and conventions of NumPy's: the classes are the last
axis, a gradient comes with the loss, and whatever is an array may be passed as NumPy's.

A test that asks for something a face has not says so: `@pytest.mark.needs("out")`. LACKS has the
reason, and the test is skipped for that face with it.
"""

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import dtype_of

import neglog

LACKS: dict[str, dict[str, str]] = {
    "numpy": {},
    "torch": {
        "out": "autograd gives the gradient its place",
        "axis": "the class axis is 1, as in torch",
        "SoftmaxWithLoss": "autograd is the layer",
        "softmax_jacobian": "torch.func.jacrev makes one of softmax",
        "one_hot": "torch.nn.functional has one_hot",
        "integer logits": "as in torch, logits are floats",
        "other arrays": "tensors are taken, nothing else",
        "no class": "as in torch, softmax and its like take tensors without one",
        "byte order": "tensors have the machine's own",
        "longdouble": "torch has no such dtype",
        "keywords": "torch's options may be given by position",
    },
}


class NumPyFace:
    """`neglog` as it is."""

    array = staticmethod(np.asarray)
    numpy = staticmethod(np.asarray)
    words: ClassVar[dict[str, str]] = {}  # arguments whose names differ from NumPy's
    own_dtype: frozenset[str] = frozenset()  # functions whose result keeps the input's 16 bits
    errors: type[Exception] = Exception  # what every error is, beside its own kind
    thinned = 1  # of the combinations of options, every this-th

    def __getattr__(self, name: str) -> Any:
        return getattr(neglog, name)

    def promise(self, function: str, dtype: str) -> tuple[str, float]:
        """The dtype of a loss or statistic of logits of this dtype, and the worst ulps of it."""
        own, result, limit = function in self.own_dtype, RESULT_DTYPE[dtype], ULPS[dtype]
        return (dtype, limit.grad) if own and dtype != result else (result, limit.nll)

    @contextlib.contextmanager
    def raises(self, error: Any, name: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
        """The kind of error, which names the argument."""
        with pytest.raises(error, match=self.words.get(name, name)) as caught:
            yield caught
        assert isinstance(caught.value, self.errors), type(caught.value).__mro__


def _with_target(name: str) -> Any:
    """A function of logits and a target, whose class axis is 1 in torch."""

    def call(self: "TorchFace", logits: Any, target: Any, *, axis: int = -1, **options: Any) -> Any:
        z, t = self.array(logits), self.array(target)
        options = {key: self.option(value) for key, value in options.items()}
        if "where" in options:
            options["where"] = _to_1(_of_rank(options["where"], z), z, axis)
        return getattr(self.module, name)(_to_1(z, z, axis), _to_1(t, z, axis), **options)

    return call


def _to_1(value: Any, logits: Any, axis: int) -> Any:
    """The class axis moved to 1, of a tensor that has one."""
    ndim = getattr(logits, "ndim", 0)
    movable = hasattr(value, "movedim") and value.ndim == ndim > 1
    return value.movedim(axis, 1) if movable else value


def _of_rank(mask: Any, logits: Any) -> Any:
    """A mask with as many axes as the logits, if it can be broadcast to them."""
    missing = getattr(logits, "ndim", 0) - getattr(mask, "ndim", 0)
    return mask.reshape((1,) * missing + tuple(mask.shape)) if missing > 0 else mask


def _of_rows(name: str) -> Any:
    """A function of logits alone, along any axis."""

    def call(self: "TorchFace", logits: Any, *, axis: int = -1, **options: Any) -> Any:
        options = {key: self.option(value) for key, value in options.items()}
        return getattr(self.module, name)(self.array(logits), dim=axis, **options)

    return call


class TorchFace(NumPyFace):
    """`neglog.torch` on tensors over the memory of the arrays given, where a tensor can be."""

    words: ClassVar = {"logits": "input|logits", "log_probs": "input", "axis": "dim"}
    own_dtype = frozenset({"logsumexp", "nll_loss"})
    errors = RuntimeError
    thinned = 5

    def __init__(self) -> None:
        self.torch = pytest.importorskip("torch", reason="torch is not installed")
        self.module = importlib.import_module("neglog.torch")

    def array(self, value: Any) -> Any:
        """A tensor of whatever torch has a dtype for; anything else as it is, to be refused."""
        if isinstance(value, self.torch.Tensor):
            return value
        try:
            array = np.asarray(value)
        except ValueError:  # ragged
            return value
        if any(step < 0 for step in array.strides):
            array = array.copy()
        if array.dtype.name == "bfloat16":
            return self.array(array.view(np.int16)).view(self.torch.bfloat16)
        if array.dtype.kind not in "biufc" or array.dtype == np.longdouble:
            return value
        if array.flags.writeable:
            return self.torch.from_numpy(array)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a tensor does not know that it must not be written to
            return self.torch.from_numpy(array)

    def numpy(self, value: Any) -> Any:
        if not isinstance(value, self.torch.Tensor):
            return np.asarray(value)
        if value.dtype == self.torch.bfloat16:
            return value.detach().view(self.torch.int16).numpy().view(dtype_of("bfloat16"))
        return value.detach().numpy()

    def option(self, value: Any) -> Any:
        """Numbers of rows or classes as a tensor; a single one as it is."""
        return self.array(value) if isinstance(value, (np.ndarray, list)) else value

    cross_entropy = _with_target("cross_entropy")
    nll_loss = _with_target("nll_loss")
    row_stats = _with_target("row_stats")
    one_vs_rest_nll = _with_target("one_vs_rest_nll")
    softmax, log_softmax = _of_rows("softmax"), _of_rows("log_softmax")
    entropy, min_entropy = _of_rows("entropy"), _of_rows("min_entropy")

    def cross_entropy_and_grad(self, logits: Any, target: Any, **options: Any) -> tuple[Any, Any]:
        return self.backward(self.cross_entropy, logits, target, **options)

    def binary_cross_entropy_and_grad(
        self, logits: Any, target: Any, **options: Any
    ) -> tuple[Any, Any]:
        return self.backward(self.binary_cross_entropy, logits, target, **options)

    def backward(self, function: Any, logits: Any, *others: Any, **options: Any) -> tuple[Any, Any]:
        """The loss, and what its backward pass gives the logits; of losses, each one's own."""
        leaf = self.array(logits)
        if isinstance(leaf, self.torch.Tensor) and leaf.is_floating_point():
            leaf = leaf.detach().requires_grad_()
        loss = function(leaf, *others, **options)
        loss.sum().backward()
        return loss.detach(), leaf.grad

    def binary_cross_entropy(self, logits: Any, target: Any, **options: Any) -> Any:
        options = {key: self.option(value) for key, value in options.items()}
        z, t = self.array(logits), self.array(target)
        return self.module.binary_cross_entropy_with_logits(z, t, **options)

    def logsumexp(
        self, logits: Any, *, axis: Any = -1, keepdims: bool = False, **options: Any
    ) -> Any:
        options = {key: self.option(value) for key, value in options.items()}
        return self.module.logsumexp(self.array(logits), axis, keepdim=keepdims, **options)

    def linear_row_stats(
        self, hidden: Any, classes: Any, target: Any, *, chosen: Any = None, **options: Any
    ) -> Any:
        tensors = map(self.array, (hidden, classes, target))
        picked = None if chosen is None else self.array(chosen)
        return self.module.linear_row_stats(*tensors, chosen=picked, **options)

    def kl_divergence(self, target_probs: Any, logits: Any, *, axis: int = -1) -> Any:
        return self.module.kl_divergence(self.array(target_probs), self.array(logits), dim=axis)

    def sigmoid(self, logits: Any) -> Any:
        return self.module.sigmoid(self.array(logits))

    def log_sigmoid(self, logits: Any) -> Any:
        return self.module.log_sigmoid(self.array(logits))


FACES = {"numpy": NumPyFace, "torch": TorchFace}
