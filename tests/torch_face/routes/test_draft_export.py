"""torch.export.draft_export, which runs a model and checks what its operators promise."""

import gc
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import normal

import neglog.torch as nt

Z, Y, H, W = normal(3, 4), torch.tensor([0, 3, 1]), normal(3, 5), normal(4, 5)

MODELS: dict[str, tuple[Callable[..., Any], tuple[Tensor, ...]]] = {
    "plain": (lambda z, y: nt.cross_entropy(z, y), (Z, Y)),
    "options": (
        lambda z, y: nt.cross_entropy(z, y, label_smoothing=0.1, z_loss=0.1, temperature=2.0),
        (Z, Y),
    ),
    "head": (lambda h, w, y: nt.linear_cross_entropy(h, w, y), (H, W, Y)),
    "statistics": (lambda z, y: nt.row_stats(z, y)[:3], (Z, Y)),
    "softmax": (lambda z: nt.softmax(z, 1), (Z,)),
}


class Model(torch.nn.Module):
    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *tensors: Tensor) -> Any:
        return self.function(*tensors)


@pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated")
@pytest.mark.parametrize("name", MODELS)
def test_models_with_a_loss(name: str) -> None:
    function, inputs = MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its log open
        program = torch.export.draft_export(Model(function), inputs)
        gc.collect()
    assert program._report.successful()  # type: ignore[attr-defined]
    have, want = program.module()(*inputs), function(*inputs)
    torch.testing.assert_close(have, want, rtol=0, atol=0)
