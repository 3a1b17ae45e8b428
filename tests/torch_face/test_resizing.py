"""A caller's memory can be resized after our calls as before: FSDP frees parameters that way.

This file is also a program: `python test_resizing.py FOLDER` trains a head that FSDP has sharded.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor

import neglog.torch as nt

N, D, V = 6, 4, 5
Arguments = dict[str, Tensor]


def arguments(dtype: torch.dtype) -> Arguments:
    random = torch.Generator().manual_seed(0)
    shapes = {
        "z": (N, V), "image": (2, V, 3), "probs": (N, V), "hidden": (N, D), "weight": (V, D),
        "bias": (V,), "factor": (V,), "row_weight": (N,), "temperature": (N,),
    }  # fmt: skip
    made = {
        name: torch.rand(shape, dtype=torch.float64, generator=random).to(dtype)
        for name, shape in shapes.items()
    }
    made["probs"] = made["probs"] / made["probs"].sum(1, keepdim=True)
    for name in ("row_weight", "temperature", "factor"):
        made[name] = made[name].double() + 1
    for name in ("z", "image", "hidden", "weight", "bias"):
        made[name].requires_grad_()
    made["y"], made["y_image"] = torch.arange(N) % V, torch.arange(6).view(2, 3) % V
    made["y32"], made["chosen"] = made["y"].int(), torch.arange(2 * N).view(N, 2) % V
    return made


def binary(a: Arguments) -> Tensor:
    options = {"pos_weight": a["factor"].to(a["z"].dtype)}
    return nt.binary_cross_entropy_with_logits(a["z"], a["probs"], **options)


def options(a: Arguments) -> dict[str, Tensor]:
    return {"row_weight": a["row_weight"], "temperature": a["temperature"]}


CALLS: dict[str, Callable[[Arguments], Any]] = {
    "cross_entropy": lambda a: nt.cross_entropy(a["z"], a["y"]),
    "each row": lambda a: nt.cross_entropy(a["z"], a["y32"], reduction="none").sum(),
    "options": lambda a: nt.cross_entropy(a["z"], a["y"], weight=a["factor"], **options(a)),
    "probabilities": lambda a: nt.cross_entropy(a["z"], a["probs"], **options(a)),
    "image": lambda a: nt.cross_entropy(a["image"], a["y_image"], z_loss=0.1),
    "head": lambda a: nt.linear_cross_entropy(
        a["hidden"], a["weight"], a["y"], linear_bias=a["bias"], **options(a)
    ),
    "head of halves in chunks": lambda a: nt.linear_cross_entropy(
        a["hidden"], a["weight"], a["y"], memory=8 * V
    ),
    "tolerance": lambda a: nt.linear_cross_entropy(
        a["hidden"], a["weight"], a["y"], linear_bias=a["bias"], grad_tolerance=0.01
    ),
    "soft head": lambda a: nt.linear_cross_entropy(a["hidden"], a["weight"], a["probs"]),
    "row_stats": lambda a: nt.row_stats(a["z"], a["y"], temperature=a["temperature"]).nll.sum(),
    "linear_row_stats": lambda a: nt.linear_row_stats(
        a["hidden"], a["weight"], a["y"], linear_bias=a["bias"], chosen=a["chosen"]
    )[1].sum(),
    "softmax": lambda a: nt.softmax(a["z"], 1).sum(),
    "log_softmax": lambda a: nt.log_softmax(a["image"], 1).sum(),
    "logsumexp": lambda a: nt.logsumexp(a["z"], 1).sum(),
    "sigmoid": lambda a: nt.sigmoid(a["z"]).sum(),
    "log_sigmoid": lambda a: nt.log_sigmoid(a["z"]).sum(),
    "entropy": lambda a: nt.entropy(a["z"]).sum(),
    "min_entropy": lambda a: nt.min_entropy(a["z"]).sum(),
    "kl_divergence": lambda a: nt.kl_divergence(a["probs"], a["z"]).sum(),
    "one_vs_rest_nll": lambda a: nt.one_vs_rest_nll(a["z"], a["y"]),
    "nll_loss": lambda a: nt.nll_loss(torch.log_softmax(a["z"], 1), a["y"], a["factor"]),
    "binary": binary,
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("name", CALLS)
def test_all_that_was_passed_can_be_resized(name: str, dtype: torch.dtype) -> None:
    """After the call without and with a gradient, to nothing and larger."""
    passed = arguments(dtype)
    with torch.no_grad():
        CALLS[name](passed)
    CALLS[name](passed).backward()
    for what, x in passed.items():
        assert x.untyped_storage().resizable(), what
        x.untyped_storage().resize_(0)
        x.detach().resize_(2 * N, 2 * V)


def test_calls_list_every_public_function() -> None:
    written = Path(__file__).read_text()
    functions = [f for f in nt.__all__ if f[0].islower() and f not in ("patch", "release_memory")]
    assert all(f"nt.{f}(" in written for f in functions)


def test_what_is_read_lives_as_long_as_its_array() -> None:
    from neglog.torch._engines.kernels import as_array

    for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64):
        array = as_array(torch.arange(2**16).to(dtype))
        others = [torch.full((2**16,), 7).to(dtype) for _ in range(8)]
        assert torch.equal(torch.from_numpy(array).view(dtype), torch.arange(2**16).to(dtype))
        del others
    for x in (torch.zeros(0, 5), torch.zeros(5, 0), torch.rand(4, 6).mT[1:, ::2]):
        assert torch.equal(torch.from_numpy(as_array(x)), x)
    minus = torch.rand(3, dtype=torch.complex128).conj().imag  # torch negates it lazily
    assert minus.is_neg()
    assert torch.equal(torch.from_numpy(as_array(minus)), minus.resolve_neg())


def run(folder: str) -> None:
    """Two steps of a sharded head, as those of one that is whole."""
    from torch.distributed.fsdp import fully_shard

    dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=0, world_size=1)
    for tolerance in (0.0, 1e-3):
        torch.manual_seed(0)
        whole = nt.LinearCrossEntropyLoss(8, 20, grad_tolerance=tolerance)
        torch.manual_seed(0)
        sharded = nt.LinearCrossEntropyLoss(8, 20, grad_tolerance=tolerance)
        fully_shard(sharded, mesh=dist.init_device_mesh("cpu", (1,)))
        hidden, target = torch.randn(5, 8), torch.arange(5)
        for _ in range(2):
            found = []
            for module in (whole, sharded):
                optimizer = torch.optim.SGD(module.parameters(), 0.1)
                optimizer.zero_grad()
                loss = module(hidden, target)
                loss.backward()
                optimizer.step()
                found.append(loss.detach())
            assert torch.equal(*found), (tolerance, found)
    dist.destroy_process_group()


@pytest.mark.skipif(not dist.is_gloo_available(), reason="this torch has no gloo")
def test_fully_shard(tmp_path: Path) -> None:
    env = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    program = [sys.executable, "-W", "error", __file__, str(tmp_path)]
    done = subprocess.run(program, env=env, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-3000:]


if __name__ == "__main__":
    run(sys.argv[1])
    os._exit(0)  # threads of torch's that want the interpreter while it ends would abort
