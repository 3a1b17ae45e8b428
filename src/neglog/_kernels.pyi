"""The kernels (kernels/module.cpp). Arrays are read by the buffer protocol, never converted."""

from typing import Any

few_classes: int

def rows(
    dtype: int,
    logits: Any,
    target: Any,
    probs: Any,
    nll_coef: Any,
    dense_coef: Any,
    lse_coef: Any,
    square_coef: Any,
    entropy_coef: Any,
    scale: float,
    temperature: Any,
    softcap: float,
    nll: Any,
    dense: Any,
    lse: Any,
    entropy: Any,
    argmax: Any,
    out: Any,
    emit: int,
) -> None: ...
def sweep(
    dtype: int,
    logits: Any,
    first: int,
    classes: int,
    known: Any,
    target_logit: Any,
    target: Any,
    probs: Any,
    temperature: Any,
    nll: Any,
    dense: Any,
    lse: Any,
    entropy: Any,
    argmax: Any,
) -> None: ...
def binary(
    dtype: int,
    logits: Any,
    target: Any,
    pos_weight: Any,
    scale: float,
    nll: Any,
    out: Any,
    log: bool,
) -> None: ...
def scan_targets(target: Any, classes: int, ignore_index: int) -> tuple[int, int]: ...
def input_kind(dtype: int, logits: Any) -> int: ...

class Entries:
    """What `compress` keeps; opaque."""

    @property
    def count(self) -> int: ...

def compress(
    dtype: int, grad: Any, threshold: Any, row_sums: Any, class_sums: Any, capacity: int
) -> Entries | None: ...
def add_times_classes(dtype: int, entries: list[Entries], classes: Any, out: Any) -> None: ...
def add_times_hidden(dtype: int, entries: list[Entries], hidden: Any, out: Any) -> None: ...
def supported() -> list[str]: ...
def choose(instruction_set: str) -> None: ...
def chosen() -> str: ...
def num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
