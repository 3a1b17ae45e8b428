"""`neglog demo`: a softmax classifier learns handwritten digits by minimising its nll."""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.live import Live
from rich.text import Text

import neglog
from neglog._show.terminal import console, title
from neglog._show.written import replacing
from neglog.cli.demo import _picture, _predictions
from neglog.cli.demo._checks import show_gradient, show_likelihood
from neglog.cli.demo._digits import Doubles, HeldOut, Labels, Step, load
from neglog.cli.demo._tables import show_classes, show_unhappiest
from neglog.learn import SoftmaxRegression


def run(picture: Path, predictions: Path | None = None) -> None:
    """Run the demo; `picture` and `predictions` are paths that can be written."""
    screen = console()
    train_x, test_x, train_y, test_y = load()
    _introduce(screen, len(train_y), len(test_y))
    model, history = _learn(screen, train_x, train_y, test_x, test_y)
    held_out = HeldOut.ask(model, test_x, test_y)
    _conclude(screen, history, held_out)
    show_classes(screen, held_out)
    show_unhappiest(screen, held_out)
    show_gradient(screen, held_out)
    show_likelihood(screen, held_out)
    with replacing(picture) as draft:
        _picture.write(draft, history, held_out)
    title(screen, "The picture")
    screen.print(f"written to {picture}", soft_wrap=True)
    if predictions is not None:
        with replacing(predictions) as draft:
            _predictions.write(draft, held_out)
        title(screen, "The predictions")
        screen.print(f"written to {predictions}", soft_wrap=True)
        screen.print(f"where they are wrong, and why: neglog report {predictions}", soft_wrap=True)


def _introduce(screen: Console, train: int, test: int) -> None:
    cpu = neglog.cpu_info()
    threads = f"{cpu.threads} thread{'s' * (cpu.threads != 1)}"
    screen.print("neglog demo: handwritten digits, learned by minimising the nll", style="bold")
    screen.print(f"{train} digits of 8 x 8 pixels to learn from, {test} held out for testing")
    screen.print(f"computed with {cpu.instruction_set} on {threads}", style="dim")


def _learn(
    screen: Console, train_x: Doubles, train_y: Labels, test_x: Doubles, test_y: Labels
) -> tuple[SoftmaxRegression, list[Step]]:
    title(screen, "Learning")
    screen.print("  step   mean nll    penalty   held-out nll   held-out right")
    history: list[Step] = []

    def follow(model: SoftmaxRegression) -> None:
        now = HeldOut.ask(model, test_x, test_y)
        nll = float(now.nll.mean())
        step = Step(model.n_iter_, model.nll_, model.penalty_, nll, now.accuracy)
        history.append(step)
        live.update(_line(step))
        if _is_milestone(step.iteration):
            screen.print(_line(step))

    with Live(console=screen, transient=True, refresh_per_second=30) as live:
        model = SoftmaxRegression(l2=1e-4).fit(train_x, train_y, callback=follow)
        live.update("")
    if not _is_milestone(model.n_iter_):
        screen.print(_line(history[-1]))
    return model, history


def _is_milestone(iteration: int) -> bool:
    """0, 1, 2, 5, 10, 20, 50, 100, ..."""
    return iteration == 0 or str(iteration).rstrip("0") in ("1", "2", "5")


def _line(step: Step) -> Text:
    return Text(
        f"{step.iteration:6d}   {step.nll:8.4f}   {step.penalty:8.4f}   "
        f"{step.held_out_nll:12.4f}   {step.accuracy:14.1%}"
    )


def _conclude(screen: Console, history: list[Step], held_out: HeldOut) -> None:
    blank = neglog.cross_entropy(np.zeros_like(held_out.logits), held_out.digit)
    end = history[-1]
    screen.print(
        f"\nA model that knows nothing gives each digit p = 1/10: nll = log 10 = {blank:.4f}.\n"
        f"This one, after {end.iteration} steps: {end.nll:.4f} for a digit it learned from, "
        f"{end.held_out_nll:.4f} for one\nit never saw. The geometric mean of p for the right "
        f"answer is {np.exp(-end.held_out_nll):.2f}."
    )
