"""Answers to the exercises of chapters 1 to 5: right ones, wrong ones with their messages."""

from typing import Any

import numpy as np

import neglog

RIGHT: dict[str, list[Any]] = {}
WRONG: dict[str, list[tuple[Any, str]]] = {}


def shifted(z):
    e = np.exp(z - z.max())
    return e / e.sum()


RIGHT["check_softmax"] = [lambda z: np.exp(z) / np.exp(z).sum(), lambda z: list(neglog.softmax(z))]
WRONG["check_softmax"] = [
    (np.exp, "probabilities sum to 1"),
    (lambda z: z / z.sum(), "ratio"),
    (lambda z: np.exp(-z) / np.exp(-z).sum(), "order"),
    (lambda z: 2.0**z / (2.0**z).sum(), "ratio"),
    (lambda z: 1 / (1 + np.exp(-z)), "sum"),
    (lambda z: 1 / 0, "ZeroDivisionError"),
    (lambda z: None, "return"),
    (3, "function itself"),
]

RIGHT["check_stable_softmax"] = [shifted]
WRONG["check_stable_softmax"] = [
    (lambda z: np.exp(z) / np.exp(z).sum(), "which constant"),
    (lambda z: np.exp(z - z.mean()) / np.exp(z - z.mean()).sum(), "which constant"),
]

RIGHT["check_temperature"] = [1 / np.log(10), 0.434294, 0.4343]
WRONG["check_temperature"] = [
    (np.log(10), "ratio"),
    (10, "ratio"),
    ("warm", "not a number"),
    (0.5, "ratio"),
]

RIGHT["check_unhappiness"] = [lambda p, y: -np.log(p[y])]
WRONG["check_unhappiness"] = [
    (lambda p, y: -np.log(max(p)), "most probable"),
    (lambda p, y: np.log(p[y]), "never negative"),
    (lambda p, y: -np.log10(p[y]), "base 10"),
    (lambda p, y: -np.log2(p[y]), "base 2"),
    (lambda p, y: -np.log(p).sum(), "one entry"),
    (lambda p, y: -np.log(p), "shape"),
]

RIGHT["check_clueless"] = [np.log, lambda v: -np.log(1 / v)]
WRONG["check_clueless"] = [
    (lambda v: 1 / v, "which probability"),
    (lambda v: 0.0, "which"),
    (np.log2, "which"),
]

RIGHT["check_typical_probability"] = [
    lambda p: np.exp(np.mean(np.log(p))),
    lambda p: np.prod(p) ** (1 / len(p)),
]
WRONG["check_typical_probability"] = [
    (np.mean, "mean of the losses"),
    (lambda p: -np.mean(np.log(p)), "undo"),
    (np.prod, "back to a probability"),
]

RIGHT["check_blind_row"] = [([0, 9, 0], 0), (np.array([-10.0, 10.0]), 0)]
WRONG["check_blind_row"] = [
    (([0, 9, 0], 1), "make the loss large"),
    (([0, 1, 0], 0), "more confident"),
    (([0, 9, 0], 7), "pair"),
    (5, "pair"),
    (([[0, 9, 0]], [0]), "pair"),
    (([np.nan, 1], 0), "more confident"),
]


def method_2(z, y):
    p = neglog.softmax(z)
    return -np.log(p[y]) - sum(np.log(1 - p[j]) for j in range(len(p)) if j != y)


RIGHT["check_method_2"] = [method_2, neglog.one_vs_rest_nll]
WRONG["check_method_2"] = [
    (lambda z, y: -np.log(neglog.softmax(z)[y]), "target's term"),
    (lambda z, y: -np.log(neglog.softmax(z)[y]) - np.log(1 - neglog.softmax(z)).sum(), "twice"),
    (lambda z, y: -np.log(neglog.softmax(z)).sum(), "improbable"),
    (lambda z, y: 0.0, "add"),
]

RIGHT["check_no_epsilon"] = [
    lambda z, y: np.log(np.exp(z - z.max()).sum()) - (z[y] - z.max()),
    neglog.cross_entropy,
]
WRONG["check_no_epsilon"] = [
    (lambda z, y: -np.log(neglog.softmax(z)[y]), "work with logits"),
    (lambda z, y: -np.log(neglog.softmax(z)[y] + 1e-12), "caps it"),
    (lambda z, y: np.log(np.exp(z).sum()) - z[y], "overflowed"),
]

RIGHT["check_gradient"] = [lambda z, y: neglog.softmax(z) - neglog.one_hot(y, len(z))]
WRONG["check_gradient"] = [
    (lambda z, y: neglog.one_hot(y, len(z)) - neglog.softmax(z), "sign"),
    (lambda z, y: neglog.softmax(z), "subtract something"),
    (lambda z, y: -neglog.one_hot(y, len(z)) / neglog.softmax(z)[y], "sum"),
    (lambda z, y: neglog.softmax(z)[y] - 1, "shape"),
]

RIGHT["check_jacobian"] = [
    lambda z: np.diag(neglog.softmax(z)) - np.outer(neglog.softmax(z), neglog.softmax(z)),
    neglog.softmax_jacobian,
]
WRONG["check_jacobian"] = [
    (lambda z: np.diag(neglog.softmax(z) * (1 - neglog.softmax(z))), "i != j"),
    (lambda z: np.outer(neglog.softmax(z), 1 - neglog.softmax(z)), "i != j"),
    (lambda z: -np.outer(neglog.softmax(z), neglog.softmax(z)), "diagonal is wrong"),
    (lambda z: neglog.softmax(z) * (1 - neglog.softmax(z)), "shape"),
]

RIGHT["check_dead_row"] = [[0, 20, 0], [-30.0, 0.0]]
WRONG["check_dead_row"] = [
    ([0, 5, 0], "more confident"),
    ([20, 0, 0], "must be wrong"),
    ("dead", "one row"),
    ([[0, 20]], "one row"),
    ([0, np.inf], "finite"),
    ([3], "two or more"),
]


def four_lines(a, target):
    p = np.exp(a) / np.sum(np.exp(a))
    da = np.copy(p)
    da[target] -= 1
    return da


RIGHT["check_batch_gradient"] = [
    lambda z, y: (neglog.softmax(z) - neglog.one_hot(y, z.shape[1])) / len(z)
]
WRONG["check_batch_gradient"] = [
    (lambda z, y: neglog.softmax(z) - neglog.one_hot(y, z.shape[1]), "mean needs one more step"),
    (four_lines, "each row should sum to 0"),
]

RIGHT["check_linear_backward"] = [lambda x, dz: x.T @ dz]
WRONG["check_linear_backward"] = [
    (lambda x, dz: dz.T @ x, "shape"),
    (lambda x, dz: x.T @ dz / len(x), "adds its part"),
    (lambda x, dz: x @ dz, "ValueError"),
]


class Good:
    reduce = staticmethod(np.mean)
    keep = copy = shift = True

    def forward(self, logits, target):
        z = logits.copy() if self.copy else logits
        if self.shift:
            z -= z.max(axis=1, keepdims=True)
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        rows = np.arange(len(z))
        self.gradient = p.copy()
        self.gradient[rows, target] -= 1
        self.gradient /= len(z)
        return self.reduce(-np.log(p[rows, target]))

    def backward(self, dout=1.0):
        return self.gradient * dout if self.keep else self.gradient


class SumLoss(Good):
    reduce = staticmethod(np.sum)


class ForgetsDout(Good):
    keep = False


class WritesLogits(Good):
    copy = False


class Overflows(Good):
    shift = False


RIGHT["check_layer"] = [neglog.SoftmaxWithLoss]
WRONG["check_layer"] = [
    (neglog.SoftmaxWithLoss(), "TypeError"),
    (SumLoss, "mean loss"),
    (ForgetsDout, "3 times"),
    (WritesLogits, "copy"),
    (Overflows, "1000"),
    (5, "TypeError"),
]
