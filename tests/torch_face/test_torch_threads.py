"""The kernels compute on torch's number of threads, asked at the time of the call."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch_helpers import steady  # noqa: F401

import neglog
import neglog.torch as nt
from neglog import _kernels

Z, Y = torch.randn(40, 1000), torch.arange(40)
HIDDEN, WEIGHT = torch.randn(40, 8), torch.randn(1000, 8)


def trained(function: Callable[..., Any], *arguments: torch.Tensor, **options: Any) -> None:
    leaves = [x.detach().requires_grad_(x.is_floating_point()) for x in arguments]
    loss = function(*leaves, **options)
    loss.backward(torch.full_like(loss, 0.3))


CALLS: dict[str, Callable[[], Any]] = {
    "fast path": lambda: trained(nt.cross_entropy, Z, Y),
    "options": lambda: trained(nt.cross_entropy, Z, Y, z_loss=0.1, reduction="none"),
    "head": lambda: trained(nt.linear_cross_entropy, HIDDEN, WEIGHT, Y),
    "panels": lambda: nt.linear_cross_entropy(HIDDEN, WEIGHT, Y),
    "tolerance": lambda: trained(nt.linear_cross_entropy, HIDDEN, WEIGHT, Y, grad_tolerance=1e-2),
    "softmax": lambda: nt.softmax(Z, 1),
    "row_stats": lambda: nt.row_stats(Z, Y),
    "binary": lambda: trained(lambda z: nt.binary_cross_entropy_with_logits(z, Z.sigmoid()), Z),
}


@pytest.fixture
def unset() -> Iterator[None]:
    """No number was set for the process."""
    before = _kernels.set_num_threads(0)
    yield
    _kernels.set_num_threads(before)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The numbers of threads that the kernels found while they ran."""
    found: set[int] = set()

    def watch(owner: Any, name: str) -> None:
        made = getattr(owner, name)

        def call(*arguments: Any, **options: Any) -> Any:
            found.add(neglog.cpu_info().threads)
            return made(*arguments, **options)

        monkeypatch.setattr(owner, name, call)

    names = ("rows", "binary", "reduce_panel", "write_panel", "compress", "add_times_classes")
    for name in names:
        watch(_kernels, name)
    return found


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("unset")
def test_torchs_number_is_heard_at_the_time_of_the_call(name: str, heard: set[int]) -> None:
    mine = neglog.cpu_info().threads
    for n in (1, 2, 1):
        torch.set_num_threads(n)
        heard.clear()
        CALLS[name]()
        assert heard == {n}
        assert neglog.cpu_info().threads == mine  # NumPy's functions keep their own


@pytest.mark.parametrize("name", CALLS)
def test_a_number_that_was_set_is_stronger(name: str, heard: set[int], threads: Any) -> None:
    threads(3)
    CALLS[name]()
    assert heard == {3}
