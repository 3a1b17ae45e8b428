"""Handwritten digits by maximum likelihood, and the digit with the largest loss."""

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import neglog
from neglog.learn import SoftmaxRegression

pixels, digits = load_digits(return_X_y=True)
x, x_new, y, y_new = train_test_split(pixels / 16, digits, test_size=450, random_state=0)

model = SoftmaxRegression(l2=1e-3).fit(x, y)
print(f"minimised in {model.n_iter_} steps: nll {model.nll_:.4f} + penalty {model.penalty_:.4f}")
print(f"held out: {model.score(x_new, y_new):.1%} right")

stats = neglog.row_stats(model.logits(x_new), y_new)
worst = stats.nll.argmax()
print(f"mean nll {stats.nll.mean():.4f}; the worst row has {stats.nll[worst]:.1f}:")
print(f"a {y_new[worst]}, taken for a {stats.argmax[worst]}")
