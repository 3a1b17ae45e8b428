"""Two statements about the nll, checked on the held-out digits."""

import numpy as np
from rich.console import Console

import neglog
from neglog._show.terminal import title
from neglog.cli.demo._digits import HeldOut

STEP = 1e-4  # balances the two errors of a difference quotient, h^2 and rounding / h


def show_gradient(screen: Console, held_out: HeldOut) -> None:
    title(screen, "The gradient of the nll is p - y")
    row = int(held_out.worst[0])
    z, y = held_out.logits[row], held_out.digit[row]
    p_minus_y = neglog.softmax(z) - neglog.one_hot(y, 10)
    _, gradient = neglog.cross_entropy_and_grad(z, y)
    nudges = np.concatenate([np.eye(10), -np.eye(10)]) * STEP
    up, down = np.split(neglog.row_stats(z + nudges, np.full(20, y)).nll, 2)
    measured = (up - down) / (2 * STEP)
    screen.print(f"The unhappiest digit, {held_out.fate(row)}:")
    screen.print("digit   " + "".join(f"{digit:7d}" for digit in range(10)), style="dim")
    for name, values in (("p - y", p_minus_y), ("gradient", gradient), ("measured", measured)):
        screen.print(f"{name:8}" + "".join(f"{value:7.3f}" for value in values))
    screen.print(
        f"measured: (nll(z + h) - nll(z - h)) / 2h for each logit z, h = 1/{1 / STEP:.0f};\n"
        f"it differs from the gradient by at most {np.abs(gradient - measured).max():.0e}"
    )


def show_likelihood(screen: Console, held_out: HeldOut) -> None:
    title(screen, "The greatest likelihood is the least nll")
    temperatures = np.arange(0.50, 2.005, 0.01)
    p = [neglog.softmax(held_out.logits / t) for t in temperatures]
    rows = np.arange(len(held_out.digit))
    likelihood = np.array([np.prod(each[rows, held_out.digit]) for each in p])
    nll = np.array(
        [
            neglog.cross_entropy(held_out.logits, held_out.digit, temperature=t, reduction="sum")
            for t in temperatures
        ]
    )
    most, least = int(likelihood.argmax()), int(nll.argmin())
    screen.print(
        f"The held-out logits divided by a temperature T, for {len(temperatures)} values of T:"
    )
    for what, where, value in (
        (f"product of the {len(rows)} p", f"greatest at T = {temperatures[most]:.2f}",
         f"{likelihood[most]:.6g}"),
        (f"sum of the {len(rows)} -log p", f"least at T = {temperatures[least]:.2f}",
         f"{nll[least]:.6f}"),
        ("-log of that product", "", f"{-np.log(likelihood[most]):.6f}"),
    ):  # fmt: skip
        screen.print(f"  {what:22}{where:>20}   {value}")
