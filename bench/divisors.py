"""Steps whose upstream gradient changes: the sum of the losses over the number of tokens.

They are compared with steps that divide by the same number each time, in the same process. What
was met before is expected again, so that a round begins with untimed steps of the constant number.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import budgets

from bench.peers import to_numpy
from bench.timing import LIMITS, Row, Samples, check_close, row
from bench.torch_face import our_library, torch_library

CHANGING, CONSTANT = "changing divisor", "constant divisor"
TOKENS = 1000
MET = 9  # steps after which a number is expected
TIMED = 3  # steps of a sample
LEAST_ROUNDS = 5

Step = Callable[[int], tuple[Any, ...]]  # of a number of tokens: the loss and its gradients


def rows(seconds: float) -> Iterator[Row]:
    """Rows in each dtype, and the head."""
    torch = torch_library()
    torch.manual_seed(0)
    n, num_classes = budgets.CHANGING_ROWS
    target = torch.randint(num_classes, (n,))
    for dtype in budgets.CHANGING_DTYPES:
        logits = (3 * torch.randn(n, num_classes)).to(getattr(torch, dtype))

        def of_logits(library: Any, z: Any) -> Any:
            return library.cross_entropy(z, target, reduction="sum")

        yield measured(of_logits, [logits], seconds)
    n, width, num_classes = budgets.CHANGING_HEAD
    hidden, classes = torch.randn(n, width), 3 / width**0.5 * torch.randn(num_classes, width)
    target = torch.randint(num_classes, (n,))

    def of_head(library: Any, hidden: Any, classes: Any) -> Any:
        if library is torch.nn.functional:
            return library.cross_entropy(hidden @ classes.T, target, reduction="sum")
        return library.linear_cross_entropy(hidden, classes, target, reduction="sum")

    yield measured(of_head, [hidden, classes], seconds)


def step(loss_of: Callable[..., Any], library: Any, leaves: list[Any]) -> Step:
    leaves = [x.detach().requires_grad_() for x in leaves]

    def both(tokens: int) -> tuple[Any, ...]:
        for leaf in leaves:
            leaf.grad = None
        loss = loss_of(library, *leaves) / tokens
        loss.backward()
        return loss, *(leaf.grad for leaf in leaves)

    return both


def measured(loss_of: Callable[..., Any], leaves: list[Any], seconds: float) -> Row:
    """The time of a step with a changing divisor, and that of one with a constant divisor."""
    dtype = str(leaves[0].dtype).removeprefix("torch.")
    mine = step(loss_of, our_library(), leaves)
    theirs = step(loss_of, torch_library().nn.functional, leaves)
    for have, want in zip(mine(TOKENS), theirs(TOKENS), strict=True):
        check_close(CHANGING, to_numpy(have), to_numpy(want), LIMITS[dtype])
    shape = tuple(leaves[0].shape) + tuple(x.shape[0] for x in leaves[1:])
    return row(dtype, shape, CHANGING, samples(mine, seconds))


def samples(call: Step, seconds: float) -> Samples:
    found: Samples = {"neglog.torch": [], CONSTANT: []}
    stop = time.perf_counter() + seconds
    while len(found[CONSTANT]) < LEAST_ROUNDS or time.perf_counter() < stop:
        for _ in range(MET):
            call(TOKENS)
        found[CONSTANT].append(timed(call, [TOKENS] * TIMED))
        found["neglog.torch"].append(timed(call, range(TOKENS + 1, TOKENS + 1 + TIMED)))
    return found


def timed(call: Step, tokens: Any) -> float:
    """Seconds of a step, the mean over these."""
    start = time.perf_counter()
    for each in tokens:
        call(each)
    return (time.perf_counter() - start) / len(tokens)
