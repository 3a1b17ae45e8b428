"""The CPU engine: rows of logits in, one number per row and a gradient out."""

from .panels import Panels, new_states
from .rows import (
    Array,
    RowResults,
    binary,
    input_kind,
    keeps_states,
    reads_class_major,
    run_rows,
    scan_targets,
    sigmoid,
    softmax,
)
from .threads import CpuInfo, callers_threads, cpu_info, is_shared, set_num_threads

__all__ = [
    "Array",
    "CpuInfo",
    "Panels",
    "RowResults",
    "binary",
    "callers_threads",
    "cpu_info",
    "input_kind",
    "is_shared",
    "keeps_states",
    "new_states",
    "reads_class_major",
    "run_rows",
    "scan_targets",
    "set_num_threads",
    "sigmoid",
    "softmax",
]
