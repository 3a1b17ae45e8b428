"""The checker: is somebody's own softmax cross-entropy right, and if not, what is wrong with it?"""

from collections.abc import Callable
from typing import Any, Literal

from .battery import KINDS
from .child import process_for
from .diagnosis import found
from .findings import Finding, Findings
from .trial import Trial

__all__ = ["Finding", "Findings", "check_loss"]

Library = Literal["numpy", "torch", "jax"]
Kind = Literal["logits", "probabilities", "log-probabilities"]


def check_loss(
    function: Callable[..., Any] | str,
    *,
    framework: Library | None = None,
    has_grad: bool | None = None,
    convention: Kind = "logits",
) -> Findings:
    """Check somebody's own softmax cross-entropy, and say in words what is wrong with it.

    The function is called on a battery of rows, and what it returns is compared with what each
    known mistake, or two of them together, would return: loss = -mean_i log softmax(z_i)[y_i].

    Args:
        function: takes logits (N, V) and target (N,), and returns the mean loss, or the mean loss
            and its gradient; or its name, "module:function". If it has arguments weight,
            ignore_index, label_smoothing or reduction, they mean what they mean in torch.
        framework: "numpy", "torch" or "jax": whose arrays it takes; by default what it refers to.
            torch and JAX differentiate a loss.
        has_grad: whether there is a gradient to judge; by default, if the function gives one.
        convention: what the function is meant to read: "logits", "probabilities" or
            "log-probabilities".

    Returns:
        Findings, the worst first; true if nothing is wrong.

    Raises:
        TypeError: the function cannot be called.
        ValueError: it cannot be imported, or an argument is unknown.

    Examples:
        >>> import numpy as np
        >>> def loss(z, y):
        ...     p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        ...     return -np.log(p[np.arange(len(y)), y]).sum()
        >>> findings = check_loss(loss)
        >>> findings.codes[:3]
        ('sum-for-mean', 'no-shift', 'underflow')
        >>> findings[0].fix
        'loss = losses.sum() / N'

    The calls are made in another process where that is possible: a function may hang, crash, exit
    or print. A call may take 5 s, all of them 60 s.
    """
    known = {"framework": (framework, (None, "numpy", "torch", "jax")), "convention": (convention, KINDS)}
    for name, (given, allowed) in known.items():
        if given not in allowed:
            words = ", ".join(repr(word) for word in allowed if word)
            raise ValueError(f"{name} must be one of {words}, got {given!r}")
    if not callable(function) and not isinstance(function, str):
        raise TypeError(f"function must be callable or a name, got {type(function).__name__}")
    process = process_for(function, framework)
    try:
        if process.hello.problem:
            raise ValueError(process.hello.problem)
        trial = Trial(process, has_grad)
        findings, remarks = found(trial, convention)
    finally:
        process.close()
    hello = process.hello
    return Findings(
        hello.name, hello.library, tuple(findings), trial.calls, trial.seconds, tuple(remarks)
    )
