"""A head whose layer is wrapped, replaced or watched: what the layer computes counts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch_helpers import steady  # noqa: F401

import neglog.torch as nt

X, Y = torch.linspace(-1, 1, 15).view(5, 3).cos(), torch.tensor([0, 1, 3, -100, 2])


class Adapter(nn.Module):
    """A layer of low rank beside another, with the names and the properties of peft's."""

    def __init__(self, base_layer: nn.Linear) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.lora_A = nn.Linear(3, 2, bias=False)
        self.lora_B = nn.Linear(2, 4, bias=False)

    @property
    def weight(self) -> Tensor:
        return self.base_layer.weight

    @property
    def bias(self) -> Tensor | None:
        return self.base_layer.bias

    def forward(self, x: Tensor) -> Tensor:
        return self.base_layer(x) + self.lora_B(self.lora_A(x))  # type: ignore[no-any-return]


class Doubled(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return 2 * super().forward(input)


def adapted(layer: nn.Linear) -> nn.Module:
    return Adapter(layer)


def doubled(layer: nn.Linear) -> nn.Module:
    return Doubled(3, 4)


def hooked(layer: nn.Linear) -> nn.Module:
    layer.register_forward_hook(lambda module, inputs, logits: logits * 2 + 1)
    return layer


def hooked_before(layer: nn.Linear) -> nn.Module:
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0] ** 2,))
    return layer


def hooked_behind(layer: nn.Linear) -> nn.Module:
    layer.register_full_backward_hook(lambda module, slopes, _: (2 * slopes[0],))
    return layer


def normed(layer: nn.Linear) -> nn.Module:
    nn.utils.weight_norm(layer)
    layer.weight_g.data.mul_(3)  # the hook computes the weight from it, in each call
    return layer


def patched(layer: nn.Linear) -> nn.Module:
    before = layer.forward
    layer.forward = lambda x: 3 * before(x)  # type: ignore[method-assign]
    return layer


def parametrized(layer: nn.Linear) -> nn.Module:
    nn.utils.parametrizations.weight_norm(layer)
    layer.parametrizations.weight.original0.data.mul_(3)  # type: ignore[union-attr,operator]
    return layer


WRAPPERS = (
    adapted, doubled, hooked, hooked_before, hooked_behind, normed, patched, parametrized,
)  # fmt: skip


def wrapped(wrap: Callable[[nn.Linear], nn.Module], **options: Any) -> nt.LinearCrossEntropyLoss:
    module = nt.LinearCrossEntropyLoss(3, 4, bias=True, **options)
    module.linear = wrap(module.linear)  # type: ignore[assignment]
    return module


def by_its_layer(
    module: nt.LinearCrossEntropyLoss, x: Tensor, y: Tensor, **options: Any
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Loss and gradients by torch, from the logits of the module's layer."""
    logits = module.linear(x).reshape(-1, 4)
    y = y.reshape(-1, 4) if y.is_floating_point() else y.reshape(-1)
    return graded(F.cross_entropy(logits, y, **options), module, x)


def graded(loss: Tensor, module: nn.Module, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
    return loss.detach(), torch.autograd.grad(loss, [x, *module.parameters()])


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
@pytest.mark.parametrize("wrap", WRAPPERS, ids=lambda wrap: wrap.__name__)
def test_what_the_layer_computes_counts(wrap: Callable[[nn.Linear], nn.Module]) -> None:
    """The loss, and the gradients of input, layer and wrapper; in a batch of any shape."""
    module = wrapped(wrap, label_smoothing=0.1)
    x = X.clone().requires_grad_()
    for shape in ((5,), (5, 1), (1, 5)):
        have = graded(module(x.view(*shape, 3), Y.view(shape)), module, x)
        torch.testing.assert_close(have, by_its_layer(module, x, Y, label_smoothing=0.1))
    probs = torch.softmax(X @ torch.ones(3, 4).cumsum(1), 1)
    module.label_smoothing = 0.0
    have = graded(module(x.view(5, 1, 3), probs.view(5, 1, 4)), module, x)
    torch.testing.assert_close(have, by_its_layer(module, x, probs))


def test_hooks_of_all_modules() -> None:
    module = wrapped(lambda layer: layer)
    seen: list[nn.Module] = []

    def double(layer: nn.Module, _: Any, result: Tensor) -> Tensor | None:
        seen.append(layer)
        return 2 * result if layer is module.linear else None

    x = X.clone().requires_grad_()
    handle = nn.modules.module.register_module_forward_hook(double)
    try:
        have, want = module(x, Y), F.cross_entropy(module.linear(x), Y)
    finally:
        handle.remove()
    torch.testing.assert_close(have, want)
    assert module.linear in seen
    torch.testing.assert_close(module(x, Y), F.cross_entropy(module.linear(x), Y))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:torch.quantize_per_tensor")
def test_a_quantised_layer() -> None:
    module = wrapped(lambda layer: layer).eval()
    exact = module(X, Y)
    quantised = torch.ao.quantization.quantize_dynamic(module, {nn.Linear}, dtype=torch.qint8)
    want = F.cross_entropy(quantised.linear(X), Y)
    torch.testing.assert_close(quantised(X, Y), want)
    assert not torch.equal(want, exact)


def test_a_plain_layer_makes_no_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does one with parametrizations, whose weight is computed where it is read."""
    for wrap in (parametrized, lambda layer: layer):
        module = wrapped(wrap)
        with monkeypatch.context() as refused:
            refused.setattr(F, "linear", None)
            module(X, Y).backward()


def test_peft() -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed")
    config = peft.LoraConfig(r=2, target_modules=["linear"], init_lora_weights=False)
    module = peft.get_peft_model(nt.LinearCrossEntropyLoss(3, 4), config)
    have, want = module(X, Y), F.cross_entropy(module.base_model.model.linear(X), Y)
    torch.testing.assert_close(have, want)
    have.backward()
    trained = [x for x in module.parameters() if x.requires_grad]
    assert len(trained) == 2
    assert all(x.grad is not None and x.grad.any() for x in trained)
