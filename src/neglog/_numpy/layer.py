"""The last layer of a network as a pair of methods, and the targets that it takes."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .._contract import as_integer, as_number
from ._arrays import FLOAT64, Array, as_array, as_classes, as_integers, check_classes
from .losses import cross_entropy_and_grad


def one_hot(target: npt.ArrayLike, num_classes: int) -> Array:
    """Rows of zeros with a one at the target: `t_j = 1 if j = y else 0`.

    Args:
        target: integers of any shape (...).
        num_classes: V, at least 1.

    Returns:
        Shape (..., V), float64, so that the result is a probability target.

    Raises:
        TypeError: the target or num_classes is not an integer.
        ValueError: num_classes is below 1.
        IndexError: a target is not a class; names the first such row.

    Examples:
        >>> one_hot([2, 0], 3)
        array([[0., 0., 1.],
               [1., 0., 0.]])

    Differs from torch.nn.functional.one_hot: floats, and num_classes is never guessed.
    """
    classes = as_integers("target", target)
    count = as_integer("num_classes", num_classes)
    if count < 1:
        raise ValueError(f"num_classes must be at least 1, got {count}")
    flat = as_classes(classes, 0)
    check_classes("target", flat, classes, count, 0)
    rows = np.zeros((flat.size, count), FLOAT64)
    rows[np.arange(flat.size), flat] = 1.0
    return rows.reshape(*classes.shape, count)


class SoftmaxWithLoss:
    """Softmax and mean cross-entropy as one layer: `forward` gives the loss, `backward` p - y.

    The textbook layer of a hand-written network. It stores the gradient, not the probabilities:
    changing the logits between forward and backward has no effect.

    Examples:
        >>> import numpy as np
        >>> layer = SoftmaxWithLoss()
        >>> print(layer.forward(np.log([[0.2, 0.1, 0.65, 0.05]]) + 1.0, [2]).round(12))
        0.430782916092
        >>> layer.backward()
        array([[ 0.2 ,  0.1 , -0.35,  0.05]])

    Differs from the textbook's p = exp(a) / sum(exp(a)); p[target] -= 1: no overflow, no digits
    lost near p = 1, a whole batch at once with the mean's 1/N, and one-hot targets too.
    """

    def __init__(self) -> None:
        self._gradient: Array | None = None

    def forward(self, logits: npt.ArrayLike, target: npt.ArrayLike) -> Any:
        """Mean negative log-likelihood of the rows.

        Args:
            logits: shape (..., V), any real dtype.
            target: classes (...), or one-hot rows or probabilities (..., V) of any real dtype.

        Returns:
            A scalar as from `cross_entropy`.

        Raises:
            TypeError, ValueError, IndexError: as `cross_entropy`.

        Warns:
            InputKindWarning: the logits look like probabilities or log-probabilities.
        """
        goal = as_array("target", target)
        if goal.dtype.kind in "iub" and goal.shape == as_array("logits", logits).shape:
            target = goal.astype(FLOAT64)  # one-hot rows of whole numbers
        loss, self._gradient = cross_entropy_and_grad(logits, target)
        return loss

    def backward(self, dout: float = 1.0) -> Array:
        """Gradient of the last loss with respect to its logits, times `dout`.

        Args:
            dout: the derivative with respect to the loss of whatever follows it, a number.

        Returns:
            A new array of the logits' shape and dtype.

        Raises:
            ValueError: forward was not called before.
            TypeError: `dout` is not a number.
        """
        if self._gradient is None:
            raise ValueError("backward needs the logits of a forward; call forward(logits, target)")
        kept = self._gradient
        # In half precision `dout` may be out of range where the product is not.
        wide = kept if kept.itemsize > 2 else kept.astype(np.float32)
        return (wide * as_number("dout", dout)).astype(kept.dtype, copy=False)
