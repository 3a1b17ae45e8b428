"""What the checker says of the libraries that people use: what is known to be wrong with them."""

import warnings
from typing import Any

import numpy as np
import pytest
from checker_helpers.planted import planted
from scipy.special import log_softmax, logsumexp
from sklearn.metrics import log_loss

from neglog import check_loss, linear_cross_entropy
from neglog.checker import check_linear_loss
from neglog.testing import assert_loss


def by_log_softmax(z: Any, y: Any) -> Any:
    return -log_softmax(z, axis=1)[np.arange(len(y)), y].mean()


def by_logsumexp(z: Any, y: Any) -> Any:
    return (logsumexp(z, axis=1) - z[np.arange(len(y)), y]).mean()


def by_log_loss(p: Any, y: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return log_loss(y, p, labels=[0, 1, 2])


NUMPY_INDEXING = {"target-range", "half-result"}


def test_scipy() -> None:
    found = check_loss(by_log_softmax)
    assert set(found.codes) == {"cancellation", "integer-logits"} | NUMPY_INDEXING
    assert next(f for f in found if f.code == "cancellation").got == 0
    assert set(check_loss(by_logsumexp).codes) == {"cancellation"} | NUMPY_INDEXING


def test_scikit_learn() -> None:
    assert check_loss(by_log_loss).codes == ("probabilities", "epsilon")
    (finding,) = check_loss(by_log_loss, convention="probabilities")
    assert (finding.code, finding.variant) == ("epsilon", "clip")
    assert finding.values["size"] == "2.22e-16"


def test_torch() -> None:
    torch = pytest.importorskip("torch")
    found = check_loss(torch.nn.functional.cross_entropy)
    assert set(found.codes) == {
        "half-sums",
        "ignored-leak",
        "empty-mean",
        "cancellation",
        "gradient-cancellation",
    }
    assert found.ok
    assert all(f.got == 0 for f in found if f.code == "cancellation")


def test_an_assertion_shows_the_report() -> None:
    assert assert_loss(planted("cancellation")).codes[0] == "cancellation"
    with pytest.raises(AssertionError, match="log1p"):
        assert_loss(planted("cancellation"), level="imprecise")
    with pytest.raises(AssertionError, match="no-shift"):
        assert_loss(planted("no-shift"))
    assert not assert_loss(planted("no-shift"), level="wrong").at_least("wrong")
    with pytest.raises(ValueError, match="level must be one of wrong, fragile, imprecise"):
        assert_loss(planted(), level="perfect")  # type: ignore[arg-type]


def test_nothing_is_found_in_our_linear_losses() -> None:
    torch_face = pytest.importorskip("neglog.torch", exc_type=ImportError)
    assert check_linear_loss(linear_cross_entropy).codes == ()
    assert check_linear_loss(torch_face.linear_cross_entropy).codes == ()


def head(h: Any, c: Any, y: Any, bias: Any = None, ignore_index: int = -100) -> Any:
    """A correct one in torch; `switched` turns parts of it off."""
    import torch

    z = h @ c.T
    if bias is not None and "bias" not in switched:
        z = z + bias
    log_p = z.log_softmax(1)
    kept = y != ignore_index
    losses = torch.where(kept, -log_p[torch.arange(len(y)), y * kept], 0)
    return losses.sum() / (len(y) if "ignored-rows" in switched else kept.sum().clamp(min=1))


switched: set[str] = set()


def detached(h: Any, c: Any, y: Any) -> Any:
    return head(h.detach(), c, y)


def scaled(h: Any, c: Any, y: Any) -> Any:
    return head(2 * h, c, y)


def once(h: Any, c: Any, y: Any) -> Any:
    """Its gradient forgets the factor from above."""
    import torch

    class Forgetful(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, h: Any, c: Any) -> Any:
            with torch.enable_grad():
                leaves = [x.detach().requires_grad_() for x in (h, c)]
                loss = head(*leaves, y)
            ctx.grads = torch.autograd.grad(loss, leaves)
            return loss.detach()

        @staticmethod
        def backward(ctx: Any, above: Any) -> Any:
            return ctx.grads

    return Forgetful.apply(h, c)


@pytest.mark.parametrize("code", ["", "bias", "ignored-rows"])
def test_a_mistake_in_a_linear_loss_is_named(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setitem(head.__globals__, "switched", {code})
    found = check_linear_loss(head, framework="torch")
    assert found.codes == ((code,) if code else ())
    assert all(finding.sentence in " ".join(found.to_text(400).split()) for finding in found)


def test_a_wrong_gradient_of_a_linear_loss_is_named() -> None:
    pytest.importorskip("torch")
    found = check_linear_loss(detached, framework="torch")
    assert found.codes == ("head-no-gradient",)
    assert found[0].values["what"] == "hidden"
    assert "head-value" in check_linear_loss(scaled, framework="torch").codes
    assert check_linear_loss(once, framework="torch").codes[0] == "upstream"
