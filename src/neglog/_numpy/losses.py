"""The softmax cross-entropy, with and without its gradient."""

from typing import Any

import numpy as np
import numpy.typing as npt

from ._arguments import prepare
from ._arrays import Array, from_rows
from ._out import out_rows, to_out


def cross_entropy(
    logits: npt.ArrayLike,  # (..., V)
    target: npt.ArrayLike,  # (...) classes, or (..., V) probabilities
    *,
    weight: npt.ArrayLike | None = None,  # (V,)
    row_weight: npt.ArrayLike | None = None,  # (...)
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    reduction: str = "mean",
    axis: int = -1,
    where: npt.ArrayLike | None = None,  # broadcasts to (..., V)
) -> Any:
    """Negative log-likelihood of a softmax: `-log softmax(z)[y]` for every row, and their mean.

    With p = softmax(z), w the class weights, r the row weights, a the smoothing, s the z-loss:

        classes        L_i = r_i ((1-a) w_y -log p_y  +  a/V sum_c w_c -log p_c  +  s lse^2)
        probabilities  L_i = r_i (sum_c w_c t'_c -log p_c  +  s lse^2),   t' = (1-a) t + a/V
        mean           sum_i L_i / sum_i r_i w_y   (probabilities: / sum_i r_i)

    Every row is computed as log(sum) - (z_y - max), and as log1p(sum of the others) where the
    target is the maximum, so that a confident row keeps its digits: logits [17, 0, 0] in float32
    cost 8.28e-08, not 0.

    Args:
        logits: shape (..., V), any real dtype; the classes lie along `axis`.
        target: integers of the logits' shape without the class axis; or floats of the logits'
            shape, probabilities that need not sum to one.
        weight: shape (V,), a factor >= 0 for each class.
        row_weight: shape of a class target, a factor >= 0 for each row. Rows of weight 0
            are skipped; NaNs in them do not affect other rows.
        ignore_index: rows with this target are skipped.
        label_smoothing: in [0, 1], the share of the target distributed evenly over all V classes.
        z_loss: the factor of lse^2, a term that keeps the logits from drifting; not
            multiplied by the class weight, but a mean divides by the sum of these all the same.
        temperature: divides the logits; a number, or one per row.
        softcap: c bounds the logits as c * tanh(z / c), after the temperature T; a cap c that
            comes before it is softcap=c / T.
        reduction: "mean", "sum" or "none" (one loss per row).
        axis: the class axis.
        where: bool, the classes that count. The others are as if their logits were -inf, whatever
            they are: a target among them costs inf. Not together with label_smoothing.

    Returns:
        A scalar, or with "none" one loss per row; float64 for float64
        (and integer) logits, else float32. In nats.

    Raises:
        TypeError: an argument is not real numbers, or a masked array.
        ValueError: a shape does not fit, or an option is out of range.
        IndexError: a target is not a class; names the first such row.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import numpy as np
        >>> logits = np.log([[0.2, 0.1, 0.65, 0.05], [0.7, 0.1, 0.1, 0.1]]) + 5.0
        >>> print(f"{cross_entropy(logits, [2, 0]):.6f}")
        0.393729
        >>> cross_entropy(logits, [2, 0], reduction="none").round(6)
        array([0.430783, 0.356675])
        >>> cross_entropy(np.float32([[17, 0, 0]]), [0])
        np.float32(8.279875e-08)

    Differs from torch.nn.functional.cross_entropy: the class axis is the last, not 1; a mean over
    no row is 0, not nan; a target probability of 0 meets a logit of -inf as 0, not nan; row
    weights, z-loss, temperature and softcap are extra.

    References:
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41 (the shift by the maximum).
        C. Szegedy et al. (2016), "Rethinking the Inception Architecture for Computer Vision",
        CVPR (label smoothing).
        A. Chowdhery et al. (2023), "PaLM: Scaling Language Modeling with Pathways", JMLR 24
        (z-loss).
    """
    problem = prepare(
        logits, target, weight, row_weight, ignore_index, label_smoothing, z_loss,
        temperature, softcap, reduction, axis, where,
    )  # fmt: skip
    return problem.reduce(problem.run())


def cross_entropy_and_grad(
    logits: npt.ArrayLike,  # (..., V)
    target: npt.ArrayLike,  # (...) classes, or (..., V) probabilities
    *,
    weight: npt.ArrayLike | None = None,  # (V,)
    row_weight: npt.ArrayLike | None = None,  # (...)
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    temperature: npt.ArrayLike = 1.0,  # a number or (...)
    softcap: float | None = None,
    reduction: str = "mean",
    axis: int = -1,
    where: npt.ArrayLike | None = None,  # broadcasts to (..., V)
    out: Array | None = None,  # (..., V)
) -> tuple[Any, Array]:
    """The loss of `cross_entropy` and its gradient with respect to the logits, in one pass.

    Without options the gradient of a row's loss is p - y: the probabilities, and at the target
    -(sum of the others) / (sum of all), which p_y - 1 would round to 0 for a confident row.

    Args:
        logits: shape (..., V), and every other argument as for `cross_entropy`.
        target: classes (...) or probabilities (..., V).
        weight: shape (V,).
        row_weight: shape of a class target.
        ignore_index: rows with this target get a gradient of exactly 0.
        label_smoothing: in [0, 1].
        z_loss: >= 0.
        temperature: a number, or one per row; the gradient is with respect to the logits as passed.
        softcap: a number or None; the gradient is with respect to the logits as passed.
        reduction: "mean", "sum" or "none"; with "none" each row gets the gradient of its own
            loss.
        axis: the class axis.
        where: bool, the classes that count; the gradient of the others is 0.
        out: receives the gradient; shape and dtype of the gradient. May be the logits
            themselves, which are then overwritten.

    Returns:
        (loss, gradient): the loss as from `cross_entropy`; the gradient in the logits' shape and
        dtype (float64 for integer logits), which is `out` if that was given.

    Raises:
        TypeError, ValueError, IndexError: as `cross_entropy`, before anything is written to
            `out`. ValueError also where `out` has another shape or dtype, is read-only, or
            overlaps an input in any other way than being the logits.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import numpy as np
        >>> loss, gradient = cross_entropy_and_grad(np.float32([[17, 0, 0], [0, 0, 0]]), [0, 1])
        >>> print(f"{loss:.6f}", f"{gradient[0, 0]:.5e}", gradient.dtype)
        0.549306 -4.13994e-08 float32
        >>> logits = np.zeros((1, 4))
        >>> loss, gradient = cross_entropy_and_grad(logits, [3], out=logits)
        >>> gradient is logits, logits
        (True, array([[ 0.25,  0.25,  0.25, -0.75]]))

    Differs from torch: no graph and no second pass; see `cross_entropy` for the rest.

    References:
        J. S. Bridle (1990), "Probabilistic interpretation of feedforward classification network
        outputs", in: Neurocomputing, NATO ASI Series 68 (softmax and the gradient p - y).
    """
    problem = prepare(
        logits, target, weight, row_weight, ignore_index, label_smoothing, z_loss,
        temperature, softcap, reduction, axis, where,
    )  # fmt: skip
    if out is None:
        grad = np.empty(problem.logits.shape, problem.logits.dtype)
    else:
        inputs = {"target": target, "weight": weight, "row_weight": row_weight, "where": where}
        grad = out_rows(problem, out, logits, temperature=temperature, **inputs)
    result = problem.run(problem.scale(), grad)
    loss = problem.reduce(result)
    if out is None:
        return loss, from_rows(grad, problem.shape, problem.axis)
    return loss, to_out(problem, grad, out)
