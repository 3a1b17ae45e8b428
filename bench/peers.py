"""The libraries, each called in the best way that its own documentation offers.

A peer is a function of a case that returns two calls: `forward()` -> mean loss, and
`gradient()` -> (mean loss, gradient). Views, compiled functions and buffers are prepared before the
call. Results stay in the library's own type; `to_numpy` runs after the clock has stopped. A peer
raises UnavailableError for what it cannot do.
"""

import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from bench.cases import THREADS, Case


class Calls(NamedTuple):
    forward: Callable[[], Any]
    gradient: Callable[[], tuple[Any, Any]]


class UnavailableError(Exception):
    """The library is not installed, or has no way to do this."""


def library(name: str) -> Any:
    """The imported module. UnavailableError: it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise UnavailableError(f"{name.partition('.')[0]} is not installed") from None


def to_numpy(value: Any) -> np.ndarray:
    """The result of any library as float64."""
    if hasattr(value, "detach"):  # torch, whose bfloat16 NumPy cannot read
        value = value.detach().double()
    return np.asarray(value).astype(np.float64)


def neglog(case: Case) -> Calls:
    ours = library("neglog")
    z, y, grad = case.logits, case.target, case.grad
    return Calls(
        lambda: ours.cross_entropy(z, y),
        lambda: ours.cross_entropy_and_grad(z, y, out=grad),
    )


def torch_view(array: np.ndarray) -> Any:
    """A tensor on the array's memory; bfloat16 goes as int16, which both libraries know."""
    torch = library("torch")
    if array.dtype.name == "bfloat16":
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def torch_eager(case: Case) -> Calls:
    torch = library("torch")
    torch.set_num_threads(THREADS)
    loss_of = torch.nn.functional.cross_entropy
    z, y = torch_view(case.logits), torch_view(case.target)
    leaf = z.detach().requires_grad_()

    def forward() -> Any:
        with torch.inference_mode():
            return loss_of(z, y)

    def gradient() -> tuple[Any, Any]:
        loss = loss_of(leaf, y)
        return loss, torch.autograd.grad(loss, leaf)[0]

    return Calls(forward, gradient)


def torch_compile(case: Case) -> Calls:
    """Loss and gradient written out in one compiled graph: 65536 x 10 took 1.0 ms. It took 1.7 ms
    with autograd outside the graph, and 47 ms with torch.func.grad_and_value."""
    torch = library("torch")
    torch.set_num_threads(THREADS)
    torch._dynamo.reset()
    z, y = torch_view(case.logits), torch_view(case.target)
    n, classes = z.shape

    def loss(logits: Any) -> Any:
        return torch.nn.functional.cross_entropy(logits, y)

    def loss_and_gradient(logits: Any) -> tuple[Any, Any]:
        log_p = torch.log_softmax(logits, 1)
        grad = (log_p.exp() - torch.nn.functional.one_hot(y, classes)) / n
        return -log_p.gather(1, y[:, None]).mean(), grad.to(logits.dtype)

    one = torch.compile(loss, fullgraph=True, dynamic=False)
    both = torch.compile(loss_and_gradient, fullgraph=True, dynamic=False)

    def forward() -> Any:
        with torch.inference_mode():
            return one(z)

    def gradient() -> tuple[Any, Any]:
        with torch.inference_mode():
            return both(z)

    return Calls(forward, gradient)


def jax_jit(case: Case) -> Calls:
    jax = library("jax")
    jax.config.update("jax_enable_x64", True)
    jnp = jax.numpy
    z, y = jnp.asarray(case.logits), jnp.asarray(case.target)
    wide = jnp.promote_types(z.dtype, jnp.float32)

    def loss(logits: Any, target: Any) -> Any:
        logits = logits.astype(wide)
        chosen = jnp.take_along_axis(logits, target[:, None], axis=1)[:, 0]
        return jnp.mean(jax.nn.logsumexp(logits, axis=1) - chosen)

    one, both = jax.jit(loss), jax.jit(jax.value_and_grad(loss))
    return Calls(
        lambda: one(z, y).block_until_ready(),
        lambda: jax.block_until_ready(both(z, y)),
    )


def scipy(case: Case) -> Calls:
    special = library("scipy.special")
    if case.dtype == "bfloat16":
        raise UnavailableError("SciPy has no bfloat16")
    z, y, rows = case.logits, case.target, case.rows

    def forward() -> Any:
        return -special.log_softmax(z, axis=1)[rows, y].mean()

    def gradient() -> tuple[Any, Any]:
        log_p = special.log_softmax(z, axis=1)
        loss = -log_p[rows, y].mean()
        grad = np.exp(log_p, out=log_p)
        grad[rows, y] -= 1
        grad /= len(y)
        return loss, grad

    return Calls(forward, gradient)


def sklearn(case: Case) -> Calls:
    module = library("sklearn._loss")
    if case.dtype in ("float16", "bfloat16"):
        raise UnavailableError(f"scikit-learn has no {case.dtype}")
    z, grad, n = case.logits, case.grad, len(case.target)
    loss = module.HalfMultinomialLoss(n_classes=max(z.shape[1], 2))
    y = case.target.astype(z.dtype)
    weight, out = np.full(n, 1 / n, z.dtype), np.empty(n, z.dtype)

    def forward() -> Any:
        return loss.loss(y, z, weight, loss_out=out, n_threads=THREADS).sum()

    def gradient() -> tuple[Any, Any]:
        values, _ = loss.loss_gradient(y, z, weight, out, grad, n_threads=THREADS)
        return values.sum(), grad

    return Calls(forward, gradient)


def numpy(case: Case) -> Calls:
    """What one writes by hand: the maximum subtracted, one temporary, then in place."""
    y, rows = case.target, case.rows
    wide = np.float64 if case.dtype == "float64" else np.float32

    def shifted() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        z = case.logits.astype(wide, copy=False)
        z = z - z.max(axis=1, keepdims=True)
        chosen = z[rows, y]
        return np.exp(z, out=z), z.sum(axis=1), chosen

    def forward() -> Any:
        _, total, chosen = shifted()
        return (np.log(total) - chosen).mean()

    def gradient() -> tuple[Any, Any]:
        p, total, chosen = shifted()
        p /= total[:, None]
        p[rows, y] -= 1
        p /= len(y)
        return (np.log(total) - chosen).mean(), p.astype(case.logits.dtype, copy=False)

    return Calls(forward, gradient)


POOL = ThreadPoolExecutor(THREADS)


def copy(case: Case) -> Calls:
    """np.copyto of the logits into the gradient, by as many threads: the same bytes are read and
    written. It is a yardstick, not a lower bound: it does not stream past the cache. Forward
    writes nothing, so a copy says little about it."""
    parts = list(
        zip(np.array_split(case.grad, THREADS), np.array_split(case.logits, THREADS), strict=True)
    )

    def run() -> tuple[Any, Any]:
        list(POOL.map(lambda part: np.copyto(*part), parts))
        return None, None

    return Calls(run, run)


PEERS: dict[str, Callable[[Case], Calls]] = {
    "neglog": neglog,
    "torch eager": torch_eager,
    "torch.compile": torch_compile,
    "JAX jit": jax_jit,
    "SciPy": scipy,
    "scikit-learn": sklearn,
    "NumPy": numpy,
    "copy": copy,
}
