"""The picture of chapter 8 is a run of examples/vgg16.py."""

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra torch")
for needed in ("rich", "matplotlib", "mlxtend"):
    pytest.importorskip(needed, reason="the example needs it")

ROOT = Path(__file__).resolve().parents[2]


def kept(name: str) -> list[float]:
    """Numbers of the run, from the code of the figure."""
    chapter = (ROOT / "docs/en/tutorial/08-same-thing.md").read_text(encoding="utf-8")
    _, figure = chapter.split("# One run of `python examples/vgg16.py --quick`")
    (numbers,) = re.findall(rf"^{name} = \[([^]]*?),?\s*\]$", figure, re.M)
    found: list[float] = json.loads(f"[{numbers}]")
    return found


def test_the_first_loss_of_the_run_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other 119 steps take minutes."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    vgg = import_module("vgg16")
    torch.manual_seed(1)
    pictures, _ = vgg.load_digits()
    some, _, epochs = vgg.QUICK
    training = vgg.Training(pictures.first(some), pictures.first(1), epochs, 50)
    losses, right = kept("losses"), kept("right")
    assert kept("at") == [epoch * training.steps for epoch in range(epochs + 1)]
    assert len(losses) == epochs * training.steps
    assert len(right) == len(kept("nll")) == epochs + 1
    assert (kept("nll")[0], right[0]) == pytest.approx((np.log(10), 0.1), rel=0.02)

    rows = torch.randperm(some).split(training.batch_size)[0]
    pixels, label = training.learn.batch(rows)
    with torch.no_grad():
        loss = vgg.cross_entropy(training.model(pixels), label).item()
    assert loss == pytest.approx(losses[0], abs=0.02)
