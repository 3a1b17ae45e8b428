"""The PyTorch face compared with torch: forward and backward on a leaf tensor, as in training.

The rows have the form of the others, so that they are printed and kept in the same way.
"""

import importlib
from collections.abc import Callable
from typing import Any

import budgets

from bench.cases import THREADS, Case
from bench.peers import Calls, library, to_numpy, torch_view
from bench.timing import LIMITS, Row, Samples, check, check_close, interleaved, median, row, stride

STATS_MODE, COMPILED_MODE = "row_stats + backward", "loss in a compiled step"
STATS_SHAPE = (16384, 1000)
WIDTH = 64  # of the hidden layer in front of the compiled loss

LossOf = Callable[[Any, Any], Any]  # of logits and target


def torch_library() -> Any:
    torch = library("torch")
    torch.set_num_threads(THREADS)
    return torch


def our_library() -> Any:
    torch_library()
    return importlib.import_module("neglog.torch")  # must exist where torch is installed


def step(loss_of: LossOf, case: Case) -> Calls:
    """What a training loop does with a loss; every library has its own leaf and gradient.

    The time includes freeing the old gradient, because a loop pays for that, too.
    """
    leaf, y = torch_view(case.logits).detach().requires_grad_(), torch_view(case.target)

    def both() -> tuple[Any, Any]:
        leaf.grad = None
        loss = loss_of(leaf, y)
        loss.backward()
        return loss, leaf.grad

    return Calls(lambda: both()[0], both)


def ours(case: Case) -> Calls:
    return step(our_library().cross_entropy, case)


def eager(case: Case) -> Calls:
    return step(torch_library().nn.functional.cross_entropy, case)


def compiled(case: Case) -> Calls:
    torch = torch_library()
    torch._dynamo.reset()
    loss_of = torch.nn.functional.cross_entropy
    return step(torch.compile(loss_of, fullgraph=True, dynamic=False), case)


def bare(case: Case) -> Calls:
    """An autograd node in Python that computes nothing: no loss written in Python is faster."""
    torch = torch_library()

    class Nothing(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, logits: Any) -> Any:
            ctx.save_for_backward(logits)
            return logits.new_empty(())

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            return torch.empty_like(ctx.saved_tensors[0])

    calls = step(lambda leaf, _: Nothing.apply(leaf), case)

    def both() -> tuple[Any, Any]:
        calls.gradient()
        return None, None  # no answer to check

    return Calls(lambda: both()[0], both)


STEPS: dict[str, Callable[[Case], Calls]] = {
    "neglog.torch": ours,
    "torch eager": eager,
    "torch.compile": compiled,
    "bare node": bare,
}
ACCURATE = {name: STEPS[name] for name in ("neglog.torch", "torch eager")}


def steps(shape: tuple[int, ...]) -> dict[str, Callable[[Case], Calls]]:
    """The steps of a case; the node that computes nothing only matters for a small one."""
    return {
        name: of for name, of in STEPS.items() if name != "bare node" or shape == budgets.SMALL_CALL
    }


def torch_row_stats(z: Any, y: Any) -> tuple[Any, ...]:
    torch = library("torch")
    log_p = torch.log_softmax(z, 1)
    nll = torch.nn.functional.nll_loss(log_p, y, reduction="none")
    return nll, torch.logsumexp(z, 1), -(log_p.exp() * log_p).sum(1), z.argmax(1)


def with_stats(row_stats: LossOf) -> LossOf:
    """A loss of all differentiable statistics of a row."""

    def loss_of(z: Any, y: Any) -> Any:
        nll, lse, entropy, _ = row_stats(z, y)
        return (nll + lse + entropy).mean()

    return loss_of


def stats_row(seconds: float) -> Row:
    """nll, lse, entropy and argmax of every row, and their gradient."""
    case = Case.random(STATS_SHAPE, "float32")
    exact = torch_view(case.logits).double().requires_grad_()
    loss = with_stats(torch_row_stats)(exact, torch_view(case.target))
    loss.backward()
    answers = loss.item(), to_numpy(exact.grad[:: stride(len(case.target))])
    of = {"neglog.torch": our_library().row_stats, "torch eager": torch_row_stats}
    calls = {name: step(with_stats(row_stats), case) for name, row_stats in of.items()}
    for name, each in calls.items():
        check(name, case, each, answers)
    samples = interleaved({name: each.gradient for name, each in calls.items()}, seconds)
    return row(case.dtype, STATS_SHAPE, STATS_MODE, samples)


def compiled_row(seconds: float) -> Row:
    """What the loss adds to a compiled training step: hidden @ classes.T -> loss -> backward.

    The step without a loss is subtracted. Its logits receive a gradient that is already there, so
    it has the three matrix products and the memory of the logits. With logits.sum() as its loss it
    would also read the logits and write a gradient, which is half of the work of a loss.
    """
    torch = torch_library()
    torch._dynamo.reset()
    n, num_classes = budgets.COMPILED_STEP
    torch.manual_seed(0)
    hidden = torch.randn(n, WIDTH).requires_grad_()
    classes = (3 / WIDTH**0.5 * torch.randn(num_classes, WIDTH)).requires_grad_()
    y, ready = torch.randint(num_classes, (n,)), torch.full((n, num_classes), 1 / n)
    theirs = torch.nn.functional.cross_entropy

    def training_step(loss_of: LossOf, upstream: Any = None) -> Callable[[], tuple[Any, ...]]:
        def loss(hidden: Any, classes: Any) -> Any:
            return loss_of(hidden @ classes.T, y)

        forward = torch.compile(loss, fullgraph=True, dynamic=False)

        def both() -> tuple[Any, ...]:
            hidden.grad = classes.grad = None
            result = forward(hidden, classes)
            result.backward(upstream)
            return result, hidden.grad, classes.grad

        return both

    value = theirs(hidden @ classes.T, y)
    answers = value, *torch.autograd.grad(value, (hidden, classes))
    losses = {"neglog.torch": our_library().cross_entropy, "torch.compile": theirs}
    calls = {name: training_step(loss_of) for name, loss_of in losses.items()}
    for name, call in calls.items():
        for have, want in zip(call(), answers, strict=True):
            check_close(f"{name}, compiled", to_numpy(have), to_numpy(want), LIMITS["float32"])
    calls["no loss"] = training_step(lambda logits, _: logits, ready)
    return loss_part(interleaved(calls, seconds))


def loss_part(samples: Samples) -> Row:
    """Each step less the step without a loss of the same round."""
    *whole, without = samples
    parts = {
        name: [step - base for step, base in zip(samples[name], samples[without], strict=True)]
        for name in whole
    }
    found = row("float32", budgets.COMPILED_STEP, COMPILED_MODE, parts)
    found["seconds"][without] = median(samples[without])
    return found
