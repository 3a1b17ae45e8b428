"""The one table of what is promised: the tests hold it, the benchmark and the docs print it."""

from types import MappingProxyType
from typing import NamedTuple


class UlpLimits(NamedTuple):
    """Worst error over the hard rows of cases.py, in units in the last place (ulp)."""

    nll: float  # also lse, entropy and log-probabilities; ulp of the result's dtype
    grad: float  # also probabilities; ulp of the logits' dtype, entries above the smallest normal
    sentence: str


ULPS = MappingProxyType(
    {
        "float64": UlpLimits(3, 8, "float64 has no wider type to lean on: sums are compensated."),
        "float32": UlpLimits(2, 4, "The rounding error of z - max is kept, and sums are wider."),
        "float16": UlpLimits(
            2, 0.51, "Read as float32; the loss is float32, the gradient rounded once."
        ),
        "bfloat16": UlpLimits(
            2, 0.51, "Read as float32; the loss is float32, the gradient rounded once."
        ),
    }
)

# The dtype in which losses and statistics come back.
RESULT_DTYPE = MappingProxyType(
    {"float64": "float64", "float32": "float32", "float16": "float32", "bfloat16": "float32"}
)


class SpeedLimit(NamedTuple):
    """`ours` must be at least `at_least` times as fast as `peer`, in one run of one process."""

    what: str  # "forward + gradient", "forward", "out="; in torch "forward + backward"
    peer: str
    shape: tuple[int, int] | None  # None: every other shape of the benchmark
    at_least: float
    sentence: str
    dtype: str = "float32"


# Two cores with AVX-512, float32. Rows x classes as in the benchmark.
SMALL_V = (65536, 10)
SHAPES = (SMALL_V, (16384, 1000), (2048, 32768), (1024, 131072))
SMALL_CALL = (32, 10)

SPEED = (
    SpeedLimit("forward + gradient", "torch eager", SMALL_V, 8, "Ten classes: one vector a row."),
    SpeedLimit(
        "forward + gradient", "torch eager", None, 10, "It makes several passes, we one or two."
    ),
    SpeedLimit("forward + gradient", "torch.compile", SMALL_V, 1, "Its loops are fused too."),
    SpeedLimit("forward + gradient", "torch.compile", None, 4, "Long rows leave its cache."),
    SpeedLimit("forward + gradient", "JAX jit", SMALL_V, 1.5, "XLA fuses, but in three loops."),
    SpeedLimit("forward + gradient", "JAX jit", None, 4, "Long rows leave its cache."),
    SpeedLimit("forward", "torch eager", None, 8, "Every shape: it stores all log-probabilities."),
    SpeedLimit("forward", "JAX jit", None, 2, "Every shape: we read the logits once."),
    SpeedLimit("call", "torch eager", SMALL_CALL, 1, "A small call costs no more than torch's."),
)

# The PyTorch face: z.grad = None; cross_entropy(z, y).backward().
COMPILED_STEP = (2048, 32768)  # hidden @ classes.T -> loss -> backward, in torch.compile

TORCH_SPEED = (
    SpeedLimit("forward + backward", "torch eager", SMALL_V, 8, "Ten classes: one vector a row."),
    SpeedLimit("forward + backward", "torch eager", None, 10, "One pass gives both."),
    *(
        SpeedLimit("forward + backward", "torch eager", shape, 10, "Rounded once.", "bfloat16")
        for shape in SHAPES[1:]
    ),
    SpeedLimit("forward + backward", "torch.compile", SMALL_V, 1, "Its loops are fused, too."),
    SpeedLimit("forward + backward", "torch.compile", None, 3.5, "Long rows leave its cache."),
    SpeedLimit(
        "forward + backward", "torch eager", SMALL_CALL, 1 / 1.2, "A node in Python has its price."
    ),
    SpeedLimit(
        "loss in a compiled step", "torch.compile", COMPILED_STEP, 3, "Two passes: one each way."
    ),
)


class MemoryLimit(NamedTuple):
    """Peak memory above the logits, in arrays of their size."""

    shape: tuple[int, int]  # float32
    at_most: float
    sentence: str


TORCH_MEMORY = MemoryLimit(
    (2048, 32768), 1.05, "forward + backward: the gradient, and a few numbers a row."
)


class CopyPart(NamedTuple):
    """Part of the speed of a memory copy of the same size by as many threads."""

    least_classes: int
    at_least: float
    sentence: str


COPY_PART = (
    CopyPart(1000, 0.5, "Long rows: forward + gradient into out= at half a copy's speed or more."),
    CopyPart(10, 0.3, "Ten classes: the arithmetic of each row shows."),
)


class TimeLimit(NamedTuple):
    milliseconds: float
    sentence: str


IMPORT_TIME = TimeLimit(30, "`import neglog` beyond NumPy's own import.")
HELP_TIME = TimeLimit(150, "`neglog --help`, start of Python included.")

# The explanation and its page.
PAGE_BYTES = 150_000  # one file that opens without network, with a row of twelve classes
PAGE_INTERACTIVE = TimeLimit(300, "From opening the page to numbers that follow the sliders.")
PAGE_FRAME = TimeLimit(1000 / 60, "One frame while a slider moves, twelve classes.")
EXPLAIN_TIME = TimeLimit(5, "`explain` of one row.")
EXPLAIN_COMMAND_TIME = TimeLimit(400, "`neglog explain`, start of Python included.")
TUTORIAL_TIME = TimeLimit(120_000, "All code of the tutorial, in one language.")
