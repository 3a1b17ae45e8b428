"""The figures that stand in sentences of the documents, each made from a run by its name."""

from collections.abc import Callable

import budgets

from bench.documents.summary import LARGE
from bench.lookup import Run, duration, find, mebibytes
from bench.torch_face import COMPILED_MODE
from bench.training import HEAD, LLAMA, PATCHED, TINY, TORCH

NOT_MEASURED = "—"


def torch_step(run: Run, shape: tuple[int, ...], peer: str, dtype: str = "float32") -> float:
    """How many times longer the peer takes for forward + backward."""
    return float(find(run["rows"], "forward + backward", shape, dtype)["ratio"][peer])


def copy_fraction(run: Run, shape: tuple[int, ...]) -> float:
    return float(find(run["rows"], "forward + gradient", shape)["ratio"]["copy"])


def head_seconds(run: Run, name: str, dtype: str = "float32") -> str:
    rows = [row for row in run["head"]["rows"] if row["mode"] == "loss + gradients"]
    return duration(find(rows, "loss + gradients", None, dtype, "neglog.torch")["seconds"][name])


def products(run: Run, mode: str, dtype: str = "float32", by: str = "neglog.torch") -> float:
    """Our time in parts of that of the products."""
    return 1 / float(find(run["head"]["rows"], mode, None, dtype, by)["ratio"]["products"])


def head_error(run: Run, tolerance: str) -> float:
    return float(run["head"]["errors"]["neglog.torch"][tolerance]["hidden"])


def head_memory(run: Run, name: str) -> str:
    return mebibytes(run["head"]["memory"][0]["bytes"][name])


def training(run: Run, model: str, way: str, dtype: str = "float32") -> float:
    """How many times longer torch takes for a whole training step."""
    seconds = find(run.get("training", []), model, dtype=dtype)["seconds"]
    return float(seconds[TORCH] / seconds[way])


def compiled(run: Run, name: str) -> str:
    return duration(find(run["rows"], COMPILED_MODE)["seconds"][name])


FIGURES: dict[str, Callable[[Run], str]] = {
    "loss-classes": lambda run: f"{LARGE[1]}",
    "loss-times": lambda run: f"{torch_step(run, LARGE, 'torch eager'):.1f}",
    "memory-times": lambda run: f"{run['memory']['arrays']['torch eager']:.1f}",
    "memory-neglog": lambda run: f"{run['memory']['arrays']['neglog.torch']:.2f}",
    "small-times": lambda run: f"{1 / torch_step(run, budgets.SMALL_CALL, 'torch eager'):.1f}",
    "copy-fraction": lambda run: f"{copy_fraction(run, LARGE):.2f}",
    "compiled-neglog": lambda run: compiled(run, "neglog.torch"),
    "compiled-torch": lambda run: compiled(run, "torch.compile"),
    "compiled-products": lambda run: compiled(run, "no loss"),
    "head-neglog": lambda run: head_seconds(run, "neglog.torch"),
    "head-eager": lambda run: head_seconds(run, "torch eager"),
    "head-compile": lambda run: head_seconds(run, "torch.compile"),
    "head-chunked": lambda run: head_seconds(run, "torch chunked"),
    "head-products": lambda run: head_seconds(run, "products"),
    "head-part": lambda run: f"{products(run, 'loss + gradients'):.2f}",
    "head-half-part": lambda run: f"{products(run, 'loss + gradients', 'bfloat16'):.2f}",
    "head-memory": lambda run: head_memory(run, "neglog.torch"),
    "head-memory-eager": lambda run: head_memory(run, "torch eager"),
    "tolerance-part": lambda run: f"{products(run, 'grad_tolerance=1e-5'):.2f}",
    "tolerance-error": lambda run: f"{head_error(run, 'grad_tolerance=1e-5'):.2%}",
    "tiny-times": lambda run: f"{training(run, TINY, PATCHED):.2f}",
    "llama-patched-times": lambda run: f"{training(run, LLAMA, PATCHED):.2f}",
    "llama-head-times": lambda run: f"{training(run, LLAMA, HEAD):.2f}",
    "llama-half-times": lambda run: f"{training(run, LLAMA, HEAD, 'bfloat16'):.2f}",
}


def figure(run: Run, name: str) -> str:
    """The figure of this name; a dash where the run does not have it."""
    if name not in FIGURES:
        raise ValueError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
    try:
        return FIGURES[name](run)
    except LookupError:  # KeyError and IndexError, too
        return NOT_MEASURED
