"""The bugs. Each was made by somebody, in a released library or in a first draft."""

from typing import NamedTuple


class Mutant(NamedTuple):
    name: str
    file: str
    old: str  # stands exactly once in the file
    new: str
    tests: tuple[str, ...]  # the files that must notice


PROBLEM, ARRAYS = "src/neglog/_problem.py", "src/neglog/_numpy/_arrays.py"
ARGUMENTS = "src/neglog/_numpy/_arguments.py"
LAYER, LOSSES = "src/neglog/_numpy/layer.py", "src/neglog/_numpy/losses.py"

PYTHON = (
    Mutant(
        "ignored rows counted in the mean",
        PROBLEM,
        "None if full is None else ops.sum(full)",
        "None if weight is None else ops.sum(full)",
        ("contract/test_catalogue",),
    ),
    Mutant(
        "class weights outside of the denominator",
        PROBLEM,
        "None if full is None else ops.sum(full)",
        "None if caller is None else ops.sum(caller)",
        ("contract/test_contract",),
    ),
    Mutant(
        "smoothing spread over V - 1 classes",
        PROBLEM,
        "smoothing / num_classes, (num_classes,)",
        "smoothing / max(num_classes - 1, 1), (num_classes,)",
        ("contract/test_contract",),
    ),
    Mutant(
        "z-loss times the class weight",
        PROBLEM,
        "_times(ops, caller, options.z_loss, shape)",
        "_times(ops, full, options.z_loss, shape)",
        ("contract/test_contract",),
    ),
    Mutant(
        "0 / 0 when every row is ignored",
        PROBLEM,
        "return ops.where(nothing, 0.0, value / ops.where(nothing, 1.0, problem.total))",
        "return value / problem.total",
        ("contract/test_contract",),
    ),
    Mutant(
        "probability targets divided by their sum",
        ARGUMENTS,
        "probs = _problem.softened(problem, ops, np.ascontiguousarray(probs), 1)",
        "probs = _problem.softened(problem, ops, np.ascontiguousarray(probs), 1)\n"
        "    problem.total = problem.probs.sum()",
        ("contract/test_contract",),
    ),
    Mutant(
        "the loss summed in the input's dtype",
        ARGUMENTS,
        "_problem.reduced(self, ops, losses)",
        "_problem.reduced(self, ops, losses.astype(self.logits.dtype))",
        ("contract/test_catalogue",),
    ),
    Mutant(
        "the loss clipped at -log(eps)",
        ARGUMENTS,
        "losses: Any = result.nll",
        "losses: Any = None if result.nll is None else np.minimum(result.nll, 36.04)",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "a large unsigned target wraps around",
        ARRAYS,
        "np.where(flat > np.uint64(2**63 - 1), outside, flat.astype(_INT64))",
        "flat.astype(_INT64)",
        ("contract/test_targets",),
    ),
    Mutant(
        "the gradient's axes transposed",
        ARRAYS,
        "np.moveaxis(rows.reshape(moved), -1, axis)",
        "np.moveaxis(rows.reshape(moved), axis, -1)",
        ("contract/test_functions",),
    ),
    Mutant(
        "0 * nan of a row that does not count",
        PROBLEM,
        "coef * ops.where((coef != 0) | ops.isfinite(values), values, 0.0)",
        "coef * values",
        ("contract/test_edges",),
    ),
    Mutant(
        "the caller's logits overwritten",
        LOSSES,
        "grad = np.empty(problem.logits.shape, problem.logits.dtype)",
        "grad = problem.logits",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "the first target is kept and used again",
        LAYER,
        "loss, self._gradient = cross_entropy_and_grad(logits, target)",
        'self.first = getattr(self, "first", target)\n'
        "        loss, self._gradient = cross_entropy_and_grad(logits, self.first)",
        ("contract/test_layer",),
    ),
    Mutant(
        "the upstream gradient forgotten",
        LAYER,
        'wide * as_number("dout", dout)',
        'wide * (as_number("dout", dout) != 0)',
        ("contract/test_layer",),
    ),
)

KERNELS = (
    Mutant(
        "the maximum's gradient by another way than its twins'",
        "kernels/rows/short_rows.hpp",
        "store(to.alone + i, alone ? arg : Indices{} - 1);",
        "store(to.alone + i, arg);",
        ("engine/test_order",),
    ),
    Mutant(
        "a part's exponentials kept where the row is far from 0",
        "kernels/rows/write.hpp",
        "!far(kept.max) && !far(r.max[i]) &&",
        "",
        ("engine/test_order",),
    ),
    Mutant(
        "scores: the rounding error of z - max dropped",
        "kernels/scores/curve.hpp",
        "exp_below<C>(x[i], d.low)",
        "exp_below<C>(x[i], Vec<C>{})",
        ("engine/test_scores",),
    ),
    Mutant(
        "scores: 1 - p of the maximum where the others underflow",
        "kernels/scores/finish.hpp",
        "others[i] < kNearly0<C>",
        "others[i] < 0",
        ("engine/test_scores",),
    ),
    Mutant(
        "scores: ties behind the target count",
        "kernels/scores/short_rows.hpp",
        "((z == own) & before)",
        "(z == own)",
        ("engine/test_scores",),
    ),
    Mutant(
        "log(1 + x) for log1p(x)",
        "kernels/rows/finish.hpp",
        "log1p(others, inverse)",
        "log1p(1 + others - 1, inverse)",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "p - 1 at the target",
        "kernels/rows/finish.hpp",
        "? -a * rest : a * p",
        "? a * (p - 1) : a * p",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "lse - z_y",
        "kernels/rows/finish.hpp",
        "(y < 0) ? nan : log_sum + gap",
        "(y < 0) ? nan : (gap == 0) ? log_sum : lse - load(r.target_logit + i) * it",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "no shift by the maximum",
        "kernels/rows/exponential.hpp",
        "power = power_of<C>(M & kScaled ? max * inverse_high : max);",
        "power = splat(ExpTable<C>::magic);",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "the rounding error of z - n ln 2 dropped",
        "kernels/vector/math.hpp",
        "const Vec<C> r = fused(n, splat(-E::ln2_lo), less_ln2<C>(x, n));",
        "const Vec<C> r = less_ln2<C>(x, n);",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "the rounding error of z / T dropped",
        "kernels/rows/exponential.hpp",
        "product_error<C>(d.high, s.inverse_high, x) +",
        "",
        ("contract/test_far_rows",),
    ),
    Mutant(
        "float32 rows summed in float32",
        "kernels/vector/sums.hpp",
        "low_ += wide.low;",
        "low_ += wide.low, low_ = (low_ + 0x1p29 * low_) - 0x1p29 * low_;",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "float64 rows summed without compensation",
        "kernels/vector/sums.hpp",
        "lost_ += (sum_ - (sum - back)) + (v - back);",
        "",
        ("contract/test_accuracy",),
    ),
    Mutant(
        "one coefficient for all rows",
        "kernels/rows/finish.hpp",
        "coefficient(job.nll_coef, row, i, count, job.target ? 1 : 0)",
        "(job.nll_coef ? splat(*job.nll_coef) : splat(job.target ? 1.0 : 0.0))",
        ("contract/test_catalogue",),
    ),
    Mutant(
        "a negative target wraps around",
        "kernels/rows/targets.hpp",
        "(v < 0 || static_cast<int64_t>(v) >= classes)",
        "(v < -classes || static_cast<int64_t>(v) >= classes)",
        ("contract/test_errors",),
    ),
    Mutant(
        "the row's stride ignored",
        "kernels/python/arrays.hpp",
        "Layout{0, stride(0), 1}",
        "Layout{0, shape(1), 1}",
        ("contract/test_gradients",),
    ),
    Mutant(
        "softcap lifts -inf padding",
        "kernels/rows/softcap.hpp",
        "(v == splat(-kInfinity)) ? v : t.value * softcap",
        "t.value * softcap",
        ("contract/test_catalogue",),
    ),
    Mutant(
        "half of the z-loss's gradient",
        "kernels/rows/finish.hpp",
        "unless_zero(coef, 2 * coef * lse * scale)",
        "unless_zero(coef, coef * lse * scale)",
        ("contract/test_contract",),
    ),
    Mutant(
        "the entropy's gradient without its mean",
        "kernels/rows/finish.hpp",
        "total -= mean;",
        "",
        ("engine/test_rows",),
    ),
    Mutant(
        "the pixels of an image go on into the next",
        "kernels/rows/class_major.hpp",
        "const int64_t left = at.columns - (row + i) % at.columns;",
        "const int64_t left = count - i;",
        ("contract/test_layouts",),
    ),
    Mutant(
        "the gradient for the tempered logits",
        "kernels/rows/finish.hpp",
        "scale = load(r.inverse_t + i) * job.scale,",
        "scale = splat(job.scale),",
        ("contract/test_contract",),
    ),
)

ALGEBRA = "src/neglog/_problem.py"
T_LOSS, T_PROBLEM = "src/neglog/torch/_autograd/loss.py", "src/neglog/torch/_problem.py"
T_COMPOSED = "src/neglog/torch/_engines/composed.py"
T_OPERATORS = "src/neglog/torch/_operators/derivatives.py"
T_ROUTE, T_LINEAR = "src/neglog/torch/_route.py", "src/neglog/torch/linear.py"

TORCH = (
    Mutant(
        "torch: a traced loss is a constant",
        T_ROUTE,
        "        and not _is_tracing()\n",
        "",
        ("torch_face/routes/test_tracing",),
    ),
    Mutant(
        "torch: a head's layer with hooks passed by",
        T_LINEAR,
        "        and not layer._forward_hooks\n",
        "",
        ("torch_face/head/test_wrapped_layers",),
    ),
    Mutant(
        "torch: a gradient handed out for another upstream",
        T_LOSS,
        "if slope is not None and unit != seen and",
        "if slope is None and",
        ("torch_face/graph/test_graph",),
    ),
    Mutant(
        "torch: a gradient of states for the loss alone",
        T_LOSS,
        "slope = _of_states(logits, target, probs, problem, unit, left)",
        "slope = _of_states(logits, target, probs, problem, 1.0, left)",
        ("torch_face/graph/test_upstream",),
    ),
    Mutant(
        "torch: a gradient flushed to 0 and scaled up",
        "src/neglog/torch/_autograd/prepared.py",
        "return abs(upstream) <= unit",
        "return math.isfinite(upstream)",
        ("torch_face/graph/test_upstream",),
    ),
    Mutant(
        "torch: a gradient made in a checkpoint's first pass",
        "src/neglog/torch/_autograd/prepared.py",
        "return _hooks(True) is not None",
        "return False",
        ("torch_face/graph/test_kept_memory",),
    ),
    Mutant(
        "torch: a compiler's gradient flushed to 0 and scaled up",
        T_LOSS,
        "_UNIT = 2.0**24",
        "_UNIT = 1.0",
        ("torch_face/routes/test_compiled_rows",),
    ),
    Mutant(
        "torch: a compiler's gradient kept in float16",
        "src/neglog/torch/_autograd/head.py",
        "return torch.float32 if hidden.dtype == torch.float16 else hidden.dtype",
        "return hidden.dtype",
        ("torch_face/routes/test_compiled_head",),
    ),
    Mutant(
        "torch: nan of an ignored row in the gradient of its nll",
        "src/neglog/torch/_engines/composed.py",
        "    if ignored is not None:  # logits",
        "    if False:  # logits",
        ("torch_face/routes/test_ignored_stats",),
    ),
    Mutant(
        "torch: nan of an ignored row on a device",
        "src/neglog/torch/_operators/rows.py",
        "    if keep is None and coefs[0] is not None:",
        "    if False:",
        ("torch_face/routes/test_ignored_stats",),
    ),
    Mutant(
        "torch: a gradient handed out twice",
        T_LOSS,
        "ctx.prepared.pop() if ctx.prepared else None",
        "ctx.prepared[0]",
        ("torch_face/graph/test_graph",),
    ),
    Mutant(
        "torch: one upstream gradient for all rows",
        PROBLEM,
        "share = ops.broadcast_to(share, shape)",
        "share = ops.broadcast_to(ops.sum(share.reshape((-1,))[:1]), shape)",
        ("torch_face/graph/test_graph",),
    ),
    Mutant(
        "torch: memory used again while it is held",
        "src/neglog/torch/_memory.py",
        "if user() is None and size <= largest",
        "if size <= largest",
        ("torch_face/graph/test_graph",),
    ),
    Mutant(
        "torch: ignored rows reach the operator",
        T_PROBLEM,
        "problem.keep = classes != ignore if ignored else None",
        "problem.keep = None",
        ("torch_face/test_edges",),
    ),
    Mutant(
        "torch: p - 1 at the largest class",
        T_COMPOSED,
        "torch.where(hit, -a * rest, a * p)",
        "torch.where(hit, a * p - a, a * p)",
        ("torch_face/test_edges",),
    ),
    Mutant(
        "torch: log instead of log1p",
        T_COMPOSED,
        "torch.log1p(others)",
        "torch.log(1 + others)",
        ("torch_face/test_edges",),
    ),
    Mutant(
        "torch: a loss in 16 bits",
        "src/neglog/torch/_engines/kernels.py",
        "torch.bfloat16: torch.float32,",
        "torch.bfloat16: torch.bfloat16,",
        ("torch_face/test_edges",),
    ),
    Mutant(
        "torch: the graph of a coefficient walked twice",
        T_OPERATORS,
        "inputs[at] = inputs[at].view_as(inputs[at])",
        "pass",
        ("torch_face/test_autograd",),
    ),
    Mutant(
        "torch: no derivative at a weight of 0",
        PROBLEM,
        "ops.where((coef != 0) | ops.isfinite(values), values, 0.0)",
        "ops.where(coef != 0, values, 0.0)",
        ("torch_face/test_autograd",),
    ),
)

MUTANTS: tuple[Mutant, ...] = PYTHON + TORCH + KERNELS
