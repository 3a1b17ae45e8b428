"""Which party do Americans feel close to? Seven answers, explained by five numbers.

pip install 'neglog[learn,plot]' statsmodels
python examples/anes.py [picture.png]
"""

import sys

import numpy as np
from statsmodels.datasets import anes96

from neglog.learn import SoftmaxRegression

PARTIES = [
    "strong Democrat",
    "weak Democrat",
    "leans Democrat",
    "independent",
    "leans Republican",
    "weak Republican",
    "strong Republican",
]
FEATURES = {  # as the survey of 1996 has them -> in words
    "selfLR": "conservative",  # 1: very liberal, ..., 7: very conservative, by their own account
    "age": "age",
    "educ": "education",  # 1: eight years at school or less, ..., 7: advanced degree
    "income": "income",  # 1: below $3,000 a year, ..., 24: above $105,000
    "logpopul": "town",  # logarithm of the inhabitants, in thousands
}

data = anes96.load_pandas().data
X = data[list(FEATURES)].rename(columns=FEATURES)
y = data["PID"].astype(int)  # in the order of PARTIES: the first is what others are held against

model = SoftmaxRegression(l2=0, tol=1e-8).fit(X, y)
summary = model.summary(X, y)
print(summary)

row = next(row for row in summary.rows if (row.class_, row.feature) == (6, "conservative"))
low, odds, high = np.exp([row.low, row.coef, row.high])
better, right = np.exp(summary.lr / 2 / len(y)), model.score(X, y)
print(f"""
What it says: against a strong Democrat (class 0), each step towards conservative multiplies
the odds of a strong Republican (class 6) by {odds:.1f}; 95 % interval: {low:.1f} to {high:.1f}.
Knowing the five numbers makes the right party {better:.2f} times as likely (geometric mean)
as knowing the shares of the parties alone. The likeliest party is right for {right:.0%}.""")


def picture(path: str) -> None:
    """Left: how the parties share people of each opinion. Right: what a step is worth."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    colours = plt.get_cmap("RdBu_r")(np.linspace(0.06, 0.94, len(PARTIES)))
    colours[3] = (0.6, 0.6, 0.6, 1)
    figure, (shares, steps) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    opinion = np.linspace(1, 7, 61)
    people = X.iloc[:1].assign(**X.mean()).loc[[0] * len(opinion)].assign(conservative=opinion)
    probability = model.predict_proba(people[X.columns])
    shares.stackplot(opinion, probability.T, labels=PARTIES, colors=colours)
    shares.set(xlim=(1, 7), ylim=(0, 1), xlabel="very liberal (1) to very conservative (7)")
    shares.set_title("Probability of each party, all else average", loc="left")
    for k, party in enumerate(PARTIES):
        place = 12 if k < 4 else 48
        if probability[place, k] > 0.06:
            middle = probability[place, :k].sum() + probability[place, k] / 2
            ink = "black" if k in (2, 4) else "white"
            shares.annotate(party, (opinion[place], middle), ha="center", va="center", color=ink)
    spread = X.std()
    for k, feature in enumerate(X.columns):
        rows = [row for row in summary.rows if row.feature == feature]
        place = k + 0.11 * (np.arange(6) - 2.5)
        values = np.array([[row.low, row.coef, row.high] for row in rows]) * spread[feature]
        steps.hlines(place, values[:, 0], values[:, 2], colors=colours[1:], lw=3)
        steps.scatter(values[:, 1], place, color=colours[1:], edgecolors="black", lw=0.6, zorder=3)
    steps.axvline(0, color="black", lw=0.8)
    steps.set_yticks(range(len(X.columns)), X.columns)
    steps.invert_yaxis()
    steps.set_xlabel("log odds against a strong Democrat, per standard deviation; 95 % intervals")
    steps.set_title("From weak Democrat (top) to strong Republican", loc="left")
    figure.savefig(path, dpi=120)


if len(sys.argv) > 1:
    picture(sys.argv[1])
