"""Bugs in the linear head: what a chunk at a time invites."""

from mutants.catalogue import Mutant

HEAD, NUMPY = "src/neglog/_head.py", "src/neglog/_numpy/_linear.py"
CHUNKS, NODE = "src/neglog/torch/_chunks.py", "src/neglog/torch/_head.py"

LINEAR = (
    Mutant(
        "head: the last rows are forgotten",
        HEAD,
        "count = -(-n // most)",
        "count = n // most",
        ("test_linear",),
    ),
    Mutant(
        "head: a chunk's gradient in place of the sum",
        NUMPY,
        "out[block] += product",
        "out[block] = product",
        ("test_linear",),
    ),
    Mutant(
        "head: rows of weight 0 reach the products",
        NUMPY,
        "return None if used.all() else np.flatnonzero(used)",
        "return None",
        ("test_linear",),
    ),
    Mutant(
        "head: probabilities of the first chunk for all",
        "src/neglog/_numpy/_task.py",
        '"square_coef", "temperature", "probs")',
        '"square_coef", "temperature")',
        ("test_linear",),
    ),
    Mutant(
        "head: half gradients added up as halves",
        "src/neglog/_numpy/head.py",
        "dclasses = np.zeros(layer.classes.shape, layer.dtype)",
        "dclasses = np.zeros(layer.classes.shape, layer.classes.dtype)",
        ("test_linear",),
    ),
    Mutant(
        "head: torch's rows of weight 0 reach the products",
        CHUNKS,
        "return None if some.all() else some.nonzero().squeeze(1)",
        "return None",
        ("test_torch_linear",),
    ),
    Mutant(
        "head: a gradient for another upstream",
        NODE,
        "if prepared is None or met != ctx.upstream:",
        "if prepared is None:",
        ("test_torch_linear_graph",),
    ),
)
