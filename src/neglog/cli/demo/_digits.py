"""The digits of the demo, and a model's answers for the held-out ones."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import neglog
from neglog.learn import SoftmaxRegression

Doubles = NDArray[np.float64]
Labels = NDArray[np.int64]
UNHAPPIEST = 5
HELD_OUT = 450


def load() -> tuple[Doubles, Doubles, Labels, Labels]:
    """Pixels 0..1 (N, 64) for training and held out, then their digits (N,); a fixed split."""
    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels / 16, digits, test_size=HELD_OUT, random_state=0, stratify=digits
    )
    return train_x, test_x, train_y, test_y


class Step(NamedTuple):
    """The state of the training after a step; nll in nats per digit."""

    iteration: int
    nll: float
    penalty: float
    held_out_nll: float
    accuracy: float


class HeldOut(NamedTuple):
    """The held-out digits and the model's answers."""

    pixels: Doubles  # (N, 64) 0..1
    digit: Labels  # (N,)
    logits: Doubles  # (N, 10)
    nll: NDArray[np.floating]  # (N,)
    guess: Labels  # (N,)

    @classmethod
    def ask(cls, model: SoftmaxRegression, pixels: Doubles, digit: Labels) -> Self:
        """Evaluate the model on each digit."""
        logits = model.logits(pixels)
        stats = neglog.row_stats(logits, digit)
        return cls(pixels, digit, logits, stats.nll, stats.argmax)

    @property
    def accuracy(self) -> float:
        """The fraction of digits whose most probable class is the true one."""
        return float(np.mean(self.guess == self.digit))

    @property
    def worst(self) -> Labels:
        """The rows with the largest nll, largest first."""
        return np.argsort(-self.nll)[:UNHAPPIEST]

    def fate(self, row: int) -> str:
        """The digit and the guess of a row: "a 9, taken for a 5"."""
        digit, guess = _a(self.digit[row]), _a(self.guess[row])
        return f"{digit}, hardly known" if digit == guess else f"{digit}, taken for {guess}"

    def cost(self, row: int) -> str:
        """The probability and the nll of a row: "p = 0.003; nll 5.8"."""
        return f"p = {np.exp(-self.nll[row]):.2g}; nll {self.nll[row]:.1f}"


def _a(digit: int) -> str:
    return f"an {digit}" if digit == 8 else f"a {digit}"
