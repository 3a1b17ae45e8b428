"""What arguments mean: checks, error texts and row weights, for any array library.

Shapes, numbers and names come in; N x V values are read only where a frame holds them as objects.
Every check raises and says which argument, what was expected, what came, and the way out.
"""

import operator
import os.path
import sys
import warnings
from typing import Any, NamedTuple

import numpy as np

REDUCTIONS = ("mean", "sum", "none")
_INSTEAD = (
    "",
    "probabilities (each row looked at lies in [0, 1] and sums to 1); if they are, call"
    " nll_loss(log(p), target)",
    "log-probabilities (no entry is above 0 and their exponentials sum to 1); if they are, call"
    " nll_loss(log_probs, target), which gives the same loss and does not warn",
)


class RowStats(NamedTuple):
    """One number a row, each of the target's shape; nll, lse and entropy in nats."""

    nll: Any
    lse: Any
    entropy: Any
    argmax: Any


class InputKindWarning(UserWarning):
    """The logits look like probabilities or log-probabilities, which other functions take.

    `nll_loss(log_probs, target)` says that log-probabilities are meant, and does not warn.
    """


def warn_input_kind(kind: int) -> None:
    """Warn at the line outside this package that passed such logits; 0 means logits."""
    if kind:
        package, level = os.path.dirname(__file__) + os.sep, 1
        frame = sys._getframe()
        while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
            frame, level = frame.f_back, level + 1
        text = f"logits expected, but these look like {_INSTEAD[kind]}"
        warnings.warn(text, InputKindWarning, stacklevel=level)


def as_number(name: str, value: Any) -> float:
    """A real number as a float; bool, text, complex numbers and arrays are refused."""
    if type(value) in (float, int):  # not bool, which is an int of another type
        return float(value)
    refused = isinstance(value, (bool, np.bool_, str, bytes, bytearray))
    if not refused and not getattr(value, "shape", ()) and hasattr(value, "__float__"):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            pass
    raise TypeError(f"{name} must be a real number, got {value!r}; pass a float")


def as_share(name: str, value: Any) -> float:
    """A number in [0, 1]."""
    number = as_number(name, value)
    if not 0.0 <= number <= 1.0:
        raise ValueError(f"{name} must lie in [0, 1], got {number}")
    return number


def as_factor(name: str, value: Any) -> float:
    """A finite number >= 0."""
    number = as_number(name, value)
    if not 0.0 <= number < np.inf:
        raise ValueError(f"{name} must be finite and not negative, got {number}; 0 turns it off")
    return number


def as_positive(name: str, value: Any, off: str) -> float:
    """A finite number > 0; `off` is the value that turns the option off."""
    number = as_number(name, value)
    if not 0.0 < number < np.inf:
        raise ValueError(f"{name} must be finite and above 0, got {number}; {off} turns it off")
    return number


def as_integer(name: str, value: Any) -> int:
    """An integer that fits in 64 bits."""
    if type(value) is not int:
        if isinstance(value, (bool, np.bool_)) or not hasattr(value, "__index__"):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        value = operator.index(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"{name} must fit in a 64-bit integer, got {value}")
    return int(value)


def check_reduction(reduction: Any) -> None:
    """One of the three."""
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ValueError(f'reduction must be "mean", "sum" or "none", got {reduction!r}')


def from_objects(name: str, value: Any, array: Any) -> Any:
    """The numbers of a frame whose own array holds objects; other arrays as they are.

    pandas does this for its nullable types and for those of pyarrow.
    """
    if not array.ndim:  # what is neither an array nor a list is one object
        what = "None" if value is None else f"a {type(value).__name__}"
        raise unreadable(name, value, f"it is {what}")
    dtypes = getattr(value, "dtypes", None)
    if dtypes is None or not hasattr(value, "to_numpy"):
        return array
    one = hasattr(dtypes, "kind") or hasattr(dtypes, "numpy_dtype")
    kinds = [_numpy_dtype(each) for each in ((dtypes,) if one else dtypes)]
    text = [j for j, kind in enumerate(kinds) if kind is None or kind.kind not in "fiub"]
    if one and text:
        return array
    if text:
        column = getattr(value, "columns", range(len(kinds)))[text[0]]
        raise TypeError(
            f"every column of {name} must hold numbers, but {column!r} is no number; pass"
            f" {name}.select_dtypes('number')"
        )
    return _frame_numbers(name, value, np.result_type(*set(kinds)))


def _numpy_dtype(dtype: Any) -> Any:
    """NumPy's dtype of a frame's; None if it has none, as text and categories."""
    try:
        return np.dtype(getattr(dtype, "numpy_dtype", dtype))
    except TypeError:
        return None


def _frame_numbers(name: str, frame: Any, dtype: Any) -> Any:
    """The numbers in this dtype; a missing float is nan."""
    missing = {"na_value": np.nan} if dtype.kind == "f" else {}
    try:
        return frame.to_numpy(dtype=dtype, **missing)
    except (TypeError, ValueError) as error:
        way = "fillna(-100), and the rows are ignored" if name == "target" else "fillna(...)"
        raise ValueError(f"{name} has missing values; fill them with {name}.{way}") from error


def unreadable(name: str, value: Any, reason: Any) -> TypeError:
    """The error for a value that is no array, which says what to pass instead."""
    if type(value).__module__.partition(".")[0] == "torch":
        way = f"{name}{_tensor_steps(value)}, or the tensor to the same function of neglog.torch"
    elif hasattr(value, "toarray"):  # SciPy's sparse matrices and arrays
        way = f"{name}.toarray()"
    elif hasattr(value, "values") and hasattr(value, "keys"):
        way = f"list({name}.values())"
    elif hasattr(value, "__next__"):
        way = f"list({name})"
    else:
        way = "an array or a list of numbers, rectangular and in the CPU's memory"
    return TypeError(f"{name} cannot be read as an array ({reason}); pass {way}")


def _tensor_steps(tensor: Any) -> str:
    """The calls that make a tensor one that NumPy reads."""
    steps = {
        ".detach()": tensor.requires_grad,
        ".to_dense()": str(tensor.layout) != "torch.strided",
        ".cpu()": tensor.device.type != "cpu",
        ".float()": tensor.is_floating_point()
        and not tensor.dtype.is_complex
        and str(tensor.dtype) not in ("torch.float64", "torch.float32", "torch.float16"),
    }
    return "".join(step for step, needed in steps.items() if needed)


def class_way_out(name: str, kind: str) -> str:
    """How values of this kind of dtype become classes."""
    if kind in "USOT":
        return (
            f"names become classes by np.unique({name}, return_inverse=True)[1] if the classes are"
            f" in alphabetical order, or else by [class_names.index(y) for y in {name}]"
        )
    return f"pass np.asarray({name}).astype(np.int64) if every value is a whole number"


def class_axis(axis: Any, shape: tuple[int, ...]) -> int:
    """The class axis counted from 0; there is at least one class."""
    index, ndim = as_integer("axis", axis), len(shape)
    if not ndim:
        raise ValueError("logits must have a class axis, got a single number; pass shape (V,)")
    if not -ndim <= index < ndim:
        raise np.exceptions.AxisError(
            f"axis must be in {-ndim}..{ndim - 1} for logits of shape {shape}, got {index}"
        )
    if not shape[index]:
        raise ValueError(f"logits must have at least one class, got shape {shape}, axis {index}")
    return index % ndim


def class_axes(axis: Any, shape: tuple[int, ...]) -> tuple[int, ...]:
    """One class axis or several, counted from 0; None: all of them."""
    if axis is not None and not isinstance(axis, (tuple, list)):
        return (class_axis(axis, shape),)
    axes = tuple(class_axis(one, shape) for one in (range(len(shape)) if axis is None else axis))
    if not axes or len(set(axes)) < len(axes):
        raise ValueError(
            f"axis must name one axis or more of the logits, each once, got {axis} for shape"
            f" {shape}; None means all"
        )
    return axes


def check_mask(is_bool: bool, dtype: str, got: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """A mask of classes is bool and can be broadcast to the shape of the logits."""
    if not is_bool:
        raise TypeError(f"where must be bool, True where a class counts, got {dtype}")
    sizes = zip(reversed(got), reversed(shape), strict=False)
    if len(got) > len(shape) or any(size not in (1, whole) for size, whole in sizes):
        raise ValueError(f"where must broadcast to the logits' shape {shape}, got {got}")


def check_mask_options(label_smoothing: float) -> None:
    """Smoothing spreads over all classes, also those outside of the mask, where it would be inf."""
    if label_smoothing:
        raise ValueError(
            f"label_smoothing must be 0 with where, got {label_smoothing}; pass the smoothed target"
            " as probabilities, 0 outside of the mask"
        )


def without_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    """The shape of row numbers: the logits' without the class axis."""
    return shape[:axis] + shape[axis + 1 :]


def check_shape(name: str, got: tuple[int, ...], expected: tuple[int, ...], meaning: str) -> None:
    """The shape is exactly the expected one."""
    if got != expected:
        same = np.prod(got) == np.prod(expected)
        way = f"; {name}.reshape({expected}) has it" if same else ""
        raise ValueError(f"{name} must have shape {expected}, {meaning}, got {got}{way}")


def refuse_target(
    target: tuple[int, ...], kind: str, logits: tuple[int, ...], rows: tuple[int, ...]
) -> None:
    """Raise an error that explains both forms of a target."""
    way = "" if np.prod(target) != np.prod(rows) else f"; target.reshape({rows}) has its shape"
    if kind == "floats" and target == rows:
        way = "; if these floats are classes, fill those that are nan and cast target to int64"
    if kind == "integers" and target == logits:
        way = "; if these are one-hot rows, cast target to the logits' dtype"
    raise ValueError(
        f"target must be classes (integers of shape {rows}, the logits' shape without the class"
        f" axis) or probabilities (floats of the logits' shape {logits}), got {kind} of shape"
        f" {target}{way}"
    )


def refuse_class(name: str, row: tuple[int, ...], value: Any, num_classes: int) -> None:
    """Raise an error that names the first class that does not exist."""
    where = f"[{', '.join(map(str, row))}]" if row else ""
    raise IndexError(
        f"{name}{where} is {value}, but there are {num_classes} classes, 0 to"
        f" {num_classes - 1}; to skip a row, set its target to ignore_index"
    )


def check_no_ignored_class(ignore_index: int) -> None:
    """With a target of probabilities no class can be ignored."""
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index must not be a class when target holds probabilities, got"
            f" {ignore_index}; leave rows out with row_weight=0"
        )
