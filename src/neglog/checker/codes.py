"""Every code that a finding can have, with the grade that it usually has.

Their sentences and mends are in show/words_en.py and show/words_ko.py. A fault (raises, hangs,
crashes, exits, rubbish) is fragile where only a hard row shows it, and an epsilon is wrong where
easy rows show it.
"""

GRADE_OF = dict.fromkeys(
    (
        "probabilities",
        "log-probabilities",
        "softmax-twice",
        "wrong-axis",
        "log-base",
        "sum-for-mean",
        "divided-by-classes",
        "sign",
        "argmax",
        "one-vs-rest",
        "binary",
        "wrong-value",
        "not-reduced",
        "ignored-rows",
        "weights-denominator",
        "smoothing-classes",
        "option-unused",
        "option-wrong",
        "gradient-not-divided",
        "gradient-sign",
        "transposed",
        "wrong-gradient",
        "no-gradient",
        "input-changed",
        "state",
        "raises",
        "hangs",
        "crashes",
        "exits",
        "rubbish",
        "head-value",
        "bias",
        "head-gradient",
        "head-no-gradient",
        "upstream",
    ),
    "wrong",
)
GRADE_OF |= dict.fromkeys(
    (
        "no-shift",
        "underflow",
        "epsilon",
        "masked-nan",
        "half-sums",
        "integer-logits",
        "target-range",
        "empty-mean",
        "ignored-leak",
    ),
    "fragile",
)
GRADE_OF |= dict.fromkeys(
    (
        "cancellation",
        "gradient-cancellation",
        "wrong-dtype",
        "half-result",
        "half-gradient",
        "imprecise",
    ),
    "imprecise",
)
