"""Two processes that train one model. This file is also the program that each of them runs:
`python test_torch_distributed.py RANK FOLDER` writes what it found to FOLDER/RANK.pt.
"""

import contextlib
import datetime
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

import neglog.torch as nt

pytestmark = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="this torch has no gloo"
)

WORLD, ROWS, CLASSES, SECONDS = 2, 12, 5, 60
HALF = ROWS // WORLD
random = torch.Generator().manual_seed(0)
X = torch.randn(ROWS, 6, dtype=torch.float64, generator=random) * 3
T = torch.arange(ROWS) % CLASSES
IGNORED = T.where(torch.arange(ROWS) < HALF, -100)  # every row of the second process
WARM = torch.linspace(0.5, 3, ROWS, dtype=torch.float64)
HEAD = torch.randn(7, CLASSES, dtype=torch.float64, generator=random)

# Loss of some of the rows; all that is divided by is the same in both halves.
LOSSES: dict[str, Callable[[Tensor, slice], Tensor]] = {
    "mean": lambda z, rows: nt.cross_entropy(z, T[rows]),
    "sum": lambda z, rows: nt.cross_entropy(z, T[rows], reduction="sum"),
    "options": lambda z, rows: nt.cross_entropy(
        z, T[rows], temperature=WARM[rows], label_smoothing=0.1, z_loss=0.01, softcap=9.0
    ),
    "module": lambda z, rows: nt.CrossEntropyLoss()(z, T[rows]),
    "statistics": lambda z, rows: nt.row_stats(z, T[rows]).entropy.mean(),
    "head": lambda z, rows: nt.linear_cross_entropy(z, HEAD, T[rows], z_loss=0.01, memory=200),
    "ignored": lambda z, rows: nt.cross_entropy(z, IGNORED[rows]),
}


def model() -> torch.nn.Module:
    torch.manual_seed(1)
    layers = torch.nn.Linear(6, 8), torch.nn.ReLU(), torch.nn.Linear(8, CLASSES)
    return torch.nn.Sequential(*layers).double()


def gradient(net: torch.nn.Module, name: str, rows: slice) -> list[Tensor]:
    net.zero_grad()
    LOSSES[name](net(X[rows]), rows).backward()
    return [parameter.grad.clone() for parameter in net.parameters()]


def refusals() -> dict[str, str]:
    """The messages for a tensor whose rows are in two processes, in every argument."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    mesh, z = init_device_mesh("cpu", (WORLD,)), X[:, :CLASSES]
    spread = distribute_tensor(z, mesh, [Shard(0)])
    classes = distribute_tensor(T, mesh, [Shard(0)])
    calls: dict[str, Callable[[], Any]] = {
        "cross_entropy": lambda: nt.cross_entropy(spread, classes),
        "target": lambda: nt.cross_entropy(z, classes),
        "probabilities": lambda: nt.cross_entropy(z, spread),
        "row_weight": lambda: nt.cross_entropy(z, T, row_weight=spread[:, 0]),
        "temperature": lambda: nt.cross_entropy(z, T, temperature=spread[:, 0]),
        "row_stats": lambda: nt.row_stats(spread, classes),
        "linear_cross_entropy": lambda: nt.linear_cross_entropy(spread, z, classes),
        "linear_weight": lambda: nt.linear_row_stats(z, spread, T),
        "softmax": lambda: nt.softmax(spread, 1),
        "logsumexp": lambda: nt.logsumexp(spread, 1),
        "entropy": lambda: nt.entropy(spread),
        "nll_loss": lambda: nt.nll_loss(spread, classes),
        "binary": lambda: nt.binary_cross_entropy_with_logits(spread, spread),
    }
    said = {}
    for name, call in calls.items():
        try:
            said[name] = f"returned {type(call()).__name__}"
        except Exception as error:
            said[name] = f"{type(error).__name__}: {error}"
    whole = nt.cross_entropy(spread.full_tensor(), classes.full_tensor())
    said["full_tensor"] = str(torch.equal(whole, nt.cross_entropy(z, T)))
    return said


def in_parallel() -> list[str]:
    """What is said inside loss_parallel() about rows in two processes, without and with a patch."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Replicate, Shard, distribute_tensor
    from torch.distributed.tensor.parallel import loss_parallel

    mesh, said = init_device_mesh("cpu", (WORLD,)), []
    spread = distribute_tensor(X[:, :CLASSES], mesh, [Shard(0)])
    classes = distribute_tensor(T, mesh, [Replicate()])
    for context in (contextlib.nullcontext(), nt.patch()):
        with context, loss_parallel():
            try:
                said.append(repr(torch.nn.functional.cross_entropy(spread, classes)))
            except Exception as error:
                said.append(f"{type(error).__name__}: {error}")
    return said


def run(rank: int, folder: Path) -> None:
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=WORLD,
        timeout=datetime.timedelta(seconds=SECONDS),
    )  # fmt: skip
    net, rows = DistributedDataParallel(model()), slice(rank * HALF, (rank + 1) * HALF)
    grads = {name: gradient(net, name, rows) for name in LOSSES}
    said = {"said": refusals(), "parallel": in_parallel()}
    torch.save({"grads": grads, **said}, folder / f"{rank}.pt")
    dist.barrier()
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of each process, which has a minute."""
    folder = tmp_path_factory.mktemp("ranks")
    # on this machine alone, whatever its name resolves to
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "error", __file__, str(rank), str(folder)],
            env=env, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(WORLD)
    ]  # fmt: skip
    try:
        for child in children:
            errors = child.communicate(timeout=SECONDS)[1]
            assert child.returncode == 0, errors[-3000:]
    finally:
        for child in children:
            child.kill()
            child.communicate()
    return [torch.load(folder / f"{rank}.pt") for rank in range(WORLD)]


@pytest.mark.parametrize("name", ["mean", "options", "module", "statistics", "head"])
def test_gradients_are_those_of_one_process(name: str, found: list[dict[str, Any]]) -> None:
    alone = gradient(model(), name, slice(None))
    for each in found:
        torch.testing.assert_close(each["grads"][name], alone, rtol=1e-12, atol=1e-14)


def test_a_sum_is_averaged_over_processes(found: list[dict[str, Any]]) -> None:
    """DistributedDataParallel divides by the number of processes, whatever the loss divides by."""
    alone = [grad / WORLD for grad in gradient(model(), "sum", slice(None))]
    for each in found:
        torch.testing.assert_close(each["grads"]["sum"], alone, rtol=1e-12, atol=1e-14)


def test_a_process_whose_rows_are_all_ignored(found: list[dict[str, Any]]) -> None:
    """Its part is 0; torch's 0/0 would make the weights of both processes nan."""
    alone = [grad / WORLD for grad in gradient(model(), "mean", slice(0, HALF))]
    for each in found:
        torch.testing.assert_close(each["grads"]["ignored"], alone, rtol=1e-12, atol=1e-14)


def test_distributed_tensors_are_refused_with_the_way_out(found: list[dict[str, Any]]) -> None:
    for each in found:
        assert each["said"].pop("full_tensor") == "True"
        for name, said in each["said"].items():
            refused = r"NotImplementedError: .*DTensor.*\.full_tensor\(\)"
            assert re.match(refused, said), name


def test_a_patch_leaves_the_error_of_another_placement_to_torch(
    found: list[dict[str, Any]],
) -> None:
    for each in found:
        torchs, patched = each["parallel"]
        assert torchs.startswith("ValueError: loss_parallel() requires")
        assert patched == torchs


if __name__ == "__main__":
    run(int(sys.argv[1]), Path(sys.argv[2]))
    os._exit(0)  # threads of torch's that want the interpreter while it ends would abort
