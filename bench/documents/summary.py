"""The one table of the README: neglog beside torch, where it wins and where it loses."""

from typing import Any

import budgets

from bench.cases import size
from bench.documents.table import grid
from bench.documents.words import Words
from bench.lookup import Run, amount, duration, find, mebibytes
from bench.training import HEAD, LLAMA, PATCHED, TINY, TORCH

LARGE = budgets.TORCH_MEMORY.shape
LOSSES = (budgets.SMALL_CALL, budgets.SMALL_V, LARGE)
STEPS = ((TINY, "float32"), (LLAMA, "float32"), (LLAMA, "bfloat16"))


def summary(run: Run, words: Words) -> str:
    of_loss, of_head, of_step = words.summary_rows
    body = [[of_loss.format(size(shape)), *loss(run, shape, words)] for shape in LOSSES]
    body.append([of_head.format(size(budgets.HEAD_SHAPE)), *head(run, words)])
    for model, dtype in STEPS:
        name, *cells = step(run, model, dtype, words)
        body.append([of_step.format(name), *cells])
    where = words.short_machine.format(**run["machine"], torch=run["versions"]["torch"])
    return grid([*words.summary], body) + f"\n\n{where}"


def pair(theirs: str | None, mine: str | None, words: Words) -> str:
    return words.absent if None in (theirs, mine) else f"{theirs} / {mine}"


def loss(run: Run, shape: tuple[int, ...], words: Words) -> list[str]:
    try:
        seconds = find(run["rows"], "forward + backward", shape)["seconds"]
    except LookupError:
        return [words.absent] * 5
    taken, ulp = arrays(run) if shape == LARGE else {}, run["ulp"]["float32"]
    names = "torch eager", "neglog.torch"
    return [
        *(duration(seconds[name]) for name in names),
        words.absent,
        pair(*map(taken.get, names), words),
        pair(*(amount(float(ulp[name]["nll"])) for name in names), words),
    ]


def arrays(run: Run) -> dict[str, str]:
    """Peak memory above the logits, of a loss and its gradient."""
    array = 4 * LARGE[0] * LARGE[1]
    found = run.get("memory", {"arrays": {}})["arrays"]
    return {name: mebibytes(count * array) for name, count in found.items()}


def head(run: Run, words: Words) -> list[str]:
    try:
        row = find(run["head"]["rows"], "loss + gradients", budgets.HEAD_SHAPE, by="neglog.torch")
    except LookupError:
        return [words.absent] * 5
    mine = row["seconds"]["neglog.torch"]
    memories = {tuple(each["shape"]): each["bytes"] for each in run["head"]["memory"]}
    taken = memories.get(budgets.HEAD_SHAPE, {})
    names = "torch eager", "neglog.torch"
    return [
        duration(row["seconds"]["torch eager"]),
        words.absent,
        duration(mine),
        pair(*(mebibytes(taken[name]) if name in taken else None for name in names), words),
        words.absent,
    ]


def step(run: Run, model: str, dtype: str, words: Words) -> list[str]:
    """The memory and the error are those of the head, which a new training loop would use."""
    name = words.models[model] + ("" if dtype == "float32" else f", {dtype}")
    try:
        row: dict[str, Any] = find(run.get("training", []), model, dtype=dtype)
    except LookupError:
        return [name] + [words.absent] * 5
    taken, names = row["bytes"], (TORCH, HEAD)
    return [
        f"{name}, {size(row['shape'][:2])}",
        *(duration(row["seconds"][route]) for route in (TORCH, PATCHED, HEAD)),
        pair(*(mebibytes(taken[each]) if each in taken else None for each in names), words),
        pair(*(amount(row["ulp"][each]) for each in names), words),
    ]
