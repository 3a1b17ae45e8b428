"""The checker: is somebody's own softmax cross-entropy right, and if not, what is wrong with it?"""

from collections.abc import Callable
from typing import Any, Literal

from .battery import KINDS
from .diagnosis import found
from .findings import Finding, Findings
from .head import found_in_head
from .process.child import process_for
from .trial import Trial

__all__ = ["Finding", "Findings", "check_linear_loss", "check_loss"]

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
    if convention not in KINDS:
        raise ValueError(f"convention must be one of {', '.join(KINDS)}, got {convention!r}")
    return _checked(function, framework, has_grad, lambda trial: found(trial, convention))


def check_linear_loss(
    function: Callable[..., Any] | str,
    *,
    framework: Library | None = None,
    has_grad: bool | None = None,
) -> Findings:
    """Check a cross-entropy that has the linear layer in it, such as a fused kernel.

    The logits are z = hidden @ classes.T + bias, and the loss is that of `check_loss`. Judged are
    the loss, the gradients for hidden, classes and bias, factors from above (one, another in a
    second backward pass, one per row), frozen inputs, ignored rows, and float16.

    Args:
        function: takes hidden (N, D), classes (V, D) and target (N,), and returns the mean loss;
            with NumPy, it may return (loss, dhidden, dclasses) or these and dbias. Or its name,
            "module:function". If it has arguments bias (or linear_bias), ignore_index or
            reduction, they mean what they mean in torch.
        framework: "numpy", "torch" or "jax"; by default what it refers to.
        has_grad: whether there are gradients to judge; by default, if the function gives them.

    Returns:
        Findings, the worst first; true if nothing is wrong.

    Raises:
        TypeError: the function cannot be called.
        ValueError: it cannot be imported, or an argument is unknown.

    Examples:
        >>> from neglog import linear_cross_entropy_and_grad
        >>> def loss(hidden, classes, target):
        ...     value, grads = linear_cross_entropy_and_grad(hidden, classes, target)[:2]
        ...     return value
        >>> check_linear_loss(loss).codes
        ()
    """
    return _checked(function, framework, has_grad, found_in_head)


def _checked(
    function: Any, framework: str | None, has_grad: bool | None, find: Callable[[Trial], Any]
) -> Findings:
    """Start the process, look, and end it."""
    if framework not in (None, "numpy", "torch", "jax"):
        raise ValueError(f"framework must be one of numpy, torch, jax, got {framework!r}")
    if not callable(function) and not isinstance(function, str):
        raise TypeError(f"function must be callable or a name, got {type(function).__name__}")
    process = process_for(function, framework)
    try:
        hello = process.hello
        if hello.problem:
            raise ValueError(hello.problem)
        trial = Trial(process, has_grad)
        findings, remarks = find(trial)
    finally:
        process.close()
    return Findings(
        hello.name, hello.library, tuple(findings), trial.calls, trial.seconds, tuple(remarks)
    )
