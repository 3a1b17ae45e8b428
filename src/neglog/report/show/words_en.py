"""The report's words in English. Every key is in words_ko, too, with the same {places}.

Long because it is a table.
"""

WORDS = {
    "percent": "{x} %",
    "interval": "{low} to {high}",
    "interval.label": "95 % interval",
    "title": "Where this model is unhappy, and why",
    "title.comparison": "Two models on the same rows",
    "contents": "Contents",
    "skip": "Skip to the findings",
    "short": "In short",
    "foot": (
        "Made by neglog. This file needs no network and sends nothing anywhere. All numbers are in"
        " the JSON of the same report."
    ),
    "sort": "Sort by {column}",
    "more": "Show {n} more",
    "more.rows": "{n} more are in the page and in the JSON.",
    "cut": "{n} more are in the JSON.",
    "table.region": "{caption}, scrolls sideways",
    # --- what was read
    "rows.read": "{used} rows, {classes} classes. The predictions are {kind} ({reason}).",
    "rows.tokens": (
        "{used} tokens in {documents} documents. Of each token only its own log-probability is"
        " known. Whether a temperature was applied cannot be seen in these numbers."
    ),
    "rows.weighted": "Rows have weights, which sum to {weight}.",
    "rows.ignored": "Rows with the ignored target or with weight 0, which do not count: {n}.",
    "rows.left_out": "Rows that are left out: {n} ({why}).",
    "rows.merged": (
        "Reports without row ids were merged: among equal rows, the order of merging decides which"
        " are listed."
    ),
    "why.missing": "{n} with a missing value",
    "why.not finite": "{n} with a number that is not finite",
    "why.probability 0": "{n} whose true class has probability 0, an infinite loss",
    "left_out.caption": "The first rows that are left out",
    "left_out.why": "why",
    "left_out.missing": "missing value",
    "left_out.not finite": "not finite",
    "left_out.probability 0": "probability 0",
    "kind.logits": "logits",
    "kind.log-probabilities": "log-probabilities",
    "kind.probabilities": "probabilities",
    "kind.target log-probabilities": "log-probabilities of the true class alone",
    "reason.given": "as stated by the caller",
    "reason.sums to 1": "they lie between 0 and 1, and each row sums to 1",
    "reason.log-sum-exp is 0": "the exponentials of each row sum to 1",
    "reason.neither": "neither they nor their exponentials sum to 1",
    # --- headline
    "headline": (
        "The model loses {nll} nats per row: the truth gets a probability of {p} on average."
    ),
    "headline.tokens": (
        "The model loses {nll} nats per token: the token that came had a probability of {p} on"
        " average."
    ),
    "headline.skill": "It saves {skill} of what guessing by class frequencies would lose.",
    "headline.worse": "Guessing by class frequencies would lose less: {baseline} nats.",
    "short.accuracy": "It is right in {x} of the rows.",
    "short.worst": "The worst 1 % of the rows carry {share} of the loss.",
    "short.class": "The costliest class is “{name}”: {share} of the loss, in {rows} of the rows.",
    "short.confusion": (
        "The costliest confusion is “{target}” taken for “{predicted}”: {share} of the loss."
    ),
    "short.temperature": "A temperature of {t} would win back {gain} nats per row, {share}.",
    "short.suspects": "Labels that look wrong: {n}; about {share} of them may be right after all.",
    # --- how unhappy
    "section.loss": "How unhappy is the model?",
    "label.nll": "nll",
    "nll": (
        "The mean of −log p of the true class, in nats. A model that always gave the truth a"
        " probability of {p} would lose as much."
    ),
    "label.bits": "nll in bits",
    "bits": (
        "The same with base 2: sending a true class to someone who has the model takes {x} bits."
    ),
    "label.perplexity": "perplexity",
    "perplexity": "The model is as unsure as if it guessed among {x} equally likely classes.",
    "label.total": "total nll",
    "total": "The unhappiness of all rows together, in nats: {nll} × {weight}.",
    "label.bits_per_byte": "bits per byte",
    "bits_per_byte": (
        "The nll in bits divided by the bytes of what was predicted. It compares models whose"
        " tokens differ."
    ),
    "label.baseline": "baseline",
    "baseline": (
        "What you lose if you know how frequent each class is here, and nothing about the row: the"
        " entropy of the class frequencies."
    ),
    "label.skill": "skill",
    "skill": "The part of the baseline that the model saves: 1 − {nll} / {baseline}.",
    "skill.worse": (
        "1 − {nll} / {baseline} is below 0: the class frequencies alone would predict better."
    ),
    "label.top1": "accuracy",
    "top1": "In {x} of the rows the likeliest class is the true one.",
    "label.top3": "top-3 accuracy",
    "top3": "In {x} of the rows the truth is among the three likeliest classes.",
    "label.top5": "top-5 accuracy",
    "top5": "In {x} of the rows the truth is among the five likeliest classes.",
    "label.entropy": "entropy",
    "entropy": "What the model expects to lose, by its own probabilities.",
    "label.min_entropy": "min-entropy (method 1)",
    "min_entropy": (
        "The mean of −log of the largest probability. It says how sure the model is, not whether it"
        " is right."
    ),
    "label.one_vs_rest": "one-vs-rest nll (method 2)",
    "one_vs_rest": (
        "A yes/no loss for every class: −log p of the true class plus −log(1 − p) of each other"
        " one. It is never below the nll."
    ),
    "label.missing_mass": "unlisted mass",
    "missing_mass": (
        "The probability that the listed tokens leave to all others, on average over the tokens."
    ),
    # --- why
    "section.why": "Why?",
    "why.sum": (
        "The loss is what the classes make uncertain, less what the model knows, plus what its"
        " probabilities overstate or understate: {uncertainty} − {discrimination} +"
        " {miscalibration} = {nll} nats."
    ),
    "label.uncertainty": "uncertainty",
    "uncertainty": (
        "How hard the classes are to guess before looking at a row. No model changes this."
    ),
    "label.discrimination": "discrimination",
    "discrimination": "What the model gains by telling rows apart.",
    "label.miscalibration": "miscalibration",
    "miscalibration": (
        "What is lost because the probabilities are not what they say. Recalibration can win this"
        " back, without training again."
    ),
    "label.nll_minus_entropy": "nll − entropy",
    "nll_minus_entropy.over": (
        "The model expects to lose {entropy} nats and loses {nll}. It is more confident than it"
        " should be."
    ),
    "nll_minus_entropy.under": (
        "The model expects to lose {entropy} nats and loses {nll}. It is less confident than it"
        " could be."
    ),
    "nll_minus_entropy.even": (
        "The model expects to lose {entropy} nats and loses {nll}. The difference could be chance:"
        " on the whole its confidence is right."
    ),
    "label.temperature": "best temperature",
    "temperature.over": (
        "The model is overconfident. Its logits divided by {t} would give an nll of {nll}, {gain}"
        " nats less."
    ),
    "temperature.under": (
        "The model is underconfident. Its logits divided by {t} would give an nll of {nll}, {gain}"
        " nats less."
    ),
    "temperature.even": "No temperature would gain more than {gain} nats. The confidence is right.",
    "temperature.beyond": (
        "The best temperature lies beyond {t}, where the search ends. The predictions may not be"
        " what they were taken for."
    ),
    "chart.steps": "From the baseline to the nll",
    "chart.steps.alt": (
        "Bars: uncertainty {uncertainty} nats, less discrimination {discrimination}, plus"
        " miscalibration {miscalibration}, leaves an nll of {nll}."
    ),
    "axis.nats": "nats per row",
    "axis.mean_nll": "mean nll (nats per row)",
    "chart.temperature": "The temperature with the smallest loss",
    "chart.temperature.alt": (
        "A scale from {first} to {last}, with 1, the model as it is, in the middle. Best: {t}."
    ),
    "axis.temperature": "temperature T, logits / T",
    "scale.left": "underconfident",
    "scale.right": "overconfident",
    # --- where
    "section.where": "Where?",
    "section.distribution": "Which rows",
    "distribution.quantiles": (
        "Half of the rows lose {q50} nats or less, one in ten loses more than {q90}, one in a"
        " hundred more than {q99}, one in a thousand more than {q999}. The worst one loses {max}."
    ),
    "distribution.worst": "The worst 1 % of the rows carry {share} of the total nll.",
    "chart.histogram": "How the rows and their loss are distributed",
    "chart.histogram.alt": (
        "Bars on a logarithmic axis from {first} to {last} nats. Upwards the share of the rows,"
        " most of them around {most_rows} nats; downwards their share of the total nll, most of it"
        " around {most_loss} nats."
    ),
    "axis.nll": "nll of a row (nats, logarithmic)",
    "axis.up": "↑ share of the rows",
    "axis.down": "↓ share of the loss",
    "mark.mean": "mean",
    "mark.median": "median",
    "chart.stack": "Who carries the loss",
    "chart.stack.alt": "The worst 1 % of the rows carry {share} of the total nll.",
    "stack.worst": "the worst 1 %",
    "stack.rest": "all others",
    "stack.rows": "rows",
    "stack.loss": "loss",
    "section.classes": "Which classes",
    "classes.first": (
        "“{name}” costs the most: {share} of the total nll, with {support} of the rows. A class"
        " whose share of the loss exceeds its share of the rows is harder than average."
    ),
    "classes.caption": "Classes by what they cost",
    "classes.left_out": "The {listed} costliest classes are listed; {n} more have rows.",
    "chart.classes": "Mean nll of the costliest classes",
    "chart.bars.alt": (
        "A bar for each of {n}, with its 95 % interval; the largest mean is {value} nats, for"
        " “{name}”. The table has all numbers."
    ),
    "section.slices": "By {column}",
    "slices.spread": (
        "“{worst}” loses {high} nats per row, “{best}” {low}; the mean of all is {mean}."
    ),
    "slices.caption": "Values of {column} by what they cost",
    "slices.left_out": "{n} more values are not listed.",
    "slices.columns": "{n} more columns are in the JSON: {names}.",
    "chart.slices": "Mean nll by {column}",
    "section.confusions": "Which confusions",
    "confusions.first": (
        "Rows of “{target}” taken for “{predicted}” cost the most: {cost} nats, {share} of the"
        " total nll. Number of rows: {rows}."
    ),
    "confusions.none": "No row was predicted wrong.",
    "confusions.caption": "Confusions by what they cost",
    "confusions.pairs": "{n} different confusions occur; the {listed} costliest are listed.",
    "confusions.inexact": (
        "There were too many to keep all of them: each cost may be up to {nats} nats higher."
    ),
    # --- rows
    "section.worst": "The worst rows",
    "worst.first": (
        "These rows have the largest nll. Look at them first: a wrong label, a broken input and"
        " a real mistake look alike in every mean."
    ),
    "worst.caption": "The rows with the largest nll",
    "section.tokens": "The worst tokens",
    "tokens.first": "These tokens have the largest nll.",
    "tokens.caption": "The tokens with the largest nll",
    "section.documents": "The worst documents",
    "documents.first": (
        "These documents have the largest nll in total. A long document has more to lose than a"
        " short one."
    ),
    "documents.caption": "The documents with the largest nll",
    "section.suspects": "Labels that look wrong",
    "suspects.some": (
        "Labels so unlikely that they may be wrong: {n}. At a false-discovery rate of"
        " {rate}, about {false} of these labels should be right after all."
    ),
    "suspects.at_least": (
        "Labels so unlikely that they may be wrong: at least {n}. At a false-discovery"
        " rate of {rate}, about {false} of these labels should be right after all."
    ),
    "suspects.none": (
        "No label is so unlikely that it looks wrong, at a false-discovery rate of {rate}."
    ),
    "suspects.assumption": (
        "Assumed: where a label is right, the model's probabilities at temperature {t} are, too."
        " The p-value of a row is the probability of a label as unlikely as the given one."
    ),
    "suspects.caption": "Labels that look wrong, the most unlikely first",
    # --- calibration
    "section.calibration": "Are the probabilities what they say?",
    "calibration.error": (
        "Of the rows that the model is 80 % sure of, 80 % should be right. On average confidence"
        " and accuracy differ by {error}."
    ),
    "calibration.over": (
        "On the whole it is too sure: confidence {confidence}, accuracy {accuracy}."
    ),
    "calibration.under": (
        "On the whole it is not sure enough: confidence {confidence}, accuracy {accuracy}."
    ),
    "label.calibration_error": "calibration error",
    "calibration_error": (
        "The mean distance between confidence and accuracy over {bins} bins of equally many rows;"
        " what chance alone would cause is subtracted."
    ),
    "chart.reliability": "Accuracy by confidence",
    "chart.reliability.alt": (
        "{n} points from confidence {first} with accuracy {first_accuracy} to confidence {last}"
        " with accuracy {last_accuracy}, with 95 % bands, and the diagonal of perfect calibration."
    ),
    "axis.confidence": "confidence: probability of the likeliest class",
    "axis.accuracy": "accuracy",
    "perfect": "perfect calibration",
    "bins.caption": "The bins of the curve",
    "section.class_wise": "Class by class",
    "class_wise.meaning": "A class should be true as often as its mean probability says.",
    "class_wise.error": "Over all classes the probabilities miss by {error}.",
    "class_wise.caption": "Classes by how far their probability misses their frequency",
    # --- columns of tables
    "label.class": "class",
    "label.value": "value",
    "label.rows": "rows",
    "label.support": "support",
    "label.share": "share",
    "label.accuracy": "accuracy",
    "label.confusion": "costliest confusion",
    "label.cost": "cost (nats)",
    "label.target": "target",
    "label.predicted": "predicted",
    "label.document": "document",
    "label.token": "token",
    "label.tokens": "tokens",
    "label.per_token": "nll per token",
    "label.row": "row",
    "label.id": "id",
    "label.by": "slice",
    "label.text": "text",
    "label.p": "p of target",
    "label.p_predicted": "p of predicted",
    "label.suggested": "suggested",
    "label.p_suggested": "p of suggested",
    "label.p_value": "p-value",
    "label.q_value": "q-value",
    "label.confidence": "confidence",
    "label.mean_p": "mean p",
    "label.frequency": "frequency",
    "label.difference": "difference",
    # --- what cannot be said
    "missing": "Missing: {what}",
    "missing.loss": (
        "Not known from {kind}: {what}. They need a number for every class, as logits,"
        " log-probabilities or probabilities."
    ),
    "missing.accuracy": "the accuracy, which needs to know the likeliest class of each row.",
    "missing.why": (
        "the parts of the loss and the best temperature, which need the logits of every class."
    ),
    "missing.distribution": "the distribution of the nll, which needs the nll of each row.",
    "missing.classes": "the loss by class, which needs to know each row's true class.",
    "missing.confusions": "confusions, which need the likeliest class of each row.",
    "missing.worst": "the worst rows, which need the nll of each row.",
    "missing.calibration": (
        "calibration, which needs the probabilities of every class, or at least the likeliest."
    ),
    "missing.suspects": (
        "labels that look wrong, which need the probabilities of every class to compare with."
    ),
    # --- comparison
    "headline.better": "{b} is better than {a}: it loses {x} nats less per row ({interval}).",
    "headline.worse_than": "{b} is worse than {a}: it loses {x} nats more per row ({interval}).",
    "headline.same": (
        "{a} and {b} cannot be told apart: the difference of {x} nats per row could be chance"
        " ({interval})."
    ),
    "comparison.rows": (
        "{n} rows, each predicted by both. Differences are {b} − {a}: above 0, {b} is worse."
    ),
    "section.difference": "How much better?",
    "difference.paired": (
        "The interval is that of the rows' own differences. It is narrower than what the two means"
        " would tell, because both models find the same rows hard."
    ),
    "difference": "The mean over the rows of the nll of {b} less that of {a}.",
    "figures.caption": "Both models side by side",
    "label.figure": "figure",
    "section.classes_compared": "Which classes got worse, which better?",
    "section.rows_compared": "Which rows got worse, which better?",
    "classes.worse": "Classes that got worse",
    "classes.better": "Classes that got better",
    "rows.worse": "Rows that got worse",
    "rows.better": "Rows that got better",
    "none.worse": "None got worse.",
    "none.better": "None got better.",
    "chart.difference": "Difference of the mean nll by class",
    "axis.difference": "← better   difference (nats per row)   worse →",
    "section.glossary": "Glossary",
}
