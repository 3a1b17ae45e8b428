"""A network of two layers learns three spirals: NumPy, and neglog for the last layer."""

import numpy as np

import neglog

rng = np.random.default_rng(0)
arm, radius = np.repeat([0, 1, 2], 100), np.tile(np.linspace(0.1, 1, 100), 3)
angle = 4 * radius + 2 * np.pi * arm / 3 + rng.normal(scale=0.15, size=300)
x = radius[:, None] * np.column_stack([np.sin(angle), np.cos(angle)])

w1, b1 = rng.normal(size=(2, 64)), np.zeros(64)
w2, b2 = rng.normal(size=(64, 3)) / 8, np.zeros(3)
last = neglog.SoftmaxWithLoss()

for step in range(1001):
    hidden = np.maximum(x @ w1 + b1, 0)
    logits = hidden @ w2 + b2
    loss = last.forward(logits, arm)
    if step % 200 == 0:
        right = np.mean(logits.argmax(axis=1) == arm)
        print(f"step {step:4d}   mean nll {loss:.4f}   right {right:.1%}")
    d_logits = last.backward()
    d_hidden = (d_logits @ w2.T) * (hidden > 0)
    w2 -= 1.0 * hidden.T @ d_logits
    b2 -= 1.0 * d_logits.sum(axis=0)
    w1 -= 1.0 * x.T @ d_hidden
    b1 -= 1.0 * d_hidden.sum(axis=0)
