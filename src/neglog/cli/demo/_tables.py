"""The held-out digits in the terminal: by class, and those with the largest nll."""

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

import neglog
from neglog._show.terminal import bar, draw, title
from neglog.cli.demo._digits import UNHAPPIEST, HeldOut


def show_classes(screen: Console, held_out: HeldOut) -> None:
    title(screen, "Digit by digit (held out)")
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="")
    for name in ("digit", "count", "mean nll", "right"):
        table.add_column(name, justify="right")
    table.add_column("most often taken for")
    table.add_column("unhappiness")
    means = [held_out.nll[held_out.digit == digit].mean() for digit in range(10)]
    for digit, mean in enumerate(means):
        guesses = held_out.guess[held_out.digit == digit]
        others = np.bincount(guesses[guesses != digit], minlength=10)
        mistake = f"{others.argmax()}  ({others.max()} of {len(guesses)})" if others.any() else "-"
        table.add_row(
            str(digit),
            str(len(guesses)),
            f"{mean:.4f}",
            f"{np.mean(guesses == digit):.1%}",
            mistake,
            Text(bar(mean / max(means), 16, screen), "magenta"),
        )
    screen.print(table)


def show_unhappiest(screen: Console, held_out: HeldOut) -> None:
    title(screen, f"The {UNHAPPIEST} unhappiest digits")
    for row in held_out.worst:
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_row(
            draw(held_out.pixels[row].reshape(8, 8), screen), _opinion(screen, held_out, row)
        )
        screen.print()
        screen.print(grid)


def _opinion(screen: Console, held_out: HeldOut, row: int) -> Text:
    """A sentence, and the four most probable digits, the true one among them."""
    p = neglog.softmax(held_out.logits[row])
    truth = held_out.digit[row]
    shown = [int(digit) for digit in np.argsort(-p)[:4]]
    if truth not in shown:
        shown[-1] = int(truth)
    text = Text("\n").append(f"{held_out.fate(row)}; {held_out.cost(row)}", "bold").append("\n\n")
    for digit in shown:
        text.append(f"{digit}  {p[digit]:7.4f}  ")
        text.append(bar(p[digit], 24, screen), "green" if digit == truth else "red")
        text.append("  the truth\n" if digit == truth else "\n")
    text.rstrip()
    return text
