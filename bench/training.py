"""Whole training steps of a transformers Llama: with torch's loss, with ours, with our head.

A step is what a training loop does: forward, backward, AdamW. The weights are random, so nothing is
downloaded. All routes train the same model in turn, and each loss is checked first, against the
float64 loss of the same logits.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

import budgets
import numpy as np
import oracle

from bench import ROOT
from bench.head import LeaveOut, quick_products
from bench.head.memory import FORGET_PEAK, may_forget_peak
from bench.memory import peak
from bench.peers import UnavailableError, library, to_numpy
from bench.timing import Row, check_close, interleaved, row, softmax64
from bench.torch_face import our_library, torch_library

PATCHED, TORCH, HEAD = "neglog.torch.patch()", "torch", "linear_cross_entropy"
ROUTES = (PATCHED, TORCH, HEAD)
STEPS = 2  # whose peak memory is measured: the second finds the gradients of the first
WORDS = (1, 8)  # the batch that fills the libraries' buffers ahead of that
# Largest relative difference of losses and gradients: a different rounding may change this much.
CLOSE = {"float32": 1e-4, "bfloat16": 0.05}


class Model(NamedTuple):
    """A model that is trained; its classes are the tokens that it knows."""

    name: str
    dtype: str
    batch: tuple[int, int]  # sequences x tokens of each
    width: int
    layers: int
    heads: int
    classes: int


TINY, LLAMA = "tiny language model", "Llama"
MODELS = (
    Model(TINY, "float32", (16, 64), 64, 2, 4, 98),  # as in examples/tiny_language_model.py
    Model(LLAMA, "float32", (2, 512), 384, 4, 6, 32000),
    Model(LLAMA, "bfloat16", (2, 512), 384, 4, 6, 32000),
)
FEW_TOKENS = (1, 32)  # where products of this dtype are slow


class Trained:
    """A model with its optimiser and one batch of random tokens."""

    def __init__(self, model: Model) -> None:
        torch, transformers = torch_library(), transformers_library()
        torch.manual_seed(0)
        config = transformers.LlamaConfig(
            vocab_size=model.classes,
            hidden_size=model.width,
            intermediate_size=3 * model.width,
            num_hidden_layers=model.layers,
            num_attention_heads=model.heads,
        )
        self.llama = transformers.LlamaForCausalLM(config).to(getattr(torch, model.dtype))
        self.optimiser = torch.optim.AdamW(self.llama.parameters(), lr=1e-4)
        self.tokens = torch.randint(model.classes, model.batch)

    def loss(self, route: str) -> Any:
        if route == HEAD:
            return self.loss_without_logits()
        if route == TORCH:
            return self.llama(input_ids=self.tokens, labels=self.tokens).loss
        with our_library().patch():
            return self.llama(input_ids=self.tokens, labels=self.tokens).loss

    def loss_without_logits(self) -> Any:
        """The last layer and the loss in one call; each token is predicted from those before it."""
        hidden = self.llama.model(input_ids=self.tokens).last_hidden_state[:, :-1]
        target = self.tokens[:, 1:]
        return our_library().linear_cross_entropy(
            hidden.flatten(0, 1), self.llama.lm_head.weight, target.flatten()
        )

    def step(self, route: str) -> None:
        self.optimiser.zero_grad()
        self.loss(route).backward()
        self.optimiser.step()

    def exact_loss(self) -> np.float64:
        """The float64 loss of the logits that this model gives."""
        with torch_library().no_grad():
            logits = self.llama(input_ids=self.tokens).logits[:, :-1].flatten(0, 1)
        nll = []
        for z, y in zip(logits.split(64), self.tokens[:, 1:].flatten().split(64), strict=True):
            own = to_numpy(z)[np.arange(len(y)), y.numpy()]
            nll.append(softmax64(to_numpy(z))[1] - own)
        return np.concatenate(nll).mean()

    def gradient(self, route: str) -> np.ndarray:
        """Of the embedding, the last gradient that backward computes."""
        self.optimiser.zero_grad()
        self.loss(route).backward()
        found = to_numpy(self.llama.model.embed_tokens.weight.grad)
        self.optimiser.zero_grad()
        return found


def transformers_library() -> Any:
    os.environ["HF_HUB_OFFLINE"] = "1"  # ahead of the import: nothing is asked of a network
    return library("transformers")


def rows(options: Any, leave_out: LeaveOut) -> Iterator[Row]:
    """One row per model: seconds of a step, error of the loss, peak memory."""
    for model in MODELS:
        if model.dtype not in (options.dtype or (model.dtype,)):
            continue
        try:
            quick = model.dtype == "float32" or quick_products(model.dtype)
            chosen = model if quick else model._replace(batch=FEW_TOKENS)
            yield measured(chosen, options.seconds)
        except UnavailableError as reason:
            leave_out("training", reason)


def measured(model: Model, seconds: float) -> Row:
    trained = Trained(model)
    errors = checked(trained, model.dtype)
    calls = {route: (lambda route=route: trained.step(route)) for route in ROUTES}
    found = row(model.dtype, (*model.batch, model.classes), model.name, interleaved(calls, seconds))
    taken = {route: above_model(model, route) for route in ROUTES} if may_forget_peak() else {}
    return found | {"ulp": errors, "bytes": taken}


def checked(trained: Trained, dtype: str) -> dict[str, float]:
    """The error of each loss in ulp of float32; a wrong loss or gradient raises."""
    exact, wanted = trained.exact_loss(), trained.gradient(TORCH)
    errors = {}
    for route in ROUTES:
        loss = to_numpy(trained.loss(route))
        check_close(f"{route}: loss", loss, exact, CLOSE[dtype])
        off = np.linalg.norm(trained.gradient(route) - wanted) / np.linalg.norm(wanted)
        if not off <= CLOSE[dtype]:
            raise AssertionError(f"{route}: gradient is off by {off:.1e} of its norm")
        errors[route] = float(oracle.ulp_error(loss, exact, budgets.RESULT_DTYPE[dtype]))
    return errors


def above_model(model: Model, route: str) -> int:
    """Bytes of activations, logits and gradients at the peak of a step, in a fresh process."""
    command = [sys.executable, "-m", "bench.training", route, json.dumps(model)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(
            f"the process that measures the memory of {route} failed:\n{done.stderr}"
        )
    return int(done.stdout)


def taken(model: Model, route: str) -> int:
    trained = Trained(model)
    tokens = trained.tokens
    trained.tokens = tokens[: WORDS[0], : WORDS[1]]
    trained.step(route)
    trained.optimiser.zero_grad()
    trained.tokens = tokens
    FORGET_PEAK.write_text("5")  # forgets the peak so far; weights and state stay
    before = peak()
    for _ in range(STEPS):
        trained.step(route)
    return peak() - before


if __name__ == "__main__":
    name, dtype, batch, *numbers = json.loads(sys.argv[2])
    print(taken(Model(name, dtype, tuple(batch), *numbers), sys.argv[1]))
