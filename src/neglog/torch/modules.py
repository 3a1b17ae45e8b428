"""Losses and activations as modules: subclasses of torch's, with the functions of this package."""

from typing import Any

from torch import Tensor, nn

from . import activations, binary, likelihood, linear, losses
from ._errors import TorchTypeError, TorchValueError


class CrossEntropyLoss(nn.CrossEntropyLoss):
    """Negative log-likelihood of a softmax as a module: `cross_entropy` with its settings.

    Takes the arguments of torch.nn.CrossEntropyLoss, and loads its state. It is also an instance of
    it.

    Args:
        weight: shape (V,), a factor for each class; a buffer of the module.
        size_average: deprecated, as in torch; use `reduction`.
        ignore_index: rows with this target are skipped.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean", "sum" or "none".
        label_smoothing: in [0, 1], the share of the target that is spread over all classes.
        z_loss: the factor of lse^2.
        temperature: divides the logits; a number, or a tensor of one number. An nn.Parameter is
            trained.
        softcap: c bounds the logits as c * tanh(z / c).

    Examples:
        >>> import torch
        >>> loss = CrossEntropyLoss(label_smoothing=0.1)
        >>> loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))
        tensor(0.2269)
        >>> loss
        CrossEntropyLoss(ignore_index=-100, reduction='mean', label_smoothing=0.1, z_loss=0.0,
            temperature=1.0, softcap=None)

    Differs from torch.nn.CrossEntropyLoss: as `cross_entropy` from torch's; z-loss, temperature
    and softcap are extra.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
        *,
        z_loss: float = 0.0,
        temperature: float | Tensor = 1.0,
        softcap: float | None = None,
    ) -> None:
        super().__init__(weight, size_average, ignore_index, reduce, reduction, label_smoothing)
        self.z_loss = z_loss
        self.temperature = temperature
        self.softcap = softcap

    def forward(self, input: Tensor, target: Tensor, *, row_weight: Tensor | None = None) -> Tensor:
        """The loss of a batch; arguments and result as for `cross_entropy`."""
        return losses.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
            row_weight=row_weight,
            z_loss=self.z_loss,
            temperature=self.temperature,
            softcap=self.softcap,
        )

    def extra_repr(self) -> str:
        names = ("ignore_index", "reduction", "label_smoothing", "z_loss", "temperature", "softcap")
        return _settings(self, ("weight",), names)


class LinearCrossEntropyLoss(nn.modules.loss._WeightedLoss):
    """A linear layer and the loss of its logits as a module: `linear_cross_entropy`.

    Takes the arguments of torch.nn.LinearCrossEntropyLoss, and loads its state: the layer's
    parameters are `linear.weight` and `linear.bias`. `loss.linear.weight = embedding.weight` ties
    them.

    `linear` may be replaced, or have hooks: an adapter (LoRA), a quantised layer. The loss is then
    that of the logits which this layer computes, all of them at once: `memory` and `grad_tolerance`
    have no effect. A layer with parametrizations has weights like any other.

    Args:
        in_features: D, the size of a row of the input.
        num_classes: V.
        out_features: (), the only one: V x d1 x ... outputs per row are not supported.
        bias: whether the layer has one.
        device: where the layer's parameters are made.
        dtype: of the layer's parameters.
        reduction: "mean", "sum" or "none".
        weight: shape (V,), a factor for each class; a buffer of the module.
        ignore_index: rows with this target are skipped; None means -100.
        label_smoothing: in [0, 1], the share of the target that is spread over all classes.
        options: None; the loss is always computed in chunks, see `memory`.
        z_loss: the factor of lse^2.
        temperature: divides the logits; a number, or a tensor of one number.
        softcap: c bounds the logits as c * tanh(z / c).
        memory: bytes for a chunk of logits, see `neglog.torch.linear_cross_entropy`.
        grad_tolerance: in [0, 1); entries of p - y up to it are combined.

    Examples:
        >>> import torch
        >>> loss = LinearCrossEntropyLoss(2, 3)
        >>> _ = torch.nn.init.ones_(loss.linear.weight)
        >>> loss(torch.tensor([[2.0, 0.0]]), torch.tensor([0])).detach()
        tensor(1.0986)

    Differs from torch.nn.LinearCrossEntropyLoss: as `linear_cross_entropy` from torch's; z_loss,
    temperature, softcap, memory and grad_tolerance are extra.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        out_features: tuple[int, ...] = (),
        bias: bool = False,
        device: Any = None,
        dtype: Any = None,
        reduction: str = "mean",
        weight: Tensor | None = None,
        ignore_index: int | None = None,
        label_smoothing: float = 0.0,
        options: None = None,
        z_loss: float = 0.0,
        temperature: float | Tensor = 1.0,
        softcap: float | None = None,
        memory: int | None = None,
        grad_tolerance: float = 0.0,
    ) -> None:
        if tuple(out_features):
            raise TorchValueError(
                f"out_features must be (), got {out_features}: one row has one target here; for"
                " more, reshape the outputs of nn.Linear and pass them to CrossEntropyLoss"
            )
        if options is not None:
            raise TorchTypeError(
                f"options must be None, got {options!r}; memory sets the size of a chunk"
            )
        super().__init__(weight, None, None, reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.linear = nn.Linear(in_features, num_classes, bias, device, dtype)
        self.z_loss, self.temperature = z_loss, temperature
        self.softcap, self.memory, self.grad_tolerance = softcap, memory, grad_tolerance

    def forward(self, input: Tensor, target: Tensor, *, row_weight: Tensor | None = None) -> Tensor:
        """The loss of a batch; arguments and result as for `linear_cross_entropy`."""
        options: dict[str, Any] = {
            "weight": self.weight,
            "reduction": self.reduction,
            "label_smoothing": self.label_smoothing,
            "row_weight": row_weight,
            "z_loss": self.z_loss,
            "temperature": self.temperature,
            "softcap": self.softcap,
        }
        if not linear.is_plain(self.linear):
            return linear.loss_of_layer(self.linear, input, target, self.ignore_index, **options)
        return linear.linear_cross_entropy(
            input,
            self.linear.weight,
            target,
            linear_bias=self.linear.bias,
            ignore_index=self.ignore_index,
            memory=self.memory,
            grad_tolerance=self.grad_tolerance,
            **options,
        )

    def extra_repr(self) -> str:
        names = ("num_classes", "ignore_index", "reduction", "label_smoothing", "z_loss")
        return _settings(
            self, ("weight",), (*names, "temperature", "softcap", "memory", "grad_tolerance")
        )


class NLLLoss(nn.NLLLoss):
    """Negative log-likelihood of log-probabilities as a module: `nll_loss` with its settings.

    Takes the arguments of torch.nn.NLLLoss, and loads its state. It is also an instance of it.

    Args:
        weight: shape (V,), a factor for each class; a buffer of the module.
        size_average: deprecated, as in torch; use `reduction`.
        ignore_index: rows with this target are skipped.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean", "sum" or "none".

    Examples:
        >>> import torch
        >>> loss = NLLLoss(reduction="sum")
        >>> loss(torch.tensor([[0.25, 0.75]]).log(), torch.tensor([0]))
        tensor(1.3863)
        >>> loss
        NLLLoss(ignore_index=-100, reduction='sum')

    Differs from torch.nn.NLLLoss: as `nll_loss` from torch's.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch; arguments and result as for `nll_loss`."""
        return likelihood.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )

    def extra_repr(self) -> str:
        return _settings(self, ("weight",), ("ignore_index", "reduction"))


class BCEWithLogitsLoss(nn.BCEWithLogitsLoss):
    """Negative log-likelihood of yes and no as a module: `binary_cross_entropy_with_logits`.

    Takes the arguments of torch.nn.BCEWithLogitsLoss, and loads its state. It is also an instance
    of it.

    Args:
        weight: broadcasts to the input's shape, a factor for each element; a buffer of the module.
        size_average: deprecated, as in torch; use `reduction`.
        reduce: deprecated, as in torch; use `reduction`.
        reduction: "mean", "sum" or "none".
        pos_weight: broadcasts to the input's shape, a factor for yes; a buffer of the module.

    Examples:
        >>> import torch
        >>> loss = BCEWithLogitsLoss(pos_weight=torch.tensor([2.0]))
        >>> loss(torch.tensor([0.0]), torch.tensor([1.0]))
        tensor(1.3863)
        >>> loss
        BCEWithLogitsLoss(pos_weight=(1,), reduction='mean')

    Differs from torch.nn.BCEWithLogitsLoss: as `binary_cross_entropy_with_logits` from torch's.
    """

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of a batch; arguments and result as for `binary_cross_entropy_with_logits`."""
        return binary.binary_cross_entropy_with_logits(
            input, target, self.weight, pos_weight=self.pos_weight, reduction=self.reduction
        )

    def extra_repr(self) -> str:
        return _settings(self, ("weight", "pos_weight"), ("reduction",))


class Softmax(nn.Softmax):
    """Probabilities along one axis as a module: `softmax` with its `dim`.

    Args:
        dim: the axis whose entries sum to one. None is deprecated, as in torch.

    Examples:
        >>> import torch
        >>> Softmax(dim=1)(torch.zeros(1, 4))
        tensor([[0.2500, 0.2500, 0.2500, 0.2500]])

    Differs from torch.nn.Softmax, of which it is an instance: as `softmax` from torch's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The probabilities; argument and result as for `softmax`."""
        return activations.softmax(input, self.dim, _stacklevel=5)


class LogSoftmax(nn.LogSoftmax):
    """Log-probabilities along one axis as a module: `log_softmax` with its `dim`.

    Args:
        dim: the axis whose probabilities sum to one. None is deprecated, as in torch.

    Examples:
        >>> import torch
        >>> LogSoftmax(dim=0)(torch.zeros(2))
        tensor([-0.6931, -0.6931])

    Differs from torch.nn.LogSoftmax, of which it is an instance: as `log_softmax` from torch's.
    """

    def forward(self, input: Tensor) -> Tensor:
        """The log-probabilities; argument and result as for `log_softmax`."""
        return activations.log_softmax(input, self.dim, _stacklevel=5)


def _settings(module: nn.Module, buffers: tuple[str, ...], names: tuple[str, ...]) -> str:
    """Settings for a repr: each by its value, a buffer by its shape, unless it is None."""
    held: list[tuple[str, Any]] = [(name, getattr(module, name)) for name in buffers]
    parts = [f"{name}={tuple(value.shape)}" for name, value in held if value is not None]
    return ", ".join(parts + [f"{name}={getattr(module, name)!r}" for name in names])
