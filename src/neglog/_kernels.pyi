"""The kernels (kernels/python). Arrays are read by the buffer protocol, never converted."""

from typing import Any

few_classes: int
least_shared: int  # work on fewer elements stays on the calling thread
state_numbers: int  # in the state of a row

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
    output: int,
    states: Any = None,
) -> None: ...
def clear_states(states: Any) -> None: ...
def reduce_panel(
    dtype: int,
    states: Any,
    logits: Any,
    first: int,
    classes: int,
    problem: tuple[Any, ...],
    results: tuple[Any, ...],
) -> None: ...
def merge_states(states: Any, others: Any, temperature: Any) -> None: ...
def finish_states(
    dtype: int,
    states: Any,
    classes: int,
    problem: tuple[Any, ...],
    results: tuple[Any, ...],
) -> None: ...
def write_panel(
    dtype: int,
    states: Any,
    logits: Any,
    first: int,
    classes: int,
    problem: tuple[Any, ...],
    scale: float,
    out: Any = None,
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
def moments(x: Any, weight: Any, per: Any, group: Any, sums: Any) -> None: ...
def curvature(dtype: int, p: Any, u: Any, share: Any) -> None: ...
def batch_gradient(
    table: Any, dense: int, ones: int, places: Any, weights: Any, gradient: Any
) -> float: ...
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
def scores(
    dtype: int,
    logits: Any,
    target: Any,
    weight: Any,
    rank: Any,
    one_vs_rest: Any,
    tempered: Any,
    class_sums: Any,
    from_nll: Any,
    unlikely: Any,
    curves: Any,
) -> int: ...
def supported() -> list[str]: ...
def choose(instruction_set: str) -> None: ...
def chosen() -> str: ...
def num_threads() -> int: ...

# Numbers of threads: 0 is none, and what was there before is returned.
def set_num_threads(n: int) -> int: ...
def set_callers_threads(n: int) -> int: ...  # of the calling thread alone
def set_initial_threads(n: int, cpu_quota: int) -> None: ...
