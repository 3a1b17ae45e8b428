"""The loss from logits."""

from torch import Tensor
from torch.nn._reduction import legacy_get_string

from .._contract import check_mask_options
from ._arguments import as_masked
from ._autograd.loss import loss
from ._errors import as_torch_raises
from ._fast_path import fast_loss
from ._problem import prepare
from ._route import route_of


@as_torch_raises
def cross_entropy(
    input: Tensor,  # (N, V, ...) or (V,)
    target: Tensor,  # (N, ...) or () classes, or probabilities of the input's shape
    weight: Tensor | None = None,  # (V,)
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
    *,
    row_weight: Tensor | None = None,  # (N, ...) or ()
    z_loss: float = 0.0,
    temperature: float | Tensor = 1.0,  # a number, or (N, ...)
    softcap: float | None = None,
    where: Tensor | None = None,  # broadcasts to the input
) -> Tensor:
    """Negative log-likelihood of a softmax; replaces `torch.nn.functional.cross_entropy`.

    With p = softmax(z), w the class weights, r the row weights, a the smoothing, s the z-loss:

        classes        L_i = r_i ((1-a) w_y -log p_y  +  a/V sum_c w_c -log p_c  +  s lse^2)
        probabilities  L_i = r_i (sum_c w_c t'_c -log p_c  +  s lse^2),   t' = (1-a) t + a/V
        mean           sum_i L_i / sum_i r_i w_y   (probabilities: / sum_i r_i)

    On a CPU the kernels read the tensor's own memory and compute the gradient in the same pass as
    the loss; on other devices torch's own operators keep the same contract. Differentiable to any
    order with respect to logits, probabilities, class weights, row weights and temperature; works
    with torch.func, torch.compile, torch.export, autocast and DDP.

    Args:
        input: logits, shape (N, V), (N, V, d1, ...) or (V,); float64, float32, float16, bfloat16.
        target: integers of any width and of the input's shape without the class axis; or floats
            of the input's shape, probabilities that need not sum to one.
        weight: shape (V,), a factor for each class.
        size_average: deprecated, as in torch; use `reduction`.
        ignore_index: rows with this target are skipped.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean", "sum" or "none" (one loss per row).
        label_smoothing: in [0, 1], the share of the target that is spread over all V classes.
        row_weight: shape of a class target, a factor for each row. A row of weight 0 is skipped:
            NaNs in it do not affect other rows.
        z_loss: the factor of lse^2, which keeps the logits from drifting; not multiplied by the
            class weight, but a mean divides by the sum of these all the same.
        temperature: divides the logits; a number, or one number per row.
        softcap: c bounds the logits as c * tanh(z / c), after the temperature T; a cap c that
            comes before it is softcap=c / T.
        where: bool, the classes that count. The others are as if their logits were -inf, whatever
            they are: a target among them costs inf. Not together with label_smoothing.

    Returns:
        A scalar, or with "none" one loss per row; float64 for float64 logits, else float32. In
        nats. Gradients have the dtype of the tensor they belong to.

    Raises:
        TypeError, ValueError, IndexError: an argument does not fit; each is also a RuntimeError. A
            target that is not a class is an IndexError that names the first such row on a CPU; on
            other devices, and inside of torch.func, that row's loss is nan.

    Warns:
        InputKindWarning: the logits look like probabilities or log-probabilities.

    Examples:
        >>> import torch
        >>> logits = torch.tensor([[17.0, 0.0, 0.0]], requires_grad=True)
        >>> loss = cross_entropy(logits, torch.tensor([0]))
        >>> loss.backward()
        >>> print(f"{loss:.7e}", f"{logits.grad[0, 0]:.7e}")
        8.2798749e-08 -8.2798749e-08
        >>> print(torch.nn.functional.cross_entropy(logits, torch.tensor([0])).item())
        0.0

    Differs from torch.nn.functional.cross_entropy: a confident row keeps its digits; a mean over
    no row is 0, not nan; a target probability of 0 meets a logit of -inf as 0, not nan; NaNs in an
    ignored row stay there; the loss of half-precision logits is float32; integer targets may have
    any width; row weights, z-loss, temperature and softcap are extra.

    References:
        J. S. Bridle (1990), "Probabilistic interpretation of feedforward classification network
        outputs", in: Neurocomputing, NATO ASI Series 68 (softmax and the gradient p - y).
        P. Blanchard, D. J. Higham, N. J. Higham (2021), "Accurately computing the log-sum-exp and
        softmax functions", IMA Journal of Numerical Analysis 41.
    """
    if size_average is not None or reduce is not None:
        reduction = legacy_get_string(size_average, reduce)
    if where is not None:
        check_mask_options(label_smoothing)
        input = as_masked("input", input, where)
    if (
        weight is None
        and row_weight is None
        and softcap is None
        and type(label_smoothing) is type(z_loss) is type(temperature) is float
        and label_smoothing == z_loss == 0.0
        and temperature == 1.0
    ):
        value = fast_loss(input, target, ignore_index, reduction)
        if value is not None:
            return value
    route = route_of(input, target, weight, row_weight, temperature=temperature)
    classes, probs, problem = prepare(
        route, input, target, weight, row_weight, ignore_index, label_smoothing, z_loss,
        temperature, softcap, reduction,
    )  # fmt: skip
    return loss(route, input, classes, probs, problem)
