"""The loss in autograd's graph: memory, threads, and what is kept of the caller's tensors.

Long because every holder of memory and every layout is listed.
"""

import gc
import itertools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from torch_helpers import DTYPES, by_torch, elsewhere, steady  # noqa: F401
from torch_helpers.graph import LARGE, backward, problem

from neglog.torch import _memory, cross_entropy, release_memory, row_stats


def bits(tensor: Tensor) -> Any:
    """A NumPy array on the tensor's memory, for bfloat16 too."""
    return tensor.view(torch.int16).numpy()


# What somebody may keep of a gradient, and how it is read later.
HOLDERS: dict[str, tuple[Callable[[Tensor], Any], Callable[[Any], Any]]] = {
    "itself": (lambda t: t, bits),
    "a row": (lambda t: t[3], bits),
    "detached": (Tensor.detach, bits),
    "transposed": (lambda t: t.mT, lambda held: bits(held.mT)),
    "storage": (Tensor.untyped_storage, lambda held: bits(torch.tensor(()).set_(held))),
    "DLPack": (torch.utils.dlpack.from_dlpack, bits),
    "NumPy": (bits, np.asarray),
    "a NumPy row": (lambda t: bits(t)[3], np.asarray),
    "memory": (lambda t: memoryview(bits(t)), np.asarray),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("holder", HOLDERS)
def test_memory_that_is_held_is_not_used_again(holder: str, dtype: torch.dtype) -> None:
    """Whatever refers to a gradient keeps it as it was, whatever is computed afterwards."""
    logits, target = problem(LARGE, dtype)
    slope = backward(cross_entropy(logits, target, reduction="sum"), logits, 1.0)
    hold, read = HOLDERS[holder]
    held = hold(slope)
    before = read(held).copy()
    del slope
    gc.collect()
    for seed in range(1, 4):
        other, classes = problem(LARGE, dtype, seed)
        backward(cross_entropy(other, classes, reduction="sum"), other, 1.0)
        cross_entropy(other, classes)  # its gradient is prepared, and never asked for
    np.testing.assert_array_equal(read(held), before)


def test_memory_is_used_again_when_nobody_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The opposite, or the tests above would say nothing: a training loop takes two blocks."""
    taken, new = [], _memory._new_block

    def count(size: int) -> Any:
        taken.append(size)
        return new(size)

    monkeypatch.setattr(_memory, "_new_block", count)
    release_memory()
    for _ in range(6):
        logits, target = problem(LARGE, torch.float32)
        cross_entropy(logits, target).backward()
    assert 1 <= len(taken) <= 2


def test_many_threads_never_share_memory() -> None:
    """Each thread keeps two gradients at a time and finds in them what it computed."""
    failures: list[str] = []

    def work(mine: int) -> None:
        logits = torch.zeros(LARGE, requires_grad=True)
        want = torch.full(LARGE, 1 / LARGE[1])
        want[:, mine] -= 1
        target, last = torch.full(LARGE[:1], mine), None
        for step in range(12):
            scale = float(1 + step % 3)
            loss = cross_entropy(logits, target, reduction="sum")
            slope = backward(loss, logits, scale)
            for held, factor in ((slope, scale), last or (slope, scale)):
                if not torch.allclose(held, want * factor, rtol=1e-5, atol=1e-7):
                    failures.append(f"thread {mine}, step {step}")
            last = (slope, scale)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_one_graph_in_many_threads() -> None:
    """Backward passes at the same time: the prepared gradient goes to one of them."""
    logits, target = problem(LARGE, torch.float32)
    loss = cross_entropy(logits, target)
    exact = backward(loss, logits, 1.0, retain_graph=True)
    loss, found = cross_entropy(logits, target), []

    def work() -> None:
        found.append(backward(loss, logits, 1.0, retain_graph=True))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({slope.data_ptr() for slope in found}) == 6
    assert all(torch.equal(slope, exact) for slope in found)


def all_arguments(dtype: torch.dtype) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(3)
    shape = {"input": (6, 5), "target": (6, 5), "weight": (5,), "row_weight": (6,)}
    made = {
        name: torch.rand(size, dtype=torch.float64, generator=random).to(dtype)
        for name, size in shape.items()
    }
    made["temperature"] = made["row_weight"] + 0.5
    made["row_weight"][2] = 0
    return made


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("recorded", [False, True])
def test_the_callers_tensors_are_not_written_to(
    dtype: torch.dtype, dense: bool, recorded: bool
) -> None:
    """Values and versions, through losses, gradients and second gradients, by the three ways."""
    arguments = all_arguments(dtype)
    if not dense:
        arguments["target"] = torch.tensor([0, 1, 3, -100, 4, 2])
    for name, value in arguments.items():
        value.requires_grad_(value.is_floating_point() and (recorded or name == "input"))
    before = {name: value.detach().clone() for name, value in arguments.items()}
    versions = {name: value._version for name, value in arguments.items()}
    leaves = [value for value in arguments.values() if value.requires_grad]
    for reduction, options in itertools.product(
        ("mean", "none"), ({}, {"label_smoothing": 0.1, "z_loss": 0.1, "softcap": 5.0})
    ):
        for place in (torch.enable_grad, elsewhere):
            with place():
                loss = cross_entropy(**arguments, reduction=reduction, **options)
                slopes = torch.autograd.grad(loss.sum(), leaves, create_graph=True)
                sum(slope.double().square().sum() for slope in slopes).backward()
    for name, value in arguments.items():
        assert torch.equal(value, before[name]), name
        assert value._version == versions[name], name


def saved_by(compute: Callable[[], Any]) -> list[Tensor]:
    """What is kept for the backward pass, one tensor for each place in memory."""
    found: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.numel():
            found[tensor.data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        compute()
    return list(found.values())


@pytest.mark.parametrize("place", ["kernels", "device"])
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_the_graph_keeps_the_logits_and_a_few_numbers_a_row(reduction: str, place: str) -> None:
    """Never the probabilities, nor anything else as large; torch keeps all log-probabilities."""
    n, num_classes = 64, 500
    logits, target = problem((n, num_classes), torch.float32)
    for option in (
        {},
        {"label_smoothing": 0.1, "weight": torch.rand(num_classes), "row_weight": torch.rand(n)},
        {"weight": torch.rand(num_classes).requires_grad_()},
        {"row_weight": torch.rand(n).requires_grad_(), "temperature": 2.0},
        {"softcap": 5.0, "z_loss": 0.1, "temperature": torch.rand(n) + 1},
    ):
        with elsewhere() if place == "device" else torch.enable_grad():
            kept = saved_by(
                lambda option=option: cross_entropy(logits, target, reduction=reduction, **option)
            )
        large = [tensor for tensor in kept if tensor.numel() > 4 * (n + num_classes)]
        assert [tensor.data_ptr() for tensor in large] == [logits.data_ptr()], option
        assert len(kept) <= 14, option
    for function in (row_stats, lambda z, y: row_stats(z, y, temperature=0.5).entropy):
        with elsewhere() if place == "device" else torch.enable_grad():
            kept = saved_by(lambda function=function: function(logits, target.clamp(0)))
        large = [tensor for tensor in kept if tensor.numel() > 4 * (n + num_classes)]
        assert [tensor.data_ptr() for tensor in large] == [logits.data_ptr()]
    theirs = saved_by(lambda: F.cross_entropy(logits, target))
    assert any(t.numel() == logits.numel() and t.data_ptr() != logits.data_ptr() for t in theirs)


@pytest.mark.parametrize("name", ["input", "target", "weight", "row_weight", "temperature"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_a_change_in_place_is_never_silent(name: str, dtype: torch.dtype, dense: bool) -> None:
    """Between the passes: torch's error, or the gradient of what was passed."""
    for reduction, option in itertools.product(("mean", "none"), ({}, {"label_smoothing": 0.1})):
        arguments = all_arguments(dtype)
        if not dense:
            arguments["target"] = torch.tensor([0, 1, 3, 0, 4, 2])
        leaf = arguments["input"].requires_grad_()
        call = lambda: cross_entropy(**arguments, reduction=reduction, **option)  # noqa: B023, E731
        exact = backward(call(), leaf, 2.0)
        loss = call()
        with torch.no_grad():
            arguments[name].add_(1).clamp_(max=4)
        try:
            seen = backward(loss, leaf, 2.0)
        except RuntimeError as error:
            if "modified by an inplace operation" not in str(error):
                raise
            continue
        assert name != "input"
        assert torch.equal(seen, exact), option


def layouts() -> dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]]:
    """name: (a view of a leaf, the leaf's shape). Logits are (6, 5) or (2, 5, 3, 4)."""
    return {
        "not a leaf": (lambda leaf: leaf * 2, (6, 5)),
        "a slice": (lambda leaf: leaf[1:, 1:6], (7, 8)),
        "every other": (lambda leaf: leaf[::2, ::2], (12, 10)),
        "transposed": (lambda leaf: leaf.mT, (5, 6)),
        "one row for all": (lambda leaf: leaf.expand(6, 5), (1, 5)),
        "one class for all": (lambda leaf: leaf.expand(6, 5), (6, 1)),
        "one number for all": (lambda leaf: leaf.expand(6, 5), ()),
        "overlapping": (lambda leaf: leaf.as_strided((6, 5), (1, 1)), (10,)),
        "four axes": (lambda leaf: leaf, (2, 5, 3, 4)),
        "channels last": (
            lambda leaf: leaf.to(memory_format=torch.channels_last),
            (2, 5, 3, 4),
        ),
        "classes first": (lambda leaf: leaf.movedim(0, 1), (5, 2, 3, 4)),
        "five axes": (lambda leaf: leaf.view(2, 5, 3, 2, 2), (2, 5, 3, 4)),
        "rows expanded": (lambda leaf: leaf.expand(2, 5, 3, 4), (2, 5, 1, 4)),
    }


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", layouts())
def test_layouts(name: str, dtype: torch.dtype) -> None:
    """Views of all kinds, read where they lie; the gradient comes back to the leaf."""
    view, shape = layouts()[name]
    values = torch.randn(shape, generator=torch.Generator().manual_seed(5)).to(dtype)
    for reduction in ("mean", "none"):
        found = []
        for function, wide in ((cross_entropy, dtype), (by_torch, torch.float64)):
            leaf = values.to(wide, copy=True).requires_grad_()
            logits = view(leaf)
            target = torch.arange(logits.numel() // 5).view(logits.shape[:1] + logits.shape[2:])
            classes = (target % 5).mT if target.dim() > 1 else target % 5
            classes = classes.contiguous().mT if target.dim() > 1 else classes
            loss = function(logits, classes, reduction=reduction)
            upstream = torch.linspace(-1, 2, loss.numel(), dtype=torch.float64).view(loss.shape)
            loss.backward(upstream.to(loss.dtype))
            found.append((loss.detach().double(), leaf.grad.double()))
            assert leaf.grad.shape == leaf.shape
        # what torch itself sums afterwards, it sums in the leaf's dtype
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(*found, rtol=16 * max(eps, 1e-15), atol=30 * eps)


@pytest.mark.parametrize("upstream", [1.0, 3.0, 1024.0, 65536.0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_gradients_are_rounded_once(
    dtype: torch.dtype, reduction: str, upstream: float
) -> None:
    """After the upstream gradient is multiplied in: a scaler's 65536 meets no rounded number."""
    logits, target = problem((96, 50), dtype)
    wide = logits.detach().double().requires_grad_()
    exact = backward(F.cross_entropy(wide, target, reduction=reduction), wide, upstream)
    for _ in range(2):  # the second time the upstream gradient is expected
        slope = backward(cross_entropy(logits, target, reduction=reduction), logits, upstream)
        info, beyond = torch.finfo(dtype), exact.abs() > torch.finfo(dtype).max
        assert torch.equal(slope[beyond], exact[beyond].to(dtype))
        unit = info.eps * torch.exp2(exact.abs().clamp(info.tiny).log2().floor())
        off = ((slope.double() - exact).abs() / unit)[~beyond & (exact.abs() >= info.tiny)]
        assert off.max() <= 0.51


def test_learning_to_learn() -> None:
    """A step of gradient descent, differentiated by where it began, and descended in turn."""
    logits, target = problem((16, 8))
    features = logits.detach()

    def descend(function: Callable[..., Tensor]) -> Tensor:
        start = torch.linspace(-1, 1, 64, dtype=torch.float64).view(8, 8).requires_grad_()
        outer = torch.optim.SGD([start], lr=0.5)
        for _ in range(4):
            weights = start
            for _ in range(3):
                inner = function(features @ weights, target, label_smoothing=0.1)
                (slope,) = torch.autograd.grad(inner, weights, create_graph=True)
                weights = weights - 0.3 * slope
            outer.zero_grad()
            function(features @ weights, target, reduction="none").square().mean().backward()
            outer.step()
        return start.detach()

    torch.testing.assert_close(
        descend(cross_entropy), descend(F.cross_entropy), rtol=1e-11, atol=1e-13
    )


def test_what_watches_the_graph() -> None:
    """Anomaly detection, checkpoints, saved tensors elsewhere, deterministic algorithms."""
    logits, target = problem((6, 5))
    exact = backward(F.cross_entropy(logits * 2, target), logits, 1.0)
    with torch.autograd.set_detect_anomaly(True):
        loss = cross_entropy(logits * 2, target)
        torch.testing.assert_close(backward(loss, logits, 1.0), exact)
    for reentrant in (False, True):
        loss = checkpoint(lambda z: cross_entropy(z * 2, target), logits, use_reentrant=reentrant)
        logits.grad = None
        loss.backward()
        torch.testing.assert_close(logits.grad, exact)
    with torch.autograd.graph.save_on_cpu():
        loss = cross_entropy(logits * 2, target)
    torch.testing.assert_close(backward(loss, logits, 1.0), exact)
    torch.use_deterministic_algorithms(True)
    try:
        loss = cross_entropy(logits * 2, target)
        slope = torch.autograd.grad(loss, logits, create_graph=True)[0]
        torch.testing.assert_close(slope, exact)
        slope.square().sum().backward()
    finally:
        torch.use_deterministic_algorithms(False)
