"""A row to 50 digits, in the standard library's decimal arithmetic."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, localcontext

import numpy as np

from .floats import Doubles

Numbers = tuple[Decimal, ...]

_DIGITS, _SPARE = 50, 10
_SHOWN = Context(prec=_DIGITS, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_ZERO, _INF, _NAN = Decimal(0), Decimal("Infinity"), Decimal("NaN")


@dataclass(frozen=True)
class Exact:
    """Every step of a row; scalars are tuples of one number."""

    scaled: Numbers
    maximum: Numbers
    shifted: Numbers
    exp: Numbers
    exp_unshifted: Numbers
    rest: Numbers
    sum: Numbers
    sum_unshifted: Numbers
    prob: Numbers
    log_prob: Numbers
    grad: Numbers
    nll: Numbers
    method_1: Numbers
    method_2: Numbers
    jacobian: Numbers


def exact_row(
    logits: Doubles, target: int, temperature: float, jacobian_of: Sequence[int]
) -> Exact:
    """The steps of one row of logits; the Jacobian of the classes in `jacobian_of`."""
    with localcontext(_work_for(logits, temperature)):
        t = Decimal(temperature)
        z = [Decimal(x) / t for x in logits.tolist()]
        top = int(np.argmax(logits))  # the first nan, if any
        shifted = _shifted(z, top)
        powers = [x.exp() for x in shifted]
        rest = _total(powers[:top] + powers[top + 1 :]) * powers[top]  # a factor of 1, or nan
        sum_ = rest + powers[top]
        # Only the maximum can be nearly the whole sum; the other differences lose no digits.
        others = [rest if j == top else sum_ - x for j, x in enumerate(powers)]
        prob = [x / sum_ for x in powers]
        complement = [x / sum_ for x in others]
        log_sum = sum_.ln()
        surprise = [log_sum - x for x in shifted]
        surprise[top] = _log1p(rest)
        unlikely = [_log1p(a / b) for a, b in zip(powers, others, strict=True)]  # -log(1 - p)
        unshifted = _unshifted(z, powers, top)
        steps = {
            "scaled": z,
            "maximum": [z[top]],
            "shifted": shifted,
            "exp": powers,
            "exp_unshifted": unshifted,
            "rest": [rest],
            "sum": [sum_],
            "sum_unshifted": [_total(unshifted)],
            "prob": prob,
            "log_prob": [-x for x in surprise],
            "nll": [surprise[target]],
            "grad": [(-complement[j] if j == target else p) / t for j, p in enumerate(prob)],
            "jacobian": _jacobian(prob, complement, t, jacobian_of),
            "method_1": [surprise[top]],
            "method_2": [_total([surprise[target], *unlikely[:target], *unlikely[target + 1 :]])],
        }
    return Exact(**{name: _shown(numbers) for name, numbers in steps.items()})


def _jacobian(
    prob: Sequence[Decimal], complement: Sequence[Decimal], t: Decimal, of: Sequence[int]
) -> list[Decimal]:
    return [prob[i] * (complement[i] if i == j else -prob[j]) / t for i in of for j in of]


def _work_for(logits: Doubles, temperature: float) -> Context:
    """Digits to work with: e^x loses one for each digit of x before the decimal point."""
    with np.errstate(over="ignore"):
        finite = np.abs(logits[np.isfinite(logits)]) / temperature
    lost = max(0, Decimal(float(finite.max(initial=0.0))).adjusted())
    return Context(prec=_DIGITS + _SPARE + lost, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def _unshifted(z: Sequence[Decimal], powers: Sequence[Decimal], top: int) -> list[Decimal]:
    """exp(z): a product instead of a second exponential if both factors are in range."""
    if not z[top].is_finite() or z[top].adjusted() > 15:
        return [x.exp() for x in z]
    scale = z[top].exp()
    return [x * scale for x in powers]


def _shifted(z: Sequence[Decimal], top: int) -> list[Decimal]:
    """z - max z; its limit if one logit is +inf, nan if the row has no probabilities."""
    if z[top].is_finite():
        return [x - z[top] for x in z]
    alone = z[top] == _INF and z.count(_INF) == 1
    return [(_ZERO if j == top else -_INF) if alone else _NAN for j in range(len(z))]


def _total(numbers: Sequence[Decimal]) -> Decimal:
    return sum(numbers, _ZERO)


def _log1p(x: Decimal) -> Decimal:
    """log(1 + x), x >= 0, with all digits, including those that 1 + x would drop."""
    if x.adjusted() < -30:
        return x - x * x / 2
    with localcontext() as work:
        work.prec += max(0, -x.adjusted())
        return (1 + x).ln()


def _shown(numbers: Sequence[Decimal]) -> Numbers:
    """The numbers rounded to 50 digits; zero has no sign."""
    return tuple(_SHOWN.plus(x) or _ZERO for x in numbers)


def exact_sum_and_mean(numbers: Sequence[Decimal]) -> Numbers:
    """Their sum and their mean, to 50 digits."""
    with localcontext(_SHOWN) as work:
        work.prec += _SPARE
        return _shown([_total(numbers), _total(numbers) / len(numbers)])
