"""A loss as a recipe: the right one by default, and with other ingredients what a mistake gives.

Everything is computed in long doubles with every cancellation avoided, from the definitions.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .battery import Case

LD = np.longdouble
Exact: TypeAlias = Any  # an array of long doubles
BASES = {"e": LD(1), "2": np.log(LD(2)), "10": np.log(LD(10))}


class Softmax(NamedTuple):
    """What the logits of a case say; each (N, V)."""

    p: Exact
    log_p: Exact
    complement: Exact  # 1 - p, every digit right


@np.errstate(all="ignore")
def softmax(z: Exact, axis: int | None = 1) -> Softmax:
    """Probabilities along an axis; with None the whole array is one row."""
    if axis is None:
        whole = softmax(z.reshape(1, -1))
        return Softmax(*(part.reshape(z.shape) for part in whole))
    if axis == 0:
        turned = softmax(z.T)
        return Softmax(*(part.T for part in turned))
    first = np.arange(z.shape[1]) == z.argmax(axis=1)[:, None]
    gap = z - z.max(axis=1, keepdims=True)
    e = np.exp(gap)
    others = np.where(first, LD(0), e).sum(axis=1, keepdims=True)
    log_sum = np.log1p(others)
    complement = np.where(first, others, 1 + (others - e)) / (1 + others)
    return Softmax(e / (1 + others), np.where(first, -log_sum, gap - log_sum), complement)


@dataclass(frozen=True)
class Recipe:
    """How a function computes the loss. A mistake replaces some of the ingredients."""

    softmaxes: int = 1
    axis: int | None = 1
    base: str = "e"
    formula: str = "nll"  # or "argmax", "one-vs-rest", "sigmoids", "sigmoid"
    sign: int = 1
    epsilon: float = 0.0  # added to a probability, or the smallest that is let through
    epsilon_way: str = "add"  # or "clip"
    reduction: str = "mean"  # or "sum", "classes", "entries": what the sum is divided by
    ignored: str = "left out"  # or "counted": in the denominator, "kept": as any other row
    weights: str = "inside"  # or "outside" of the denominator, "unused"
    smoothing: str = "all"  # or "others": V - 1 classes share it, "unused"
    asked: str = "obeyed"  # or "unused": the argument `reduction`

    def value(self, case: "Case") -> Any:
        """The loss of a case: a long double, or (N,) with reduction="none"."""
        return self.reduced(case, self.rows(case))

    @np.errstate(all="ignore")
    def rows(self, case: "Case") -> Exact:
        """The losses of the rows, without their weights where the loss has one target; (N,)."""
        z = case.logits.astype(LD)
        for _ in range(self.softmaxes - 1):
            z = softmax(z).p
        s = softmax(z, self.axis)
        hot = np.arange(z.shape[1]) == case.safe_target[:, None]
        nll = self.nll(z, s, hot)
        a = LD(case.options.get("label_smoothing", 0.0))
        w: Any = self.class_weights(case)
        if a and self.smoothing != "unused":
            dense: Any = -(w * s.log_p)
            if self.smoothing == "others":
                off = np.sum(dense * ~hot, axis=1)
                smooth = (1 - a) * w[case.safe_target] * nll + a / (z.shape[1] - 1) * off
            else:
                smooth = (1 - a) * w[case.safe_target] * nll + a / z.shape[1] * np.sum(
                    dense, axis=1
                )
            return self.sign * smooth / BASES[self.base]
        return self.sign * w[case.safe_target] * nll / BASES[self.base]

    def nll(self, z: Exact, s: Softmax, hot: NDArray[np.bool_]) -> Exact:
        """The loss of each row before weights, in nats."""
        if self.formula == "argmax":
            return -s.log_p.max(axis=1)
        if self.formula == "sigmoid":
            return np.logaddexp(LD(0), -z)[hot]
        if self.formula == "sigmoids":
            return np.sum(np.logaddexp(LD(0), np.where(hot, -z, z)), axis=1)
        if self.formula == "one-vs-rest":
            return -np.sum(np.where(hot, s.log_p, np.log(s.complement)), axis=1)
        if self.epsilon and self.epsilon_way == "add":
            return -np.log(s.p[hot] + LD(self.epsilon))
        if self.epsilon:
            return -np.log(np.clip(s.p[hot], LD(self.epsilon), 1 - LD(self.epsilon)))
        return -s.log_p[hot]

    def class_weights(self, case: "Case") -> Exact:
        """The weights as the recipe uses them; (V,)."""
        given = case.options.get("weight")
        if given is None or self.weights == "unused":
            return np.ones(case.logits.shape[1], LD)
        return np.asarray(given, LD)

    def reduced(self, case: "Case", rows: Exact) -> Any:
        """One number from the losses of the rows, whatever they are."""
        kept = np.ones(len(rows), bool) if self.ignored == "kept" else case.kept
        rows = np.where(kept, rows, LD(0))
        asked = case.options.get("reduction", "mean") if self.asked == "obeyed" else "mean"
        if asked == "none":
            return rows
        total = rows.sum()
        if asked == "sum" or self.reduction == "sum":
            return total
        if self.reduction in ("classes", "entries"):
            return total / (rows.shape[0] ** (self.reduction == "entries") * case.logits.shape[1])
        counted = np.ones(len(rows), bool) if self.ignored == "counted" else kept
        of_rows = np.ones(len(rows), LD)
        if self.weights == "inside":
            of_rows = self.class_weights(case)[case.safe_target]
        denominator = np.where(counted, of_rows, LD(0)).sum()
        return total / denominator if denominator else LD(0)

    def scale(self, case: "Case") -> Any:
        """The loss of a case if each row had lost one nat."""
        ones = np.ones(len(case.target), LD) * self.sign / BASES[self.base]
        return self.reduced(case, ones * self.class_weights(case)[case.safe_target])

    def gradient(self, case: "Case") -> Exact:
        """The gradient by differences, for rows that are not hard: ten digits; (N, V)."""
        step = LD(1e-5)
        found = np.zeros(case.logits.shape, LD)
        wide = case.logits.astype(LD)
        for at in np.ndindex(*wide.shape):
            ends = []
            for sign in (1, -1):
                moved = wide.copy()
                moved[at] += sign * step
                ends.append(np.sum(self.value(case.with_logits(moved))))
            found[at] = (ends[0] - ends[1]) / (2 * step)
        return found

    def short_gradient(self, case: "Case") -> Exact:
        """p - y with the p that the recipe computes last, as if that were all; (N, V)."""
        z = case.logits.astype(LD)
        for _ in range(self.softmaxes - 1):
            z = softmax(z).p
        hot = np.arange(z.shape[1]) == case.safe_target[:, None]
        return (softmax(z, self.axis).p - hot) * (self.scale(case) / len(case.target))

    def exact_gradient(self, case: "Case") -> Exact:
        """p - y in every digit, times what the reduction makes of it, for rows without options."""
        s = softmax(case.logits.astype(LD))
        hot = np.arange(case.logits.shape[1]) == case.safe_target[:, None]
        return np.where(hot, -s.complement, s.p) * (self.scale(case) / len(case.target))


TRUTH = Recipe()
