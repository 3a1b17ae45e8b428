"""What stays in memory: between the passes under hooks, and after a large result is gone."""

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from torch_helpers import DTYPES, elsewhere, steady  # noqa: F401
from torch_helpers.graph import LARGE, backward, problem

import neglog.torch as nt
from neglog.torch import _memory

MIB = 2**20
hooks = torch.autograd.graph.saved_tensors_hooks


@pytest.fixture
def blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """How many bytes the large blocks that exist have, whoever holds them."""
    nt.release_memory()
    made, new = [], _memory._new_block

    def count(size: int) -> Any:
        block = new(size)
        made.append((weakref.ref(block.base), size))
        return block

    monkeypatch.setattr(_memory, "_new_block", count)

    def held() -> int:
        gc.collect()
        return sum(size for block, size in made if block() is not None)

    yield held
    nt.release_memory()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("option", [{}, {"label_smoothing": 0.1}], ids=str)
@pytest.mark.parametrize("where", ["checkpoint", "reentrant", "save_on_cpu", "hooks"])
def test_nothing_large_is_held_between_the_passes(
    where: str, option: dict[str, float], dtype: torch.dtype, blocks: Callable[[], int]
) -> None:
    """Four losses under hooks: no gradient before the backward pass, and then the right one."""
    logits, target = problem(LARGE, dtype)
    want = backward(nt.cross_entropy(logits * 1, target, **option), logits, 1 / 3)

    def loss() -> Tensor:
        call = lambda z: nt.cross_entropy(z * 1, target, **option)  # noqa: E731
        if where in ("checkpoint", "reentrant"):
            return checkpoint(call, logits, use_reentrant=where == "reentrant")  # type: ignore[no-any-return]
        if where == "hooks":
            with hooks(lambda t: t.clone(), lambda t: t):
                return call(logits)
        with torch.autograd.graph.save_on_cpu():
            return call(logits)

    nt.release_memory()
    before = blocks()
    four = [loss() for _ in range(4)]
    assert blocks() == before
    for each in four:
        logits.grad = None
        each.backward(torch.full_like(each, 1 / 3))
        assert torch.equal(logits.grad, want)


def test_the_derivative_of_a_binary_loss_is_a_saved_tensor() -> None:
    """What a hook returns for it is what the backward pass takes."""
    logits, target = torch.zeros(9, 7, requires_grad=True), torch.ones(9, 7)
    with hooks(lambda t: t, lambda t: t * 2):
        loss = nt.binary_cross_entropy_with_logits(logits, target, reduction="sum")
    assert torch.equal(backward(loss, logits, 1.0), torch.full((9, 7), -1.0))


@pytest.mark.parametrize("function", [nt.softmax, nt.log_softmax])
def test_a_large_result_that_is_gone_leaves_nothing(
    function: Any, blocks: Callable[[], int]
) -> None:
    logits = torch.zeros(300, 2000)
    result = function(logits, 1)
    assert blocks() == result.nbytes
    del result
    assert blocks() == 0


def test_a_loop_keeps_two_blocks_until_they_are_released(blocks: Callable[[], int]) -> None:
    for _ in range(5):
        logits, target = problem(LARGE, torch.float32)
        nt.cross_entropy(logits, target).backward()
    size = logits.nbytes
    assert size <= blocks() <= 2 * size
    del logits
    assert blocks() >= size
    nt.release_memory()
    assert blocks() == 0


def test_release_leaves_what_is_in_use(blocks: Callable[[], int]) -> None:
    for _ in range(4):
        logits, target = problem(LARGE, torch.float32)
        nt.cross_entropy(logits, target, reduction="sum").backward()
    want = logits.grad.clone()
    nt.release_memory()
    other, classes = problem(LARGE, torch.float32, 1)
    nt.cross_entropy(other, classes).backward()
    assert torch.equal(logits.grad, want)
    assert blocks() == 2 * want.nbytes
