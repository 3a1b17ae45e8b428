"""The linear head and its loss, without the logits: hidden states and class vectors go in."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .._contract import as_integer, as_positive
from .._head.chunks import Gradients
from .._head.info import HeadInfo, check_info
from ._arguments import Problem, as_temperature
from ._arrays import Array, as_stats_target, to_result
from ._head_arguments import as_chosen, as_head, as_problem
from ._head_chunks import solved, statistics
from .statistics import stats_of


def linear_cross_entropy(
    hidden: npt.ArrayLike,  # (..., D)
    classes: npt.ArrayLike,  # (V, D)
    target: npt.ArrayLike,  # (...) classes, or (..., V) probabilities
    *,
    bias: npt.ArrayLike | None = None,  # (V,)
    weight: npt.ArrayLike | None = None,  # (V,)
    row_weight: npt.ArrayLike | None = None,  # (...)
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    reduction: str = "mean",
    memory: int | None = None,
) -> Any:
    """The loss of a linear head, `cross_entropy(hidden @ classes.T + bias, target)`, in chunks.

    The N x V logits never exist all at once; a chunk of them takes `memory` bytes.

    Args:
        hidden: shape (..., D), any real dtype.
        classes: shape (V, D), one row per class: the weight of a linear head.
        target: integers (...), or floats (..., V), as for `cross_entropy`.
        bias: shape (V,).
        weight: a factor >= 0 for each class.
        row_weight: a factor >= 0 for each row; rows of weight 0 cost no product.
        ignore_index: rows with this target are skipped and cost no product.
        label_smoothing: in [0, 1].
        z_loss: the factor of lse^2.
        temperature: divides the logits; a number, or one per row.
        softcap: c bounds the logits as c * tanh(z / c).
        reduction: "mean", "sum" or "none".
        memory: bytes for the logits of a chunk, at least one row of them; None: as many as the
            classes take, at least 64 MiB.

    Returns:
        As `cross_entropy`: float64 if hidden or classes are, else float32.

    Raises:
        TypeError, ValueError, IndexError: as `cross_entropy`; ValueError also if D differs,
            if the classes are transposed, or if the memory does not hold one row.

    Examples:
        >>> import numpy as np
        >>> hidden, classes = np.float32([[1, 2], [0, 1]]), np.float32([[1, 0], [0, 1], [1, 1]])
        >>> print(f"{linear_cross_entropy(hidden, classes, [2, 0]):.6f}")
        1.134800

    Differs from torch.nn.functional.linear_cross_entropy: always in chunks; rows that
    do not count are skipped before the product; every option of `cross_entropy` is available.

    References:
        E. Wijmans et al. (2025), "Cut your losses in large-vocabulary language models", ICLR.
    """
    head = as_head(hidden, classes, bias, memory)
    options = (weight, row_weight, ignore_index, label_smoothing, z_loss, temperature, softcap)
    problem = as_problem(head, target, *options, reduction)
    return solved(head, problem, Gradients(None, None, None))


def linear_cross_entropy_and_grad(
    hidden: npt.ArrayLike,  # (..., D)
    classes: npt.ArrayLike,  # (V, D)
    target: npt.ArrayLike,  # (...) classes, or (..., V) probabilities
    *,
    bias: npt.ArrayLike | None = None,  # (V,)
    weight: npt.ArrayLike | None = None,  # (V,)
    row_weight: npt.ArrayLike | None = None,  # (...)
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    reduction: str = "mean",
    memory: int | None = None,
    grad_tolerance: float = 0.0,
    info: HeadInfo | None = None,
) -> tuple[Any, tuple[Array, Array, Array | None]]:
    """The loss of `linear_cross_entropy` and its gradients for hidden, classes and bias.

    With g = p - y per row (times its weight): dhidden = g classes, dclasses = g' hidden,
    dbias = sum of g. One product gives a chunk's logits, two more its gradients.

    With a `grad_tolerance` t entries of p - y of size above t are multiplied one by one: on a
    trained model one in fifty is above 1e-5. The others, R, are replaced by R ~ m r' / sum(m), of
    their sums by row, m, and by class, r: one such matrix for each sign and for each of up to eight
    groups of rows that point the same way. Loss and dbias stay exact, and so does the sum of g over
    every row and over every class. On the head of a trained model (49,152 classes) t = 1e-5 changes
    dhidden by 0.14 % and dclasses by 0.03 % in the 2-norm, and t = 2**-12 by 1.1 % and 0.3 %, where
    logits rounded to bfloat16 change them by 1.2 % and 1 %.

    Args:
        hidden: shape (..., D), and every other argument as for `linear_cross_entropy`.
        classes: shape (V, D).
        target: classes (...) or probabilities (..., V).
        bias: shape (V,).
        weight: shape (V,).
        row_weight: one number per row.
        ignore_index: rows with this target get a gradient of exactly 0.
        label_smoothing: in [0, 1].
        z_loss: >= 0.
        temperature: a number, or one per row.
        softcap: a number or None.
        reduction: "mean", "sum" or "none"; with "none" the gradients are those of the sum.
        memory: as for `linear_cross_entropy`.
        grad_tolerance: in [0, 1); 0: nothing is left out. Where more than a sixteenth of a chunk's
            entries are above it, nothing of that chunk is left out either. What is kept comes out
            of `memory` (a row of logits takes a tenth more); sums and copies of hidden do not: 30
            MiB with 2048 x 576 and 49152 classes.
        info: a `HeadInfo`, which the call fills in: how much was left out, and a bound on the
            error of each row of dhidden.

    Returns:
        (loss, (dhidden, dclasses, dbias)), each gradient in its argument's shape and dtype (sums
        are float32 or wider and rounded once); dbias is None without a bias.

    Raises:
        TypeError, ValueError, IndexError: as `linear_cross_entropy`.

    Examples:
        >>> import numpy as np
        >>> hidden, classes = np.float32([[1, 2]]), np.float32([[1, 0], [0, 1], [1, 1]])
        >>> loss, (dhidden, dclasses, dbias) = linear_cross_entropy_and_grad(hidden, classes, [2])
        >>> dhidden.round(4), dbias is None
        (array([[-0.2447, -0.09  ]], dtype=float32), True)

    Differs from torch: no graph; see `linear_cross_entropy` for the rest.
    """
    check_info(info)
    head = as_head(hidden, classes, bias, memory, grad_tolerance)
    options = (weight, row_weight, ignore_index, label_smoothing, z_loss, temperature, softcap)
    problem = as_problem(head, target, *options, reduction)
    dhidden = np.zeros(head.hidden.shape, head.hidden.dtype)
    dclasses = np.zeros(head.classes.shape, head.dtype)
    dbias = None if head.bias is None else np.zeros(head.num_classes)
    loss = solved(head, problem, Gradients(dhidden, dclasses, dbias), info)
    return loss, (
        dhidden.reshape(*head.rows_shape, head.hidden.shape[1]),
        dclasses.astype(head.classes.dtype, copy=False),
        None if head.bias is None or dbias is None else dbias.astype(head.bias.dtype),
    )


def linear_row_stats(
    hidden: npt.ArrayLike,  # (..., D)
    classes: npt.ArrayLike,  # (V, D)
    target: npt.ArrayLike,  # (...)
    *,
    bias: npt.ArrayLike | None = None,  # (V,)
    ignore_index: int = -100,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    chosen: npt.ArrayLike | None = None,  # (..., K)
    memory: int | None = None,
) -> Any:
    """`row_stats(hidden @ classes.T + bias, target)` in chunks, and log-probabilities of a few.

    Args:
        hidden: shape (..., D), any real dtype.
        classes: shape (V, D), one row per class.
        target: integers (...).
        bias: shape (V,).
        ignore_index: a row with this target has the nll 0, and everything else as it is.
        temperature: divides the logits; a number, or one per row.
        softcap: c bounds the logits as c * tanh(z / c), after the temperature.
        chosen: integers (..., K), classes of each row whose log-probabilities are wanted.
        memory: as for `linear_cross_entropy`.

    Returns:
        RowStats(nll, lse, entropy, argmax), each of the target's shape; with `chosen` the pair
        (RowStats, log-probabilities (..., K)). float64 if hidden or classes are, else float32.

    Raises:
        TypeError: an argument is not real numbers, the target or `chosen` not integers.
        ValueError: a shape does not fit, or an option is out of range.
        IndexError: a chosen class does not exist, or a target that is not ignored; names the first.

    Examples:
        >>> import numpy as np
        >>> hidden, classes = np.float32([[1, 2]]), np.float32([[1, 0], [0, 1], [1, 1]])
        >>> stats, log_p = linear_row_stats(hidden, classes, [2], chosen=[[0, 2]])
        >>> stats.argmax, log_p.round(4)
        (array([2]), array([[-2.4076, -0.4076]], dtype=float32))

    Differs from row_stats: see `linear_cross_entropy`.
    """
    head = as_head(hidden, classes, bias, memory)
    problem = Problem()
    problem.temperature = as_temperature(temperature, head.rows_shape)
    problem.softcap = None if softcap is None else as_positive("softcap", softcap, "None")
    ignore = as_integer("ignore_index", ignore_index)
    problem.target, ignored = as_stats_target(target, head.rows_shape, head.num_classes, ignore)
    picked = None if chosen is None else as_chosen(chosen, head)
    numbers, log_probs = statistics(head, problem, picked)
    stats = stats_of(numbers, ignored, head.dtype, head.rows_shape)
    if picked is None:
        return stats
    return stats, to_result(log_probs, head.dtype, (*head.rows_shape, picked.shape[1]))
