"""The modules of `neglog.torch`: torch's arguments, state and behaviour, our numbers."""

import copy
import inspect
import io
import pickle
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import neglog.torch as nt

Z = torch.tensor([[17.0, 0.0, 0.25], [-1.0, 2.0, 0.5]])
Y = torch.tensor([0, 2])
W = torch.tensor([1.0, 2.0, 0.5])

# name: settings, what it is called with, and what the function gives then
MODULES: dict[str, tuple[dict[str, Any], tuple[Tensor, ...], Tensor]] = {
    "CrossEntropyLoss": (
        {"weight": W, "ignore_index": 2, "reduction": "sum", "label_smoothing": 0.25},
        (Z, Y),
        nt.cross_entropy(Z, Y, W, ignore_index=2, reduction="sum", label_smoothing=0.25),
    ),
    "NLLLoss": (
        {"weight": W, "ignore_index": 2, "reduction": "none"},
        (Z, Y),
        nt.nll_loss(Z, Y, W, ignore_index=2, reduction="none"),
    ),
    "BCEWithLogitsLoss": (
        {"weight": W, "pos_weight": 2 * W, "reduction": "sum"},
        (Z, Z.sigmoid()),
        nt.binary_cross_entropy_with_logits(Z, Z.sigmoid(), W, reduction="sum", pos_weight=2 * W),
    ),
    "Softmax": ({"dim": 0}, (Z,), nt.softmax(Z, 0)),
    "LogSoftmax": ({"dim": -1}, (Z,), nt.log_softmax(Z, -1)),
}


@pytest.mark.parametrize("name", MODULES)
def test_settings_reach_the_function(name: str) -> None:
    settings, inputs, want = MODULES[name]
    module = getattr(nt, name)(**settings)
    assert torch.equal(module(*inputs), want)
    torchs = getattr(nn, name)
    assert isinstance(module, torchs)
    assert torch.allclose(module(*inputs), torchs(**settings)(*inputs), atol=1e-5)


@pytest.mark.parametrize("name", MODULES)
def test_torchs_arguments_by_position(name: str) -> None:
    ours = list(inspect.signature(getattr(nt, name)).parameters.values())
    torchs = list(inspect.signature(getattr(nn, name)).parameters.values())
    for mine, theirs in zip(ours, torchs, strict=False):
        assert (mine.name, mine.default, mine.kind) == (theirs.name, theirs.default, theirs.kind)
    assert all(extra.kind is extra.KEYWORD_ONLY for extra in ours[len(torchs) :])


@pytest.mark.parametrize("name", MODULES)
def test_copies_are_the_same(name: str) -> None:
    """By pickle, copy and state dict: ours to ours, torch's to ours, ours to torch's."""
    settings, inputs, want = MODULES[name]
    module, torchs = (getattr(of, name)(**copy.deepcopy(settings)) for of in (nt, nn))
    saved = io.BytesIO()
    torch.save(module, saved)
    saved.seek(0)
    copies = [pickle.loads(pickle.dumps(module)), copy.deepcopy(module)]
    copies.append(torch.load(saved, weights_only=False))
    for twin in copies:
        assert type(twin) is type(module)
        assert repr(twin) == repr(module)
        assert torch.equal(twin(*inputs), want)
    assert list(module.state_dict()) == list(torchs.state_dict())
    for source, sink in ((torchs, module), (module, torchs)):
        for value in source.state_dict().values():
            value.mul_(3)
        sink.load_state_dict(source.state_dict(), strict=True)
        for key, value in source.state_dict().items():
            assert torch.equal(sink.state_dict()[key], value)


def test_a_weight_is_a_buffer() -> None:
    for module in (nt.CrossEntropyLoss(W), nt.NLLLoss(W), nt.BCEWithLogitsLoss(W, pos_weight=W)):
        assert {buffer.dtype for buffer in module.double().buffers()} == {torch.float64}
        assert not list(module.parameters())


def test_settings_of_our_own() -> None:
    """z_loss, temperature and softcap are settings, row_weight belongs to a call."""
    module = nt.CrossEntropyLoss(z_loss=0.5, temperature=2.0, softcap=3.0)
    r = torch.tensor([0.25, 2.0])
    options: Any = {"z_loss": 0.5, "temperature": 2.0, "softcap": 3.0}
    assert torch.equal(module(Z, Y), nt.cross_entropy(Z, Y, **options))
    assert torch.equal(module(Z, Y, row_weight=r), nt.cross_entropy(Z, Y, **options, row_weight=r))
    assert not torch.equal(module(Z, Y), module(Z, Y, row_weight=r))
    learnt = nt.CrossEntropyLoss(temperature=nn.Parameter(torch.tensor(2.0)))
    learnt(Z, Y).backward()
    (temperature,) = learnt.parameters()
    assert temperature.grad is not None
    assert temperature.grad != 0


def test_repr_shows_settings() -> None:
    assert repr(nt.CrossEntropyLoss(W, label_smoothing=0.1)) == (
        "CrossEntropyLoss(weight=(3,), ignore_index=-100, reduction='mean', label_smoothing=0.1,"
        " z_loss=0.0, temperature=1.0, softcap=None)"
    )
    assert repr(nt.NLLLoss(ignore_index=0)) == "NLLLoss(ignore_index=0, reduction='mean')"
    assert (
        repr(nt.BCEWithLogitsLoss(pos_weight=W))
        == "BCEWithLogitsLoss(pos_weight=(3,), reduction='mean')"
    )
    assert repr(nt.Softmax(1)) == "Softmax(dim=1)"
    assert repr(nt.LogSoftmax()) == "LogSoftmax(dim=None)"


def test_a_missing_axis_is_warned_of_where_torch_does() -> None:
    for ours, torchs in ((nt.Softmax(), nn.Softmax()), (nt.LogSoftmax(), nn.LogSoftmax())):
        with pytest.warns(UserWarning, match="Implicit dimension choice") as caught:
            _ = ours(Z), torchs(Z)
        first, second = caught
        assert (str(first.message), first.filename) == (str(second.message), second.filename)
        assert first.lineno == second.lineno


def test_torchs_old_arguments() -> None:
    with pytest.warns(UserWarning, match="size_average and reduce args will be deprecated"):
        module = nt.CrossEntropyLoss(size_average=False)
    assert module.reduction == "sum"


def test_a_network_learns_with_them_compiled() -> None:
    """As part of a model compiled in one graph."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nt.LogSoftmax(1))
    x, y = torch.randn(30, 3), torch.arange(30) % 4
    loss = nt.NLLLoss()
    step = torch.compile(lambda x, y: loss(model(x), y), fullgraph=True, backend="aot_eager")
    step(x, y).backward()
    want = [parameter.grad for parameter in model.parameters()]
    model.zero_grad()
    nn.NLLLoss()(nn.LogSoftmax(1)(model[0](x)), y).backward()
    torch.testing.assert_close(want, [parameter.grad for parameter in model.parameters()])
