"""Bugs in the linear head: what a chunk at a time invites."""

from mutants.catalogue import Mutant

HEAD, ARGUMENTS = "src/neglog/_head/chunks.py", "src/neglog/_numpy/_arguments.py"
PRODUCTS, REMAINDER = "src/neglog/_numpy/_head_products.py", "src/neglog/_head/remainder.py"
COMPRESS, PANELS = "kernels/sparse/compress.hpp", "kernels/rows/panels.hpp"
ROWS, NODE = "src/neglog/torch/_engines/head_rows.py", "src/neglog/torch/_autograd/head.py"
COMPOSED = "src/neglog/torch/_engines/head_composed.py"

LINEAR = (
    Mutant(
        "head: the last rows are forgotten",
        HEAD,
        "count = -(-n // most)",
        "count = n // most",
        ("head/test_linear",),
    ),
    Mutant(
        "head: a chunk's gradient in place of the sum",
        PRODUCTS,
        "out[block] += product",
        "out[block] = product",
        ("head/test_linear",),
    ),
    Mutant(
        "head: rows of weight 0 reach the products",
        ARGUMENTS,
        "return None if used is None or used.all() else np.flatnonzero(used)",
        "return None",
        ("head/test_linear",),
    ),
    Mutant(
        "head: probabilities of the first chunk for all",
        ARGUMENTS,
        '"square_coef", "temperature", "probs")',
        '"square_coef", "temperature")',
        ("head/test_linear",),
    ),
    Mutant(
        "head: half gradients added up as halves",
        "src/neglog/_numpy/linear.py",
        "dclasses = np.zeros(head.classes.shape, head.dtype)",
        "dclasses = np.zeros(head.classes.shape, head.classes.dtype)",
        ("head/test_linear",),
    ),
    Mutant(
        "head: torch's rows of weight 0 reach the products",
        ROWS,
        "return None if some is None or some.all() else some.nonzero().squeeze(1)",
        "return None",
        ("torch_face/head/test_linear",),
    ),
    Mutant(
        "head: a gradient for another upstream",
        NODE,
        "finished(sums, arguments[0], factor)",
        "finished(sums, arguments[0], 1.0)",
        ("torch_face/head/test_linear_upstream",),
    ),
    Mutant(
        "head: skipped rows reach the gradients of another device",
        COMPOSED,
        "hidden = hidden.masked_fill(keep.logical_not().unsqueeze(1), 0.0)",
        "pass",
        ("torch_face/head/test_linear_elsewhere",),
    ),
    Mutant(
        "head: float16 without its power of two on another device",
        COMPOSED,
        "if dtype == torch.float16:",
        "if False:",
        ("torch_face/head/test_linear_elsewhere",),
    ),
    Mutant(
        "head: all logits on another device",
        COMPOSED,
        "most = chunk_of(num_classes, hidden.dtype.itemsize, arguments.memory)",
        "most = len(hidden)",
        ("torch_face/head/test_linear_elsewhere",),
    ),
    Mutant(
        "head: one remainder for both signs of what is left out",
        REMAINDER,
        "np.tile([[1.0], [-1.0]], (len(by_row) // 2, 1))",
        "np.tile([[1.0], [1.0]], (len(by_row) // 2, 1))",
        ("head/test_tolerance",),
    ),
    Mutant(
        "head: entries at the tolerance of the first row",
        REMAINDER,
        "limits = self._tolerance * self._weights[which]",
        "limits = self._tolerance * self._weights[which[:1].repeat(len(which))]",
        ("head/test_tolerance",),
    ),
    Mutant(
        "head: what waits for a sparse product is forgotten at the end",
        REMAINDER,
        "        self._multiply()\n        by_row",
        "        by_row",
        ("head/test_tolerance",),
    ),
    Mutant(
        "head: a hundredth of the bound",
        "src/neglog/_head/info.py",
        "bound = 2 * factor",
        "bound = 0.02 * factor",
        ("head/test_tolerance",),
    ),
    Mutant(
        "head: the dense way leaves out what the sparse one would",
        REMAINDER,
        "            self._kept += array.size\n            return False",
        "            self._kept += array.size\n            return True",
        ("head/test_tolerance",),
    ),
    Mutant(
        "head: large entries below 0 left out",
        COMPRESS,
        "small = magnitude<C>(v) <= limit;",
        "small = v <= limit;",
        ("engine/test_sparse",),
    ),
    Mutant(
        "head: a maximum of a former panel forgotten",
        PANELS,
        "merge_into(panel.states[row + i], next, it);",
        "panel.states[row + i] = next;",
        ("engine/test_panels", "head/test_linear"),
    ),
    Mutant(
        "head: a target in the last class of a panel missed",
        PANELS,
        "if (0 <= y && y < panel.width)",
        "if (0 <= y && y < panel.width - 1)",
        ("engine/test_panels", "head/test_linear"),
    ),
    Mutant(
        "head: of two equal maxima the one that came last",
        PANELS,
        "const bool ordered = a.arg <= b.arg;",
        "const bool ordered = a.arg > b.arg;",
        ("engine/test_panels",),
    ),
    Mutant(
        "head: the maximum of a row written into each panel",
        PANELS,
        "r.arg[i] -= panel.first;",
        "r.arg[i] -= r.arg[i] < panel.width ? 0 : panel.first;",
        ("engine/test_panels",),
    ),
)
