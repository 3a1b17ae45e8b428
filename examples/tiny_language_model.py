"""A tiny Llama learns to spell Python's manual: with torch's loss, then with neglog's.

transformers is not changed: inside neglog.torch.patch() the loss that it finds is neglog's.
"""

import os
import time
from math import log, log10
from pydoc_data.topics import topics  # what Python's help() shows
from statistics import median

os.environ["HF_HUB_OFFLINE"] = "1"  # before the import: no network is used

import torch
from transformers import LlamaConfig, LlamaForCausalLM

import neglog.torch

text = "\n".join(topics.values())
characters = {character: number for number, character in enumerate(sorted(set(text)))}
manual = torch.tensor([characters[character] for character in text])


def train(steps: int) -> tuple[list[float], float]:
    """The loss of each step and the median seconds of a step, always from the same start."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(characters),
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=2,
        num_attention_heads=4,
    )
    model = LlamaForCausalLM(config)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    losses, seconds = [], []
    for _ in range(steps):
        rows = manual.unfold(0, 64, 1)[torch.randint(len(manual) - 63, (16,))]
        start = time.perf_counter()
        loss = model(input_ids=rows, labels=rows).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seconds.append(time.perf_counter() - start)
        losses.append(loss.item())
    return losses, median(seconds)


def digits(theirs: list[float], ours: list[float]) -> int:
    """The number of digits to which all losses agree."""
    furthest = max(abs(a - b) / a for a, b in zip(theirs, ours, strict=True))
    return int(-log10(max(furthest, 1e-16)))


def main(steps: int = 400) -> None:
    """Train twice, and put the losses side by side."""
    print(f"{len(text)} characters; guessing gives an nll of {log(len(characters)):.4f}")
    theirs, their_time = train(steps)
    with neglog.torch.patch():
        ours, our_time = train(steps)
    print("step   nll with torch   with neglog   difference")
    for step in sorted({0, steps // 8, steps // 4, steps // 2, steps - 1}):
        a, b = theirs[step], ours[step]
        print(f"{step:4d}{a:17.6f}{b:14.6f}{b - a:13.0e}")
    print(f"ms per step{their_time * 1e3:10.1f}{our_time * 1e3:14.1f}")
    # Rounding differences grow: after 400 steps torch's own loss in float64 differs as much from
    # torch's in float32.
    first = max(steps // 4, 1)
    print(f"the first {first} losses agree to {digits(theirs[:first], ours[:first])} digits,")
    print(
        f"all {steps} to {digits(theirs, ours)}: training multiplies the rounding of the last digit"
    )


if __name__ == "__main__":
    main()
