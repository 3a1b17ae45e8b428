"""The layer for handwritten networks, and the two losses that beginners' texts show."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from cases import HARD_NAMES, hard_rows
from checks import assert_identical, assert_ulps, dtype_of


class TwoLayers:
    """x -> max(0, x A + a) B + b, trained by plain gradient descent; the usual 30 lines."""

    def __init__(self, sizes: tuple[int, int, int], last: Any, seed: int = 0):
        rng = np.random.default_rng(seed)
        inputs, hidden, classes = sizes
        self.A, self.a = (
            rng.standard_normal((inputs, hidden)) * np.sqrt(2 / inputs),
            np.zeros(hidden),
        )
        self.B, self.b = (
            rng.standard_normal((hidden, classes)) * np.sqrt(1 / hidden),
            np.zeros(classes),
        )
        self.last = last

    def forward(self, x: Any) -> Any:
        self.x = x
        self.h = np.maximum(0, x @ self.A + self.a)
        return self.h @ self.B + self.b

    def loss(self, x: Any, target: Any) -> float:
        return float(self.last.forward(self.forward(x), target))

    def step(self, rate: float) -> None:
        d = self.last.backward()
        dh = (d @ self.B.T) * (self.h > 0)
        self.B -= rate * self.h.T @ d
        self.b -= rate * d.sum(axis=0)
        self.A -= rate * self.x.T @ dh
        self.a -= rate * dh.sum(axis=0)


def digits() -> tuple[Any, Any]:
    data = pytest.importorskip(
        "sklearn.datasets", reason="scikit-learn has the digits"
    ).load_digits()
    return data.data[:300] / 16 - 0.5, data.target[:300]


def blobs() -> tuple[Any, Any]:
    """Three clusters with little overlap."""
    rng = np.random.default_rng(1)
    target = np.arange(300) % 3
    return rng.standard_normal((300, 2)) + 6 * np.eye(3)[target][:, :2], target


@pytest.mark.needs("SoftmaxWithLoss")
# real digits, which the first readers know; made-up clouds, which need nothing installed
@pytest.mark.parametrize(("data", "bound"), [(digits, 0.25), (blobs, 0.10)])
def test_a_network_of_thirty_lines_learns(face: Any, data: Any, bound: float) -> None:
    x, target = data()
    classes = target.max() + 1
    net = TwoLayers((x.shape[1], 32, classes), face.SoftmaxWithLoss())
    first = net.loss(x, target)
    for _ in range(100):
        net.loss(x, target)
        net.step(0.5)
    last = net.loss(x, target)
    assert first > np.log(classes) * 0.8
    assert last < bound
    assert (net.forward(x).argmax(axis=1) == target).mean() > 0.95


@pytest.mark.needs("SoftmaxWithLoss")
def test_the_three_lines_give_the_same_gradient(face: Any) -> None:
    """p = exp(a) / sum(exp(a)); da = copy(p); da[target] -= 1: right until exp overflows."""
    layer = face.SoftmaxWithLoss()
    for seed in range(20):
        a = np.random.default_rng(seed).standard_normal(7) * 3
        target = seed % 7
        p = np.exp(a) / np.sum(np.exp(a))
        da = np.copy(p)
        da[target] -= 1
        layer.forward(a[None], np.array([target]))
        np.testing.assert_allclose(layer.backward()[0], da, rtol=1e-12, atol=1e-15)
    with np.errstate(over="ignore", invalid="ignore"):
        a = np.array([1000.0, 0.0])
        assert np.isnan(np.exp(a) / np.sum(np.exp(a))).any()
    layer.forward(a[None], np.array([1]))
    np.testing.assert_array_equal(layer.backward(), [[1, -1]])


@pytest.mark.needs("SoftmaxWithLoss")
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_the_layer_is_the_function(face: Any, dense: bool) -> None:
    z = np.random.default_rng(2).standard_normal((5, 4))
    target = np.random.default_rng(3).dirichlet(np.ones(4), 5) if dense else np.arange(5) % 4
    layer = face.SoftmaxWithLoss()
    loss, grad = face.cross_entropy_and_grad(z, target)
    before = z.tobytes()
    assert_identical(layer.forward(z, target), loss, "loss")
    assert_identical(layer.backward(), grad, "gradient")
    assert_identical(layer.backward(), grad, "the gradient asked for a second time")
    assert_identical(layer.backward(2.0), 2 * grad, "twice the upstream gradient")
    assert_identical(layer.backward(), grad, "and once again")
    assert z.tobytes() == before


@pytest.mark.needs("SoftmaxWithLoss")
def test_the_layer_keeps_nothing_of_the_batch_before(face: Any) -> None:
    layer = face.SoftmaxWithLoss()
    z = np.array([[5.0, 0.0, 1.0]])
    for y in (0, 1, 2, 0):
        loss, grad = face.cross_entropy_and_grad(z, np.array([y]))
        assert_identical(layer.forward(z, np.array([y])), loss, f"loss of {y}")
        assert_identical(layer.backward(), grad, f"gradient of {y}")
    wide = np.zeros((3, 8)) - 1
    layer.forward(wide, np.zeros(3, int))
    assert layer.backward().shape == (3, 8)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("index", range(len(HARD_NAMES)), ids=HARD_NAMES)
def test_min_entropy_and_one_vs_rest_on_hard_rows(face: Any, dtype: str, index: int) -> None:
    """-log max p needs no label; -log p_y - sum log(1 - p_j) needs no epsilon."""
    row = hard_rows(dtype_of(dtype))[index]
    r = oracle.rows(row.logits[None])
    result, limit = RESULT_DTYPE[dtype], ULPS[dtype].nll
    z = face.array(row.logits[None])
    low = face.numpy(face.min_entropy(z))
    assert_ulps(low, -r.log_p.max(axis=1), result, limit, f"min_entropy: {row.reason}")
    for y in row.targets:
        exact = oracle.one_vs_rest(r, np.array([y]))
        for reduction in ("none", "mean", "sum"):
            loss = face.one_vs_rest_nll(z, np.array([y]), reduction=reduction)
            want = exact if reduction == "none" else exact[0]
            what = f"one_vs_rest_nll: {row.reason}"
            assert_ulps(face.numpy(loss), want, result, limit, what)


def test_one_vs_rest_at_the_edges(face: Any) -> None:
    """Confident and right, confident and wrong, and probabilities of 0: no nan."""
    z = np.array([[40.0, 0, 0], [40.0, 0, 0], [0, -np.inf, 1], [-np.inf, 0, 1]])
    loss = face.numpy(face.one_vs_rest_nll(z, np.array([0, 1, 2, 0]), reduction="none"))
    exact = oracle.one_vs_rest(oracle.rows(z), np.array([0, 1, 2, 0]))
    assert_ulps(loss, exact, np.float64, ULPS["float64"].nll, "one_vs_rest_nll")
    assert loss[3] == np.inf
    assert face.one_vs_rest_nll(np.array([[7.0]]), np.array([0])) == 0
