"""torch's cross_entropy replaced in a process and restored; models of others."""

import inspect
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import neglog
import neglog.torch as nt

TORCHS = functional.cross_entropy
Z, Y = torch.tensor([[17.0, 0.0, 0.0]]), torch.tensor([0])


@pytest.fixture(autouse=True)
def unpatched() -> Iterator[None]:
    yield
    assert functional.cross_entropy is TORCHS


def test_patch_and_undo() -> None:
    """Also in a module made before the patch, and in one called after undo."""
    module = nn.CrossEntropyLoss()
    handle = nt.patch()
    assert handle.changed == ("torch.nn.functional.cross_entropy",)
    assert module(Z, Y) == nt.cross_entropy(Z, Y) > 0
    assert functional.cross_entropy(Z, Y, reduction="sum") > 0
    handle.undo()
    assert module(Z, Y) == 0
    handle.undo()  # does nothing
    with nt.patch() as again:
        handle.undo()  # nor does it undo another patch
        assert nn.CrossEntropyLoss()(Z, Y) > 0
    again.undo()
    assert nn.CrossEntropyLoss()(Z, Y) == 0


def test_a_second_patch_is_refused() -> None:
    with nt.patch():
        with pytest.raises(RuntimeError, match="patched already; call undo"):
            nt.patch()
        assert functional.cross_entropy(Z, Y) > 0


def test_an_error_inside_undoes_it() -> None:
    with pytest.raises(KeyError), nt.patch():
        raise KeyError
    assert functional.cross_entropy is TORCHS


def test_someone_elses_patch_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    with nt.patch() as handle:
        with monkeypatch.context() as other:
            other.setattr(functional, "cross_entropy", print)
            with pytest.raises(RuntimeError, match="replaced again after patch"):
                handle.undo()
            assert functional.cross_entropy is print
        assert functional.cross_entropy(Z, Y) > 0


def test_threads_that_patch_at_once() -> None:
    """Exactly one of them patches."""
    done: list[Any] = []
    start = threading.Barrier(8)

    def go() -> None:
        start.wait()
        try:
            done.append(nt.patch())
        except RuntimeError:
            done.append(None)

    threads = [threading.Thread(target=go) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handles = [handle for handle in done if handle is not None]
    assert len(handles) == 1
    handles[0].undo()


def test_it_looks_like_torchs() -> None:
    signature = inspect.signature(TORCHS)
    with nt.patch():
        assert inspect.signature(functional.cross_entropy) == signature
        assert functional.cross_entropy.__doc__ == TORCHS.__doc__


# Calls that torch takes and we refuse, or take for something else.
ONLY_TORCHS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((Z, Y), {"label_smoothing": True}),
    ((Z[0], Y), {}),  # one row, and a target of one row
    ((Z[:, :0], torch.zeros(1, 0)), {}),  # no class
    ((Z, Y), {"reduction": "elementwise_mean"}),
]


@pytest.mark.filterwarnings("ignore:reduction='elementwise_mean' is deprecated")
def test_what_only_torch_takes_is_given_to_torch() -> None:
    with nt.patch():
        for args, options in ONLY_TORCHS:
            want = TORCHS(*args, **options)
            torch.testing.assert_close(
                functional.cross_entropy(*args, **options), want, equal_nan=True
            )


def test_what_nobody_takes_is_an_error_with_our_text() -> None:
    with nt.patch():
        with pytest.raises(ValueError, match="target must be classes") as caught:
            functional.cross_entropy(Z, torch.zeros(2, 2))
        assert isinstance(caught.value, RuntimeError)
        with pytest.raises(IndexError, match=r"target\[0\] is 7"):
            functional.cross_entropy(Z, Y + 7)
        with pytest.raises(TypeError):
            functional.cross_entropy(Z)
        with pytest.warns(neglog.InputKindWarning):
            functional.cross_entropy(Z.softmax(1), Y)


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor", "ignore:The PyTorch API of nested")
@pytest.mark.parametrize("kind", ["sparse", "nested", "quantised"])
def test_tensors_of_another_kind_have_torchs_error(kind: str) -> None:
    z = {
        "sparse": lambda: Z.to_sparse(),
        "nested": lambda: torch.nested.nested_tensor([Z, Z], layout=torch.jagged),
        "quantised": lambda: torch.quantize_per_tensor(Z, 0.1, 0, torch.qint8),
    }[kind]()
    with pytest.raises(Exception) as want:  # noqa: PT011 (of whatever type)
        TORCHS(z, Y)
    with nt.patch(), pytest.raises(type(want.value)) as have:
        functional.cross_entropy(z, Y)
    assert str(have.value) == str(want.value)


def test_compiled_code_notices() -> None:
    """In one graph, compiled before the patch or not."""
    step = torch.compile(nn.CrossEntropyLoss(), fullgraph=True, backend="aot_eager")
    for _ in range(2):
        with nt.patch():
            assert step(Z, Y) == nt.cross_entropy(Z, Y)
        assert step(Z, Y) == 0


def model(name: str) -> nn.Module:
    """Hugging Face's language model, with two layers and 96 tokens."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    torch.manual_seed(0)
    if name == "GPT-2":
        config = transformers.GPT2Config(
            vocab_size=96, n_positions=32, n_embd=32, n_layer=2, n_head=2,
            resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0,
        )  # fmt: skip
        return transformers.GPT2LMHeadModel(config)  # type: ignore[no-any-return]
    config = transformers.LlamaConfig(
        vocab_size=96, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=32,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config)  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", ["GPT-2", "Llama"])
def test_hugging_face_models_as_they_are(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our function is called, and the loss and every parameter's gradient are the same."""
    net = model(name)
    words = torch.randint(0, 96, (3, 20), generator=torch.Generator().manual_seed(1))
    labels = words.masked_fill(torch.arange(20) < 4, -100)
    found = []
    seen: list[Tensor] = []
    ours = nt._patch.cross_entropy

    def watched(*args: Any, **options: Any) -> Tensor:
        seen.append(ours(*args, **options))
        return seen[-1]

    monkeypatch.setattr(nt._patch, "cross_entropy", watched)
    for patched in (False, True):
        net.zero_grad()
        handle = nt.patch() if patched else None
        loss = net(input_ids=words, labels=labels).loss
        loss.backward()
        found.append((loss.detach(), [parameter.grad for parameter in net.parameters()]))
        if handle:
            handle.undo()
    assert len(seen) == 1
    (loss, grads), (our_loss, our_grads) = found
    torch.testing.assert_close(our_loss, loss, rtol=1e-6, atol=0)
    for have, want in zip(our_grads, grads, strict=True):
        torch.testing.assert_close(have, want, rtol=1e-6, atol=1e-6 * float(want.abs().max()))
