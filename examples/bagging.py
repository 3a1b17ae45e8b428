"""Many models on samples, averaged, or one model on many mini-batches?

pip install 'neglog[learn,plot]'
python examples/bagging.py [picture.png]
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.ensemble import BaggingClassifier
from sklearn.model_selection import train_test_split

import neglog
from neglog.learn import SoftmaxRegression

SAMPLE = 120  # rows of a sample, and of a mini-batch
MODELS = 30

pixels, digits = load_digits(return_X_y=True)
x, x_new, y, y_new = train_test_split(pixels / 16, digits, test_size=450, random_state=0)


def nll_of(probability):
    """How unhappy the probabilities are with what came, in nats per row."""
    return neglog.nll_loss(np.log(probability), y_new)


# One model, all rows at once: the exact optimum, as a mark to compare with.
whole = SoftmaxRegression(l2=1e-3).fit(x, y)
mark = nll_of(whole.predict_proba(x_new))

# Bagging: each sample gives a model of its own, and their probabilities are averaged.
bag = BaggingClassifier(
    SoftmaxRegression(l2=1e-3, classes=np.arange(10)),
    n_estimators=MODELS,
    max_samples=SAMPLE,
    random_state=0,
).fit(x, y)
each = np.array([model.predict_proba(x_new) for model in bag.estimators_])
bagged = [nll_of(each[: k + 1].mean(axis=0)) for k in range(MODELS)]
alone = np.mean([nll_of(probability) for probability in each])

# Mini-batches: each gives one step of the gradient to the one model that there is.
rng = np.random.default_rng(0)
coef, intercept = np.zeros((10, x.shape[1])), np.zeros(10)
batched = []
for step in range(20 * len(x) // SAMPLE):
    rows = rng.choice(len(x), SAMPLE, replace=False)
    rate = 2 / (1 + step / 100)
    _, (_, d_coef, d_intercept) = neglog.linear_cross_entropy_and_grad(
        x[rows], coef, y[rows], bias=intercept
    )
    coef -= rate * d_coef
    intercept -= rate * d_intercept
    batched.append(nll_of(neglog.softmax(x_new @ coef.T + intercept)))

print(f"""Mean nll of {len(x_new)} digits that no model has seen:
  {mark:.3f}  one model, fitted on all {len(x):,} rows
  {alone:.3f}  one model, fitted on {SAMPLE} rows (the mean of {MODELS})
  {bagged[-1]:.3f}  bagging: {MODELS} models on {SAMPLE} rows each, their probabilities averaged
  {batched[MODELS - 1]:.3f}  mini-batches: one model, {MODELS} steps on {SAMPLE} rows each
  {batched[-1]:.3f}  mini-batches: the same model after {len(batched)} steps

Averaged models are less unhappy than each of them alone: where one is sure and wrong, others are
not. But none has ever seen more than {SAMPLE} rows. A step on a mini-batch sees no more, yet all
steps change the same model: they go where a fit on all rows goes.""")


def picture(path):
    """The nll of new rows against the number of rows that were read."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    axes.axhline(mark, color="black", lw=1, label="one model on all rows")
    axes.plot(
        SAMPLE * np.arange(1, MODELS + 1), bagged, "o-", ms=4, label="bagging: models averaged"
    )
    axes.plot(
        SAMPLE * np.arange(1, len(batched) + 1),
        batched,
        lw=1.5,
        label="mini-batches: steps of one model",
    )
    axes.set(xscale="log", yscale="log", xlabel="rows read", ylabel="mean nll of new rows, in nats")
    axes.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    axes.set_title(f"Digits, {SAMPLE} rows at a time", loc="left")
    figure.savefig(path, dpi=120)


if len(sys.argv) > 1:
    picture(sys.argv[1])
