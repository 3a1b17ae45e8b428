"""The information matrix of a softmax model and the covariance of its coefficients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve, pinvh

from ..._numpy import cross_entropy_and_grad, softmax
from .._rows import Doubles, linear
from .design import Design

MOST = 2**30  # bytes of one matrix


@dataclass(frozen=True)
class Sums:
    """Sums over the rows, at one point, for K classes and q columns of a design."""

    nll: float  # sum of s_i nll_i
    score: Doubles  # (K - 1, q), the slope of the log-likelihood
    information: Doubles  # (K - 1, q, K - 1, q): sum of s_i (diag(p) - p p') x x'
    squares: Doubles | None  # the same shape: sum of s_i (y - p) (y - p)' x x'


def check_size(num_classes: int, columns: int) -> None:
    """Refuse a matrix that is too large before any memory is taken."""
    side = num_classes * columns
    if 8 * side**2 > MOST:
        raise ValueError(
            f"summary needs a matrix of {num_classes} classes x {columns} coefficients, squared: "
            f"{8 * side**2 / 2**30:.1f} GiB, above the limit of {MOST / 2**30:g} GiB; "
            "merge classes or choose fewer features"
        )


def add_up(
    design: Design,
    target: NDArray[np.int64],
    coef: Doubles,  # (K, D)
    intercept: Doubles,  # (K,)
    squared: Doubles | None,  # (N,) the weights of the squares, if these are wanted
) -> Sums:
    """One pass over the rows.

    With U = p (x) x for all K classes, the blocks of two classes are -U'U. The block of one class
    is the sum over all others of p_k p_l x x', because 1 - p_k is: nothing is subtracted, so a p
    near 1 keeps its digits.
    """
    num_classes, columns = len(coef), design.columns
    side = num_classes * columns
    nll = 0.0
    score = np.zeros((num_classes, columns))
    products = np.zeros((side, side))
    squares = np.zeros((side - columns, side - columns)) if squared is not None else None
    for rows, x, share in design.chunks(num_classes):
        logits = linear(design.X[rows], coef, intercept)
        losses, residual = cross_entropy_and_grad(logits, target[rows], reduction="none")
        nll += float(share @ losses)
        score -= (residual * share[:, None]).T @ x
        wide = _outer(softmax(logits) * np.sqrt(share)[:, None], x)
        products += wide.T @ wide
        if squares is not None and squared is not None:
            wide = _outer(residual[:, 1:] * np.sqrt(squared[rows])[:, None], x)
            squares += wide.T @ wide
    blocks = products.reshape(num_classes, columns, num_classes, columns)
    each = np.arange(num_classes)
    blocks[each, :, each, :] = 0
    own = blocks.sum(axis=2)  # before the signs turn
    np.negative(blocks, out=blocks)
    blocks[each, :, each, :] = own
    shape = (num_classes - 1, columns) * 2
    return Sums(
        nll, score[1:], blocks[1:, :, 1:], None if squares is None else squares.reshape(shape)
    )


def _outer(p: Doubles, x: Doubles) -> Doubles:
    """(n, K) and (n, q) -> (n, K q)."""
    wide: Doubles = (p[:, :, None] * x[:, None, :]).reshape(len(p), -1)
    return wide


def penalty(design: Design, num_classes: int, strength: float) -> Doubles:
    """The second derivative of strength/2 sum coef^2, in differences to the first class.

    The sum of all K rows of coefficients is 0 at the optimum, so that of the squares is
    sum d^2 - (sum d)^2 / K of the K - 1 differences d.
    """
    between = np.eye(num_classes - 1) - 1 / num_classes
    each = np.append(strength / design.scale**2, np.zeros(int(design.intercept)))
    second: Doubles = np.einsum("kl,ij->kilj", between, np.diag(each))
    return second


def inverse(matrix: Doubles, basis: Doubles) -> Doubles:
    """The inverse on the directions of `basis` (q, r); a pseudo-inverse where there is none.

    Args:
        matrix: (K - 1, q, K - 1, q), positive semidefinite.
        basis: orthonormal directions in which it is definite, the same for each class.
    """
    if basis.shape[1] < basis.shape[0]:
        matrix = np.einsum("ia,kilj,jb->kalb", basis, matrix, basis, optimize=True)
    classes, size = matrix.shape[:2]
    flat = matrix.reshape(classes * size, classes * size)
    root = np.sqrt(np.maximum(flat.diagonal(), 0))
    root = np.where(root > 0, root, 1.0)
    even = flat / root / root[:, None]
    try:
        found = cho_solve(cho_factor(even, lower=True), np.eye(len(even)))
    except LinAlgError:
        found = pinvh(even)
    found = (found / root / root[:, None]).reshape(matrix.shape)
    if basis.shape[1] < basis.shape[0]:
        found = np.einsum("ia,kalb,jb->kilj", basis, found, basis, optimize=True)
    whole: Doubles = found
    return whole


def sandwich(bread: Doubles, filling: Doubles | None) -> Doubles:
    """bread filling bread; the bread alone without a filling."""
    if filling is None:
        return bread
    side = bread.shape[0] * bread.shape[1]
    outer, inner = bread.reshape(side, side), filling.reshape(side, side)
    product: Doubles = (outer @ inner @ outer).reshape(bread.shape)
    return product


def deviations(covariance: Doubles, back: Doubles) -> Doubles:
    """(K - 1, q): standard errors of the coefficients of X."""
    variance = np.einsum("ai,kikj,aj->ka", back, covariance, back, optimize=True)
    found: Doubles = np.sqrt(np.maximum(variance, 0))
    return found
