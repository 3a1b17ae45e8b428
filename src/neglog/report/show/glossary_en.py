"""The words of the report, explained in English. Every key is in glossary_ko, too."""

GLOSSARY = {
    "row": ("row", "One prediction: a number for each class, and the class that was true."),
    "class": ("class", "One of the answers among which the model has to choose."),
    "target": ("target, label", "The class that the data say is true. Data can be wrong."),
    "predicted": ("predicted", "The class to which the model gives the largest probability."),
    "logits": (
        "logit",
        "The model's score of a class, any number. Softmax makes probabilities of the scores:"
        " e^z of each class, divided by the sum of all.",
    ),
    "p": ("p", "The probability that the model gives to a class."),
    "nll": (
        "nll, negative log-likelihood",
        "−log p of the true class: the unhappiness of the model about a row. It is 0 where the"
        " truth had probability 1, and grows by 0.693 whenever p is halved. Its mean over the rows"
        " is the cross-entropy, the loss that classifiers are trained with.",
    ),
    "nat": (
        "nat",
        "The unit of a natural logarithm. 1 nat is a factor of e = 2.718 in probability.",
    ),
    "bits": ("bit", "The unit of a logarithm with base 2. 1 nat is 1.443 bits."),
    "perplexity": (
        "perplexity",
        "e^nll. A model that guesses among k equally likely classes has perplexity k.",
    ),
    "total": ("total nll", "The nll of all rows, added. Its parts show where the loss is."),
    "bits_per_byte": (
        "bits per byte",
        "For language models: the nll in bits over the length of the text in bytes, whatever the"
        " tokens are.",
    ),
    "baseline": (
        "baseline",
        "The nll of a forecast that always gives each class its frequency in these data.",
    ),
    "skill": (
        "skill",
        "1 − nll / baseline. 100 % is a perfect model, 0 % one that knows the class frequencies"
        " only; below 0 it is worse than that.",
    ),
    "interval": (
        "95 % interval",
        "From other rows of the same kind, 95 of 100 such intervals would contain the value that"
        " infinitely many rows would give. Of two values whose intervals overlap, say nothing"
        " hastily.",
    ),
    "accuracy": ("accuracy", "The share of the rows whose predicted class is the true one."),
    "topk": (
        "top-k accuracy",
        "The share of the rows whose truth is among the k likeliest classes.",
    ),
    "entropy": (
        "entropy",
        "The nll that a model expects by its own probabilities, −Σ p log p. It is 0 if the model"
        " is certain, and largest if all classes are equally likely.",
    ),
    "min_entropy": (
        "min-entropy, method 1",
        "−log of the largest probability. It does not look at the truth.",
    ),
    "one_vs_rest": (
        "one-vs-rest nll, method 2",
        "−log p of the true class − Σ log(1 − p) over the others: every class as a yes/no"
        " question. It is another loss than the cross-entropy.",
    ),
    "uncertainty": (
        "uncertainty",
        "The entropy of the class frequencies: what is lost by a guess that knows only these.",
    ),
    "discrimination": (
        "discrimination",
        "By how much the truth becomes more predictable once the prediction is known.",
    ),
    "miscalibration": (
        "miscalibration",
        "The part of the nll that would vanish if every probability were replaced by how often it"
        " comes true.",
    ),
    "nll_minus_entropy": (
        "nll − entropy",
        "What the model loses beyond what it expects. 0 for a calibrated model, above 0 for an"
        " overconfident one.",
    ),
    "temperature": (
        "temperature",
        "A number T by which all logits are divided. Above 1 it makes a model less confident,"
        " below 1 more; the order of the classes stays. The best T has the smallest nll.",
    ),
    "confidence": ("confidence", "The probability of the predicted class."),
    "calibration": (
        "calibration",
        "A model is calibrated if what it gives a probability of 80 % is true in 80 % of the"
        " cases.",
    ),
    "calibration_error": (
        "calibration error",
        "The mean distance between confidence and accuracy over bins of equally many rows. Chance"
        " makes it positive even for a perfect model; this part is subtracted.",
    ),
    "mean_p": ("mean p", "The mean over all rows of the probability of a class."),
    "frequency": ("frequency", "The share of the rows whose target is this class."),
    "support": ("support", "The number of rows of a class, or the sum of their weights."),
    "share": ("share, share of the loss", "Which part of the total nll these rows carry."),
    "cost": ("cost", "The nll of these rows, added, in nats."),
    "confusion": (
        "confusion",
        "Rows of one class that were predicted as another. They are ordered by their cost, not by"
        " their number: few rows with great confidence may cost more than many doubtful ones.",
    ),
    "slice": ("slice", "The rows that share a value in a column, such as a language."),
    "quantile": ("median, quantile", "The median is the nll that half of the rows do not exceed."),
    "token": (
        "token, document",
        "A language model reads a text, the document, in pieces, the tokens, and predicts each"
        " from those before it. The number of a token counts from 0 within its document.",
    ),
    "missing_mass": (
        "unlisted mass",
        "Where only the likeliest tokens are known: the probability of all that are not listed.",
    ),
    "suggested": ("suggested", "The class that the model would have given as label."),
    "p_value": (
        "p-value",
        "The probability, by the calibrated model, of a label as unlikely as the given one.",
    ),
    "q_value": (
        "q-value",
        "The smallest false-discovery rate at which this row is on the list.",
    ),
    "false_discovery_rate": (
        "false-discovery rate",
        "Which part of a list of suspects is expected to be innocent. The list is made by the rule"
        " of Benjamini and Hochberg.",
    ),
    "difference": (
        "paired difference",
        "The nll of both models is subtracted row by row, and the differences are averaged.",
    ),
}
