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
    shape: tuple[int, ...] | None  # None: every other shape of the benchmark
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


# The linear head. Hidden states x width x classes.
HEAD_SHAPE = (2048, 768, 50304)
PEAKED_SHAPE = (2048, 576, 49152)  # of SmolLM2's head, and of the generated one in its place


class PartLimit(NamedTuple):
    """Our time, in parts of the time of what it is held against, in one run of one process."""

    face: str
    what: str  # as in bench/head.py
    of: str  # "products": those that it needs, in the face's library, into places that lie ready
    at_most: float
    sentence: str
    dtype: str = "float32"


HEAD_PARTS = (
    *(
        PartLimit(face, what, of, at_most, sentence)
        for face in ("neglog.torch", "neglog")
        for what, of, at_most, sentence in (
            ("loss + gradients", "products", 1.05, "One pass, over logits in the cache."),
            ("loss", "products", 1.05, "One product, and one pass."),
            ("row_stats", "products", 1.05, "All numbers of a row come in one pass."),
            ("half of the rows ignored", "all rows", 0.55, "They cost no product."),
        )
    ),
    PartLimit(
        "neglog.torch", "loss + gradients", "products", 1.15, "Products are short.", "bfloat16"
    ),
)

HEAD_SPEED = (
    SpeedLimit(
        "loss + gradients", "torch eager", HEAD_SHAPE, 1.2, "It keeps and reads all logits."
    ),
    SpeedLimit("loss + gradients", "torch.compile", HEAD_SHAPE, 1.25, "So does its compiled form."),
    SpeedLimit("loss + gradients", "torch chunked", HEAD_SHAPE, 3, "Its chunks are narrow."),
    SpeedLimit(
        "loss + gradients", "torch chunked", HEAD_SHAPE, 30, "Not made for a CPU.", "bfloat16"
    ),
)


class ToleranceLimit(NamedTuple):
    """Promised of a real head, float32: what is left out depends on how peaked its softmax is."""

    what: str  # as in bench/head.py
    tolerance: float
    at_most: float  # our time, in parts of that of the three products
    hidden: float  # norm of the gradient's error, in norms of the exact gradient
    classes: float
    sentence: str


HEAD_TOLERANCES = (
    ToleranceLimit(
        "grad_tolerance=1e-5", 1e-5, 0.55, 2.5e-3, 7e-4, "One product in three, and 2 % of two."
    ),
    ToleranceLimit("grad_tolerance=2**-12", 2**-12, 0.45, 1.6e-2, 6e-3, "0.3 % of two products."),
)


class HeadMemoryLimit(NamedTuple):
    """Peak memory above arguments and gradients, float32."""

    faces: tuple[str, ...]
    shapes: tuple[tuple[int, int, int], ...]  # the others are measured at the first
    logits: int  # bytes of a chunk of logits; one row of them more is allowed
    slack: int  # bytes
    part: float  # of what torch eager needs, at most
    sentence: str

    def bytes_for(self, num_classes: int) -> int:
        return self.logits + 4 * num_classes + self.slack


HEAD_MEMORY = HeadMemoryLimit(
    ("neglog.torch", "neglog"),
    ((16384, 576, 49152), (16384, 64, 131072)),
    64 * 2**20,
    2 * 2**20,
    1 / 8,
    "A chunk of logits. The slack is for pages of Python, of threads and of their allocator.",
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
