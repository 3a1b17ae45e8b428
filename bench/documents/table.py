"""The tables of the documents, each made from a run: a number stands in bench/results only."""

from collections.abc import Callable
from typing import Any

import budgets

from bench.cases import TORCH_MODES, size
from bench.divisors import CHANGING
from bench.documents.words import Words
from bench.lookup import Run, amount, duration, mebibytes
from bench.timing import Row
from bench.torch_face import COMPILED_MODE

HEAD_PEERS = ("torch eager", "torch.compile", "torch chunked")
NO_PEER = {"copy", "bare node"}  # shown apart, or only when the benchmark runs


def grid(header: list[str], body: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *body])


def ours(row: Row) -> str:
    return duration(next(iter(row["seconds"].values())))


def ratios(row: Row, peers: list[str], words: Words) -> list[str]:
    found = row["ratio"]
    return [f"{found[peer]:.1f}x" if peer in found else words.absent for peer in peers]


def times(run: Run, mode: str, words: Words) -> str:
    rows = [row for row in run["rows"] if row["dtype"] == "float32" and row["mode"] == mode]
    peers = [name for name in rows[0]["ratio"] if name not in NO_PEER]
    header = [words.times.format(mode=words.modes[mode]), "neglog", *peers]
    body = [[size(row["shape"]), ours(row), *ratios(row, peers, words)] for row in rows]
    if mode == "forward + gradient":
        header.append(words.copy)
        for cells, row in zip(body, rows, strict=True):
            # A copy of a kilobyte is the time it takes to wake a thread.
            small = tuple(row["shape"]) == budgets.SMALL_CALL
            cells.append(words.absent if small else f"{row['ratio']['copy']:.2f}")
    return grid(header, body)


def gradient(run: Run, words: Words) -> str:
    return times(run, "forward + gradient", words)


def forward(run: Run, words: Words) -> str:
    return times(run, "forward", words)


def torch_rows(run: Run) -> list[Row]:
    """The rows of the PyTorch face that peers have, too; none where torch is not installed."""
    rows = (row for row in run["rows"] if "neglog.torch" in row["seconds"])
    return [
        row
        for row in rows
        if row["dtype"] in ("float32", "bfloat16") and row["mode"] not in (COMPILED_MODE, CHANGING)
    ]


def torch_times(run: Run, words: Words) -> str:
    peers = ["torch eager", "torch.compile"]
    body = [[label(row, words), ours(row), *ratios(row, peers, words)] for row in torch_rows(run)]
    return grid([words.torch, "neglog.torch", *peers], body)


def label(row: Row, words: Words) -> str:
    """What sets a row apart: its shape, and what is not the rule."""
    dtype = [] if row["dtype"] == "float32" else [row["dtype"]]
    mode = [] if row["mode"] in TORCH_MODES else [words.modes[row["mode"]]]
    return ", ".join([size(row["shape"]), *dtype, *mode])


def compiled(run: Run, words: Words) -> str:
    """The loss inside a compiled step, which is the step less the step without a loss."""
    names = ("neglog.torch", "torch.compile", "no loss")
    body = [
        [size(row["shape"]), *(f"{row['seconds'][name] * 1e3:.1f}" for name in names)]
        for row in run["rows"]
        if row["mode"] == COMPILED_MODE
    ]
    return grid([*words.compiled], body)


def memory(run: Run, words: Words) -> str:
    found = run.get("memory", {"arrays": {}})
    if not found["arrays"]:
        return grid([words.memory], [])
    shape, arrays = found["shape"], found["arrays"]
    array = mebibytes(4 * shape[0] * shape[1])
    cells = [f"{count:.2f} x {array}" for count in arrays.values()]
    return grid([words.memory, *arrays], [[size(shape), *cells]])


def source(found: dict[str, Any], words: Words) -> str:
    return words.sources.get(found["source"], words.sources["files"])


def head(run: Run, words: Words) -> str:
    found = run["head"]
    rows = found["rows"]
    peers = [name for name in HEAD_PEERS if any(name in row["ratio"] for row in rows)]
    body = []
    for row in rows:
        cells = [head_label(row, source(found, words), words), next(iter(row["seconds"]))]
        cells += [ours(row), f"{1 / row['ratio']['products']:.2f}"]
        body.append([*cells, *ratios(row, peers, words)])
    return grid([*words.head, *peers], body)


def head_label(row: Row, where: str, words: Words) -> str:
    """What sets a row apart; those with a tolerance are measured on a peaked head."""
    mode, parts = row["mode"], [size(row["shape"])]
    if row["dtype"] != "float32":
        parts.append(row["dtype"])
    if mode.startswith("grad_tolerance"):
        parts += [where, f"`{mode}`"]
    elif mode in words.modes:
        parts.append(words.modes[mode])
    return ", ".join(parts)


def head_errors(run: Run, words: Words) -> str:
    found = run["head"]
    body = [
        [
            f"`{mode}`, {source(found, words)}",
            face,
            f"{error['hidden']:.1e}",
            f"{error['classes']:.1e}",
            f"{error['kept']:.2%}",
        ]
        for face, modes in found["errors"].items()
        for mode, error in modes.items()
    ]
    return grid([*words.head_errors], body)


def head_memory(run: Run, words: Words) -> str:
    measured = run["head"]["memory"]
    names = list(measured[0]["bytes"]) if measured else []
    body = []
    for each in measured:
        taken = {name: mebibytes(count) for name, count in each["bytes"].items()}
        body.append([size(each["shape"]), *(taken.get(name, words.absent) for name in names)])
    return grid([words.head_memory, *names], body)


def training(run: Run, words: Words) -> str:
    """A row for each way to train each model."""
    body = []
    for row in run.get("training", []):
        model = ", ".join([words.models[row["mode"]], size(row["shape"]), row["dtype"]])
        for way, seconds in row["seconds"].items():
            times_torch = f"{seconds / row['seconds']['torch']:.2f}"
            taken = mebibytes(row["bytes"][way]) if row["bytes"] else words.absent
            error = f"{amount(row['ulp'][way])} ulp"
            body.append([model, f"`{way}`", duration(seconds), times_torch, taken, error])
    return grid([*words.training], body)


def errors(run: Run, words: Words) -> str:
    peers = list(next(iter(run["ulp"].values())))
    body = [
        [dtype, *(pair(found[peer]) if peer in found else words.absent for peer in peers)]
        for dtype, found in run["ulp"].items()
    ]
    return grid([words.errors, *peers], body)


def pair(error: dict[str, Any]) -> str:
    return f"{amount(float(error['nll']))} / {amount(float(error['gradient']))}"


def machine(run: Run, words: Words) -> str:
    versions = ", ".join(f"{name} {value}" for name, value in run["versions"].items())
    return words.machine.format(**run["machine"], versions=versions)


TABLES: dict[str, Callable[[Run, Words], str]] = {
    "forward-gradient": gradient,
    "forward": forward,
    "torch": torch_times,
    "compiled": compiled,
    "memory": memory,
    "training": training,
    "head": head,
    "head-errors": head_errors,
    "head-memory": head_memory,
    "errors": errors,
    "machine": machine,
}
