"""What is promised and what is aimed at: tests and benchmark read it, it stands nowhere else."""

from types import MappingProxyType
from typing import NamedTuple


class UlpLimits(NamedTuple):
    """Worst error in units in the last place (ulp), over the hard rows of cases.py and any others.

    On 10^7 rows of ten classes, normal with a deviation of 3, the worst seen in float32 were 1.94
    for the nll, 2.12 for log-probabilities and 3.00 for the gradient.
    """

    nll: float  # also lse, entropy and log-probabilities; ulp of the result's dtype
    grad: float  # also probabilities; ulp of the logits' dtype, entries above the smallest normal
    sentence: str


ULPS = MappingProxyType(
    {
        "float64": UlpLimits(3, 8, "float64 has no wider type to lean on: sums are compensated."),
        "float32": UlpLimits(2.25, 4, "The rounding error of z - max is kept, and sums are wider."),
        "float16": UlpLimits(
            2.25, 0.51, "Read as float32; the loss is float32, the gradient rounded once."
        ),
        "bfloat16": UlpLimits(
            2.25, 0.51, "Read as float32; the loss is float32, the gradient rounded once."
        ),
    }
)

# exp and log1p as the kernels use them, over all float32 and where float64 changes its way, for
# arguments up to 65536 from 0: `make exhaustive`.  Seen with AVX2 and fused operations: 1.10 for
# exp in float32, 1.17 with a temperature, 1.05 in float64, and 0.74 for log1p.
SCALAR_ULPS = MappingProxyType(
    {
        "exp_float32": 1.25,
        "exp_float32_scaled": 1.25,
        "exp_float32_breaks": 1.25,
        "exp_float64": 1.25,
        "exp_float64_scaled": 1.25,
        "log1p": 1.0,
    }
)

# The dtype in which losses and statistics come back.
RESULT_DTYPE = MappingProxyType(
    {"float64": "float64", "float32": "float32", "float16": "float32", "bfloat16": "float32"}
)


# ---- promises and goals of speed
#
# A promise is kept by every run: `make bench` ends with 1 where one is broken. A goal is what the
# machine allows; the benchmark says how far off we are. Both are stated against limits of the
# machine, a memory copy and the bare matrix products. Other libraries are reported, not promised.

# Rows x classes as in the benchmark.
SMALL_CALL = (32, 10)
SMALL_V = (65536, 10)
SHAPES = (SMALL_V, (16384, 1000), (2048, 32768), (1024, 131072))
COMPILED_STEP = (2048, 32768)  # hidden @ classes.T -> loss -> backward, in torch.compile


class CopyLimit(NamedTuple):
    """Speed of forward + gradient into `out=`, float32, as a fraction of memcpy speed.

    That is: bytes of logits read and gradient written over our time, by the same for a copy of an
    array of that size by as many threads. A copy is no lower bound: where the output stays in the
    cache, or stores go past it, the fraction may be above 1.
    """

    least_classes: int  # the limit with the most of them that a shape has is the one that counts
    at_least: float
    sentence: str


COPY_PROMISES = (
    CopyLimit(1000, 0.70, "Long rows: one pass over memory, and the exponentials keep up with it."),
    CopyLimit(10, 0.30, "Ten classes: the arithmetic of each row takes longer than its memory."),
)
COPY_GOALS = (
    CopyLimit(1000, 0.95, "Long rows: the gradient takes as long as copying the logits."),
)

# The linear head. Hidden states x width x classes.
HEAD_SHAPE = (2048, 768, 50304)
PEAKED_SHAPE = (2048, 576, 49152)  # of SmolLM2's head, and of the generated one in its place
# bfloat16 where a CPU has no arithmetic for it: a product of HEAD_SHAPE would take minutes.
SLOW_HEAD_SHAPE = (256, 256, 8192)
FACES = ("neglog.torch", "neglog")


class PartLimit(NamedTuple):
    """Our time, as a part of the time of what it is compared with, in the same run."""

    face: str
    what: str  # as in bench/head/
    of: str  # "products": those that it needs, in the face's library, into memory that is there
    at_most: float
    sentence: str
    dtype: str = "float32"


def _both_faces(what: str, of: str, at_most: float, sentence: str) -> tuple[PartLimit, ...]:
    return tuple(PartLimit(face, what, of, at_most, sentence) for face in FACES)


HEAD_PROMISES = (
    *_both_faces(
        "loss + gradients", "products", 1.5, "The loss and the chunks add half of the products."
    ),
    *_both_faces("loss", "products", 1.4, "One product, and one pass over its logits."),
    *_both_faces("row_stats", "products", 1.4, "All numbers of a row come from the same pass."),
    *_both_faces("half of the rows ignored", "all rows", 0.75, "Ignored rows have no product."),
    PartLimit(
        "neglog.torch",
        "loss + gradients",
        "products",
        2.2,
        "Products in bfloat16 may be short; the rest is not.",
        "bfloat16",
    ),
)
HEAD_GOALS = (
    PartLimit(
        "neglog.torch", "loss + gradients", "products", 1.08, "Logits are still in the cache."
    ),
    PartLimit(
        "neglog", "loss + gradients", "products", 1.10, "The same; OpenBLAS wants longer chunks."
    ),
    PartLimit(
        "neglog.torch",
        "loss + gradients",
        "products",
        1.10,
        "No float32 copy of the gradient with respect to the classes.",
        "bfloat16",
    ),
    *_both_faces("loss", "products", 1.05, "The pass over a panel costs little."),
    *_both_faces("row_stats", "products", 1.05, "All numbers of a row come from the same pass."),
    *_both_faces("half of the rows ignored", "all rows", 0.55, "Half of the work, and a sort."),
    *_both_faces("grad_tolerance=1e-5", "products", 0.55, "One product in three, 2 % of two."),
    *_both_faces("grad_tolerance=2**-12", "products", 0.45, "One product, 0.3 % of two."),
)


# Steps of rows and of the head whose upstream gradient changes: the sum of the losses over the
# number of tokens. In parts of the time of a step with a constant one.
CHANGING_ROWS = (2048, 8192)
CHANGING_DTYPES = ("float32", "bfloat16")
CHANGING_HEAD = (1024, 256, 16384)


class ChangingLimit(NamedTuple):
    """Our time, as a part of that with a constant upstream gradient, in the same run."""

    shape: tuple[int, ...]
    at_most: float
    sentence: str


CHANGING_GOALS = (
    ChangingLimit(CHANGING_ROWS, 1.5, "The loss, and one more pass over the logits."),
    ChangingLimit(CHANGING_HEAD, 1.1, "The sums of the gradients are scaled, not made again."),
)


class ToleranceLimit(NamedTuple):
    """Promised of a real head, float32: the error depends on how peaked its softmax is."""

    what: str  # as in bench/head/
    tolerance: float
    hidden: float  # norm of the gradient's error, in norms of the exact gradient
    classes: float
    sentence: str


HEAD_TOLERANCES = (
    ToleranceLimit("grad_tolerance=1e-5", 1e-5, 2.5e-3, 7e-4, "2 % of the entries are kept."),
    ToleranceLimit("grad_tolerance=2**-12", 2**-12, 1.6e-2, 6e-3, "0.3 % of them are kept."),
)


# ---- promises of memory


class MemoryLimit(NamedTuple):
    """Peak memory above the logits, in arrays of their size."""

    shape: tuple[int, int]  # float32
    at_most: float
    sentence: str


TORCH_MEMORY = MemoryLimit(
    (2048, 32768), 1.05, "forward + backward: the gradient, and a few numbers per row."
)


class HeadMemoryLimit(NamedTuple):
    """Peak memory above arguments and gradients, float32."""

    shapes: tuple[tuple[int, int, int], ...]
    logits: int  # bytes of a chunk of logits, or those of the classes where these are more
    slack: int  # bytes
    sentence: str

    def bytes_for(self, shape: tuple[int, int, int]) -> int:
        """One row of logits more than a chunk is allowed."""
        _, width, num_classes = shape
        return max(self.logits, 4 * num_classes * width) + 4 * num_classes + self.slack


HEAD_MEMORY = HeadMemoryLimit(
    ((16384, 576, 49152), (16384, 64, 131072)),
    64 * 2**20,
    2 * 2**20,
    "A chunk of logits. The slack is for pages of Python, of threads and of their allocator.",
)


# ---- promises of the command, the page and the tutorial


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
