"""The bugs. Each was made by somebody, in a released library or in a first draft."""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str  # stands exactly once in the file
    new: str
    tests: tuple[str, ...] = ()  # the files to run first


TASK, ARRAYS = "src/neglog/_numpy/_task.py", "src/neglog/_numpy/_arrays.py"
LAYER, LOSSES = "src/neglog/_numpy/layer.py", "src/neglog/_numpy/losses.py"

PYTHON = (
    Mutant(
        "ignored rows counted in the mean",
        TASK,
        "float(n if full is None else np.add.reduce(full))",
        "float(n if weight is None else np.add.reduce(full))",
    ),
    Mutant(
        "class weights outside of the denominator",
        TASK,
        "float(n if full is None else np.add.reduce(full))",
        "float(n if caller is None else np.add.reduce(caller))",
    ),
    Mutant(
        "smoothing spread over V - 1 classes",
        TASK,
        "(ones * (smoothing / num_classes))",
        "(ones * (smoothing / max(num_classes - 1, 1)))",
    ),
    Mutant("z-loss times the class weight", TASK, "    return caller\n", "    return full\n"),
    Mutant(
        "0 / 0 when every row is ignored",
        TASK,
        'if reduction == "mean" and not task.total:',
        "if False:",
    ),
    Mutant(
        "probability targets divided by their sum",
        TASK,
        "task.total = float(n if row_weight is None else np.add.reduce(row_weight))",
        "task.total = float(probs.sum())",
    ),
    Mutant(
        "the loss summed in the input's dtype",
        TASK,
        "total = float(np.add.reduce(losses))",
        "total = float(np.add.reduce(losses.astype(self.logits.dtype)))",
    ),
    Mutant(
        "the loss clipped at -log(eps)",
        TASK,
        "losses: Any = result.nll",
        "losses: Any = None if result.nll is None else np.minimum(result.nll, 36.04)",
    ),
    Mutant(
        "a large unsigned target wraps around",
        ARRAYS,
        "np.where(flat > np.uint64(2**63 - 1), outside, flat.astype(_INT64))",
        "flat.astype(_INT64)",
    ),
    Mutant(
        "the gradient's axes transposed",
        ARRAYS,
        "np.moveaxis(rows.reshape(moved), -1, axis)",
        "np.moveaxis(rows.reshape(moved), axis, -1)",
    ),
    Mutant(
        "0 * nan of a row that does not count",
        ARRAYS,
        "np.multiply(coef, values, where=coef != 0, out=np.zeros_like(values))",
        "coef * values",
    ),
    Mutant(
        "the caller's logits overwritten",
        LOSSES,
        "grad = np.empty(task.logits.shape, task.logits.dtype)",
        "grad = task.logits",
    ),
    Mutant(
        "the first target is kept and used again",
        LAYER,
        "loss, self._gradient = cross_entropy_and_grad(logits, target)",
        'self.first = getattr(self, "first", target)\n'
        "        loss, self._gradient = cross_entropy_and_grad(logits, self.first)",
    ),
    Mutant(
        "the upstream gradient forgotten",
        LAYER,
        'wide * as_number("dout", dout)',
        'wide * (as_number("dout", dout) != 0)',
    ),
)

KERNELS = (
    Mutant(
        "log(1 + x) for log1p(x)",
        "kernels/finish.hpp",
        "log1p(others, inverse)",
        "log1p(1 + others - 1, inverse)",
    ),
    Mutant(
        "p - 1 at the target",
        "kernels/finish.hpp",
        "? -a * rest : a * p",
        "? a * (p - 1) : a * p",
    ),
    Mutant(
        "lse - z_y",
        "kernels/finish.hpp",
        "(y < 0) ? nan : log_sum + gap",
        "(y < 0) ? nan : (gap == 0) ? log_sum : lse - load(r.target_logit + i) * it",
    ),
    Mutant(
        "no shift by the maximum",
        "kernels/reduce.hpp",
        "power = power_of<C>(M & kScaled ? max * inverse_high : max);",
        "power = splat(ExpTable<C>::magic);",
    ),
    Mutant(
        "the rounding error of z - max dropped",
        "kernels/math.hpp",
        "return {high, (a - a_back) + (b_back - b)};",
        "return {high, 0 * ((a - a_back) + (b_back - b))};",
    ),
    Mutant(
        "float32 rows summed in float32",
        "kernels/reduce.hpp",
        "low_ += wide.low;",
        "low_ += wide.low, low_ = (low_ + 0x1p29 * low_) - 0x1p29 * low_;",
    ),
    Mutant(
        "float64 rows summed without compensation",
        "kernels/reduce.hpp",
        "lost_ += (sum_ - (sum - back)) + (v - back);",
        "",
    ),
    Mutant(
        "one coefficient for all rows",
        "kernels/finish.hpp",
        "coefficient(job.nll_coef, row, i, count, job.target ? 1 : 0)",
        "(job.nll_coef ? splat(*job.nll_coef) : splat(job.target ? 1.0 : 0.0))",
    ),
    Mutant(
        "a negative target wraps around",
        "kernels/table.hpp",
        "(v < 0 || static_cast<int64_t>(v) >= classes)",
        "(v < -classes || static_cast<int64_t>(v) >= classes)",
    ),
    Mutant(
        "the row's stride ignored",
        "kernels/finish.hpp",
        "row * job.logits_stride",
        "row * job.classes",
    ),
    Mutant(
        "softcap lifts -inf padding",
        "kernels/softcap.hpp",
        "(v == splat(-kInfinity)) ? v : t.value * softcap",
        "t.value * softcap",
    ),
    Mutant(
        "half of the z-loss's gradient",
        "kernels/finish.hpp",
        "unless_zero(coef, 2 * coef * lse * scale)",
        "unless_zero(coef, coef * lse * scale)",
    ),
    Mutant(
        "the gradient for the tempered logits",
        "kernels/finish.hpp",
        "scale = load(r.inverse_t + i) * job.scale,",
        "scale = splat(job.scale),",
    ),
)

MUTANTS: tuple[Mutant, ...] = PYTHON + KERNELS
