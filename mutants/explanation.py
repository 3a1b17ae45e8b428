"""Bugs in the explanation that would print plausible numbers."""

from mutants.catalogue import Mutant

SOFTMAX = "src/neglog/trace/softmax"
FLOATS, EXACT = f"{SOFTMAX}/floats.py", f"{SOFTMAX}/exact.py"
TEXTBOOK, ROW = f"{SOFTMAX}/textbook.py", f"{SOFTMAX}/row.py"
LIKELIHOOD = "src/neglog/trace/likelihood/likelihood.py"

EXPLANATION = (
    Mutant(
        "trace: a type without subnormal numbers",
        FLOATS,
        "np.maximum(np.frexp(x)[1], self.lowest + 1)",
        "np.frexp(x)[1]",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: ties rounded up",
        FLOATS,
        "np.rint(x / unit)",
        "np.floor(x / unit + 0.5)",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: a lost loss is not flagged",
        FLOATS,
        'return "cancel" if error > 2.0 ** (-kind.bits / 2) else ""',
        'return "cancel" if error > 1.0 else ""',
        ("explain/test_explain",),
    ),
    Mutant(
        "trace: exact numbers that forget 1 + x",
        EXACT,
        "work.prec += max(0, -x.adjusted())",
        "pass",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: the maximum's complement by subtraction",
        EXACT,
        "others = [rest if j == top else sum_ - x for j, x in enumerate(powers)]",
        "others = [sum_ - x for x in powers]",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: the gradient without the temperature",
        EXACT,
        "(-complement[j] if j == target else p) / t",
        "(-complement[j] if j == target else p)",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: the stable code better than it is",
        TEXTBOOK,
        "nll = r(r(log_sum + top) - z[target])",
        "nll = r(log_sum - below[target])",
        ("explain/test_columns",),
    ),
    Mutant(
        "trace: method 2 counts the target twice",
        TEXTBOOK,
        "others = -kind.round(np.log(kind.round(1 - np.delete(prob, target))))",
        "others = -kind.round(np.log(kind.round(1 - prob)))",
        ("explain/test_explain",),
    ),
    Mutant(
        "trace: a nan among many classes is not shown",
        ROW,
        "np.where(np.isnan(row.given), np.inf, row.given)",
        "np.asarray(row.given)",
        ("explain/test_explain",),
    ),
    Mutant(
        "trace: an impossible point called underflow",
        LIKELIHOOD,
        "int(zero[0]) + 1 if lost else None",
        "int(zero[0]) + 1 if zero.size else None",
        ("explain/test_likelihood",),
    ),
    Mutant(
        "trace: the sample's deviation for the likeliest",
        LIKELIHOOD,
        "float(points.std())",
        "float(points.std(ddof=1)) if len(points) > 1 else 0.0",
        ("explain/test_likelihood",),
    ),
)
