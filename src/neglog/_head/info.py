"""Statistics of a call with `grad_tolerance`."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .._engine import Array
from .remainder import Remainder


@dataclass(eq=False)  # arrays are not equal or unequal as a whole
class HeadInfo:
    """What `grad_tolerance` did in a call; pass one as `info`, and the call fills it in.

    Args:
        kept: the fraction of the entries of the logits' gradient that were multiplied one by one.
        mean_dropped: the summed magnitude of a row's other entries, a probability mass; the mean
            over the rows that count.
        largest_dropped: the same for the row that lost most.
        bound: shape (...), one number per row: the row's error of dhidden in the 2-norm is at most
            this. It is twice what was dropped (times the row's weight in the loss) times the
            largest distance of a class vector from the mean of all class vectors.

    Examples:
        >>> import numpy as np
        >>> from neglog import linear_cross_entropy_and_grad
        >>> hidden, classes = np.eye(2), 9 * np.array([[1.0, 0], [0, 1], [0, 0.5]])
        >>> info = HeadInfo()
        >>> _ = linear_cross_entropy_and_grad(
        ...     hidden, classes, [0, 2], grad_tolerance=0.01, info=info
        ... )
        >>> info.largest_dropped < 0.01
        True
    """

    kept: float = np.nan
    mean_dropped: float = np.nan
    largest_dropped: float = np.nan
    bound: Array = field(default_factory=lambda: np.empty(0), repr=False)


def check_info(info: Any) -> None:
    """Check that info is a HeadInfo or None."""
    if info is not None and not isinstance(info, HeadInfo):
        raise TypeError(f"info must be a HeadInfo or None, got {info!r}; pass neglog.HeadInfo()")


def fill(
    info: HeadInfo, remainder: Remainder | None, shape: tuple[int, ...], factor: float = 1.0
) -> None:
    """Fill in `info` for rows of this shape.

    Args:
        info: the user's.
        remainder: None where nothing was left out.
        shape: of the rows.
        factor: the gradients will be multiplied by this.
    """
    info.kept, info.mean_dropped, info.largest_dropped = 1.0, 0.0, 0.0
    info.bound = np.zeros(shape)
    if remainder is not None:
        mass = remainder.mass()
        info.kept = remainder.kept()
        info.mean_dropped = float(mass.mean()) if mass.size else 0.0
        info.largest_dropped = float(mass.max(initial=0.0))
        bound = 2 * factor * remainder.farthest() * remainder.dropped()
        info.bound = bound.reshape(shape)
