"""Answers to the exercises of chapters 6 to 10: right ones, wrong ones with their messages."""

from typing import Any

import numpy as np

import neglog

RIGHT: dict[str, list[Any]] = {}
WRONG: dict[str, list[tuple[Any, str]]] = {}


def coin(p, tosses):
    return np.prod([p if toss == 1 else 1 - p for toss in tosses])


RIGHT["check_likelihood"] = [
    coin,
    lambda p, tosses: p ** sum(tosses) * (1 - p) ** (len(tosses) - sum(tosses)),
]
WRONG["check_likelihood"] = [
    (lambda p, tosses: p ** sum(tosses), "including tails"),
    (lambda p, tosses: 3 * coin(p, tosses), "one order"),
    (lambda p, tosses: np.log(coin(p, tosses)), "logarithm comes later"),
    (lambda p, tosses: sum(p if toss else 1 - p for toss in tosses), "multiply"),
    (lambda p, tosses: coin(1 - p, tosses), "which one did you take for 1"),
    (lambda p, tosses: tosses[7], "IndexError"),
    (0.125, "pass the function itself"),
]


def log_normal(data, mean, sd):
    x = np.asarray(data)
    return np.sum(-(((x - mean) / sd) ** 2) / 2 - np.log(sd * np.sqrt(2 * np.pi)))


def density(data, mean, sd):
    return np.exp(-(((np.asarray(data) - mean) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))


RIGHT["check_log_likelihood"] = [log_normal]
WRONG["check_log_likelihood"] = [
    (lambda data, mean, sd: np.log(np.prod(density(data, mean, sd))), "became 0 before"),
    (lambda data, mean, sd: np.sum(np.log(density(data, mean, sd))), "became 0 before"),
    (lambda data, mean, sd: -log_normal(data, mean, sd), "the sign"),
    (lambda data, mean, sd: log_normal(data, mean, sd) / len(data), "the mean"),
    (lambda data, mean, sd: -np.sum((np.asarray(data) - mean) ** 2) / (2 * sd**2), "no part of it"),
    (lambda data, mean, sd: None, "return"),
]

RIGHT["check_best_normal"] = [lambda data: (np.mean(data), np.std(data))]
WRONG["check_best_normal"] = [
    (lambda data: (np.median(data), np.std(data)), "mean can be improved"),
    (lambda data: (np.mean(data), np.std(data, ddof=1)), "N - 1"),
    (lambda data: (np.mean(data), np.var(data)), "variance"),
    (lambda data: (np.mean(data), 1.0), "sd can be improved"),
    (lambda data: np.mean(data), "shape"),
]


def binary(y_pred, y):
    return np.sum(np.log(np.where(np.array(y) == 1, y_pred, 1 - np.array(y_pred))))


RIGHT["check_binary_log_likelihood"] = [binary]
WRONG["check_binary_log_likelihood"] = [
    (lambda p, y: np.sum(np.log(p)), "a factor too"),
    (
        lambda p, y: np.sum(np.array(y) * np.log(p) + (1 - np.array(y)) * np.log(1 - np.array(p))),
        "nan",
    ),
    (lambda p, y: -binary(p, y), "the sign"),
    (lambda p, y: np.exp(binary(p, y)), "product"),
    (lambda p, y: binary(p, y) / len(y), "the mean"),
    (lambda p, y: binary(1 - np.array(p), y), "swapped"),
    ("-2", "pass the function itself"),
]


def expected(t, surprise):
    return sum(a * b for a, b in zip(t, surprise, strict=True) if a > 0)


def ce(t, q):
    return expected(t, -np.log(q))


RIGHT["check_cross_entropy"] = [ce]
WRONG["check_cross_entropy"] = [
    (lambda t, q: np.sum(-np.array(t) * np.log(q)), "nan"),
    (lambda t, q: ce(q, t), "swapped"),
    (lambda t, q: -ce(t, q), "the sign"),
    (lambda t, q: ce(t, q) / np.log(2), "bits"),
    (lambda t, q: ce(t, q) / len(t), "number of classes"),
    (lambda t, q: ce(t, q) - ce(t, t), "entropy of t"),
    (lambda t, q: -np.log(q[np.argmax(t)]), "every class counts"),
]
RIGHT["check_kl_divergence"] = [lambda t, q: ce(t, q) - ce(t, t)]
WRONG["check_kl_divergence"] = [
    (lambda t, q: np.sum(np.array(t) * np.log(np.array(t) / np.array(q))), "nan"),
    (lambda t, q: ce(t, q), "cross-entropy"),
    (lambda t, q: ce(t, t) - ce(t, q), "the sign"),
    (lambda t, q: ce(q, t) - ce(q, q), "swapped"),
    (lambda t, q: (ce(t, q) - ce(t, t)) / np.log(2), "bits"),
    (lambda t, q: abs(t[0] - q[0]), "above the entropy"),
]

RIGHT["check_log_probs"] = [
    neglog.log_softmax,
    lambda z: (
        z
        - z.max(axis=1, keepdims=True)
        - np.log(np.exp(z - z.max(axis=1, keepdims=True)).sum(axis=1, keepdims=True))
    ),
]
WRONG["check_log_probs"] = [
    (lambda z: z, "sums to 210.4"),
    (neglog.softmax, "these are probabilities"),
    (lambda z: -neglog.log_softmax(z), "the sign"),
    (lambda z: np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)), "overflows"),
    (lambda z: neglog.log_softmax(z / 2), "not the softmax's"),
    (lambda z: neglog.log_softmax(z)[0], "shape"),
]
RIGHT["check_mean_nll"] = [
    neglog.cross_entropy,
    lambda z, y: -neglog.log_softmax(z)[np.arange(len(y)), y].mean(),
]
WRONG["check_mean_nll"] = [
    (lambda z, y: neglog.cross_entropy(z, y, reduction="sum"), "the sum over the batch"),
    (lambda z, y: -neglog.cross_entropy(z, y), "the sign"),
    (lambda z, y: -neglog.log_softmax(neglog.softmax(z))[np.arange(len(y)), y].mean(), "twice"),
    (lambda z, y: -z[np.arange(len(y)), y].mean(), "log-sum-exp"),
    (
        lambda z, y: (
            -np.log(np.exp(z) / np.exp(z).sum(axis=1, keepdims=True))[np.arange(len(y)), y].mean()
        ),
        "overflows",
    ),
    (lambda z, y: neglog.softmax(z)[np.arange(len(y)), y].mean(), "which entry"),
    (lambda z, y: neglog.cross_entropy(z, y, reduction="none"), "one number"),
]
RIGHT["check_equivalents"] = ["ABDF", "a, b, d, f", "FDBA"]
WRONG["check_equivalents"] = [
    ("A", "incomplete"),
    ("ABCDF", "taken of"),
    ("ABDEF", "smallest"),
    ("AG", "A to F"),
    ("", "A to F"),
    (3, "A to F"),
]


def descend(gradient, x, rate, steps):
    for _ in range(steps):
        x = x - rate * gradient(x)
    return x


RIGHT["check_descend"] = [descend]
WRONG["check_descend"] = [
    (lambda g, x, rate, steps: descend(g, x, -rate, steps), "uphill"),
    (lambda g, x, rate, steps: descend(g, x, rate, steps + 1), "too many"),
    (lambda g, x, rate, steps: descend(g, x, rate, steps - 1), "too few"),
    (lambda g, x, rate, steps: x - rate * steps * g(x), "where it starts"),
    (lambda g, x, rate, steps: g(x, rate), "TypeError"),
    (0.6, "pass the function itself"),
]
RIGHT["check_total_loss"] = [lambda z, y, W, l2: neglog.cross_entropy(z, y) + l2 / 2 * np.sum(W**2)]
WRONG["check_total_loss"] = [
    (
        lambda z, y, W, l2: neglog.cross_entropy(z, y, reduction="sum") + l2 / 2 * np.sum(W**2),
        "summed",
    ),
    (lambda z, y, W, l2: neglog.cross_entropy(z, y), "penalty is missing"),
    (lambda z, y, W, l2: neglog.cross_entropy(z, y) + l2 * np.sum(W**2), "one half"),
    (lambda z, y, W, l2: neglog.cross_entropy(z, y) - l2 / 2 * np.sum(W**2), "larger, not smaller"),
    (lambda z, y, W, l2: l2 / 2 * np.sum(W**2), "where is the nll"),
    (lambda z, y, W, l2: neglog.cross_entropy(z, y) + l2 / 2 * np.sum(abs(W)), "two numbers"),
]


def epoch(rows, size, rng):
    order = rng.permutation(rows)
    return [order[i : i + size] for i in range(0, rows, size)]


RIGHT["check_mini_batches"] = [
    epoch,
    lambda rows, size, rng: np.array_split(rng.permutation(rows), -(-rows // size)),
]
WRONG["check_mini_batches"] = [
    (
        lambda rows, size, rng: [rng.integers(0, rows, size) for _ in range(rows // size)],
        "repeated another",
    ),
    (
        lambda rows, size, rng: [np.arange(rows)[i : i + size] for i in range(0, rows, size)],
        "shuffled",
    ),
    (lambda rows, size, rng: epoch(rows, size, rng)[: rows // size], "indices in all"),
    (lambda rows, size, rng: [rng.permutation(rows)], "a batch of 12"),
    (lambda rows, size, rng: rng.permutation(rows), "one-dimensional"),
    (lambda rows, size, rng: None, "raised"),
    (lambda rows, size, rng: rows / 0, "ZeroDivisionError"),
    (3, "pass the function itself"),
]


def tail(z, y):
    top = z.argmax()
    return np.log1p(np.exp(np.delete(z, top) - z[top]).sum()) - (z[y] - z[top])


def lse(z):
    return z.max() + np.log(np.exp(z - z.max()).sum())


def in_chunks(chunks):
    m, total = -np.inf, 0.0
    for chunk in chunks:
        new = max(m, chunk.max())
        m, total = new, total * np.exp(m - new) + np.exp(chunk - new).sum()
    return m + np.log(total)


RIGHT["check_logsumexp"] = [neglog.logsumexp, lse]
WRONG["check_logsumexp"] = [
    (lambda z: np.log(np.exp(z).sum()), "too large"),
    (lambda z: lse(z) - z.max(), "add back"),
    (lambda z: z.max(), "add the exponentials"),
    (np.sum, "add the exponentials"),
    (lambda z: [lse(z)], "shape"),
]
RIGHT["check_confident_nll"] = [neglog.cross_entropy, tail]
WRONG["check_confident_nll"] = [
    (lambda z, y: lse(z) - z[y], "8.49671e-18"),
    (lambda z, y: -np.log(np.exp(z) / np.exp(z).sum())[y], "finite"),
    (lambda z, y: -np.log(neglog.softmax(z)[y] + 1e-12), "large one"),
    (lambda z: 0.0, "TypeError"),
]
RIGHT["check_streamed"] = [in_chunks, lambda chunks: lse(np.concatenate(list(chunks)))]
WRONG["check_streamed"] = [
    (lambda chunks: sum(lse(chunk) for chunk in chunks), "belongs to the old one"),
    (lambda chunks: np.log(sum(np.exp(chunk).sum() for chunk in chunks)), "too large"),
    (lambda chunks: lse(np.concatenate([c - c.max() for c in chunks])), "larger maximum"),
    (lambda chunks: len(chunks), "TypeError"),
    (None, "function itself"),
]
