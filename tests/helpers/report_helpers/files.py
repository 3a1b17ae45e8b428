"""Tables of made-up predictions for `neglog report`, and how the command is run on them."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from neglog.cli import main

PETS = ("cat", "dog", "horse")


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(name="ran")
def ran_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run `neglog report` and return exit code and output."""

    def run(*arguments: str) -> Ran:
        code = main(["report", *arguments])
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(name="refused")
def refused_fixture(ran: Any) -> Any:
    """Run it, which must refuse with one message, write nothing, and return the message."""

    def run(*arguments: str) -> str:
        before = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
        done = ran(*arguments)
        assert done.code == 2
        assert done.err.startswith("neglog: ")
        assert "Traceback" not in done.err
        assert done.err.replace("\n", "").isprintable()
        assert done.out == "" or done.out.startswith("taking ")
        assert {p: p.read_bytes() for p in Path().rglob("*") if p.is_file()} == before
        return str(done.err.removeprefix("neglog: ").removesuffix("\n"))

    return run


class Pets(NamedTuple):
    """Predictions and what stands beside them, as arrays."""

    logits: NDArray[Any]
    target: NDArray[Any]
    weight: NDArray[Any]
    id: NDArray[Any]
    text: NDArray[Any]
    size: NDArray[Any]
    lang: NDArray[Any]


def pets(n: int = 40, seed: int = 0) -> Pets:
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(size=(n, 3)) * 2, 3)
    lang = rng.choice(["ko", "en"], n)
    return Pets(
        z,
        (z + rng.gumbel(size=z.shape)).argmax(1),
        rng.integers(1, 4, n).astype(float),
        np.array([f"row-{j}" for j in range(n)], object),
        np.array([f"a text about {j}" for j in range(n)], object),
        rng.integers(1, 9, n).astype(float),
        lang.astype(object),
    )


def as_csv(path: str, data: Pets, header: str = "", target: str = "label") -> str:
    """Write a table; its columns are logit_*, the target by name, and what is beside it."""
    names = [f"logit_{name}" for name in PETS] + [target, "weight", "id", "text", "size", "lang"]
    rows = [
        [*map(repr, z.tolist()), PETS[y], *map(str, beside)]
        for z, y, *beside in zip(*data, strict=True)
    ]
    lines = [header or ",".join(names), *map(",".join, rows)]
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
