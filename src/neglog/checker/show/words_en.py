"""The checker's words in English. Every key is in words_ko, too, with the same {places}.

A key is the code of a finding, with a variant behind a dot; "fix." and a code is the line that
would mend it.
"""

WORDS = {
    "grade.wrong": "wrong",
    "grade.fragile": "fragile",
    "grade.imprecise": "imprecise",
    "headline.none": "{name}: nothing found in {n} calls.",
    "headline.wrong": "{name} is not the softmax cross-entropy: {listed}.",
    "headline.right": "{name} is right on easy rows: {listed}.",
    "count": "{n} {grade}",
    "said.one number": "one number",
    "said.one per row": "one per row",
    "said.IndexError or nan": "IndexError or nan",
    "said.a gradient": "a gradient",
    "said.a finite gradient": "a finite gradient",
    "said.none": "none",
    "said.other numbers": "other numbers",
    "said.logits as before": "logits as before",
    "said.target as before": "target as before",
    "title": "Is this loss right?",
    "target": "target",
    "expected": "expected",
    "got": "got",
    "mend": "mend",
    "row": "row",
    "row.times": "{n} times",
    "kind.probabilities": "probabilities",
    "kind.log-probabilities": "log-probabilities",
    "ulp": "The error is {n} ulp.",
    "calls": "{n} calls in {s} s, {framework} arrays.",
    "explain": "Open in explain",
    "explain.command": "The same in a terminal:",
    "skip": "Skip to the findings",
    "foot": "Made by neglog. This file needs no network and sends nothing anywhere.",
    "remark.prints": "The function prints, which was kept from here: “{text}”",
    "remark.stopped": "The check stopped after {text}; rows that were left are not judged.",
    "remark.here": "The calls were made in this process, because JAX does not survive a fork.",
    # --- what the function computes
    "probabilities": "It expects probabilities, and logits are what it gets.",
    "fix.probabilities": (
        "log_p = z - z.max(-1, keepdims=True); log_p -= log(exp(log_p).sum(-1, keepdims=True))"
    ),
    "log-probabilities": "It expects log-probabilities, and logits are what it gets.",
    "fix.log-probabilities": "log_p = log_softmax(z)  # first, then -log_p[arange(N), y].mean()",
    "softmax-twice": "It takes the softmax twice: of the logits, and of their probabilities again.",
    "fix.softmax-twice": "loss = cross_entropy(z, y)  # z, not softmax(z)",
    "wrong-axis": "It normalises over the rows of a column, not over the classes of a row.",
    "wrong-axis.whole": "It normalises over the whole array, not over the classes of each row.",
    "fix.wrong-axis": "exp(z).sum(axis=-1, keepdims=True)  # the classes are the last axis",
    "log-base": "It takes logarithms to base {base}: the loss is {factor} times the loss in nats.",
    "fix.log-base": "np.log(...)  # the natural logarithm",
    "sum-for-mean": "It returns the sum over the rows, not their mean.",
    "fix.sum-for-mean": "loss = losses.sum() / N",
    "divided-by-classes": "It divides by the number of classes, not by the number of rows.",
    "divided-by-classes.entries": "It divides by N x V, not by the number of rows N.",
    "fix.divided-by-classes": "loss = losses.sum() / N  # N = len(target)",
    "sign": "The sign is wrong: this is the log-likelihood, and the loss is its negative.",
    "fix.sign": "loss = -log_p[arange(N), y].mean()",
    "argmax": (
        "It takes the likeliest class instead of the target: -log max p, which no label changes."
    ),
    "fix.argmax": "loss = -log_p[arange(N), y].mean()  # y is the target, not z.argmax(-1)",
    "one-vs-rest": "It adds -log(1 - p) of the other classes to the loss of the target (method 2).",
    "fix.one-vs-rest": "loss = -log_p[arange(N), y].mean()  # the target's entry alone",
    "binary": (
        "It takes a sigmoid of each class on its own: the binary loss, not that of a softmax."
    ),
    "fix.binary": "log_p = log_softmax(z)  # one distribution over all classes",
    "wrong-value": "The loss is not right, and none of the known mistakes explains it.",
    "fix.wrong-value": "loss = -log_softmax(z)[arange(N), y].mean()",
    "not-reduced": "It returns one loss per row, where the mean over the rows is expected.",
    "fix.not-reduced": "loss = losses.mean()",
    # --- its options
    "ignored-rows.counted": "Ignored rows are counted: the sum is divided by all rows.",
    "ignored-rows.kept": "Rows whose target is ignore_index are not ignored.",
    "fix.ignored-rows": "kept = y != ignore_index; loss = losses[kept].sum() / kept.sum()",
    "weights-denominator": (
        "The sum is divided by the number of rows, not by the sum of their weights."
    ),
    "fix.weights-denominator": "loss = (weight[y] * losses).sum() / weight[y].sum()",
    "smoothing-classes": (
        "Label smoothing is shared by V - 1 classes; torch's shares it among all V."
    ),
    "fix.smoothing-classes": "t = (1 - a) * one_hot(y, V) + a / V",
    "option-unused": "The argument {option} changes nothing.",
    "fix.option-unused": "use {option}, or take it out of the signature",
    "option-wrong": (
        "With {option} the loss is not right, and none of the known mistakes explains it."
    ),
    "fix.option-wrong": "see torch.nn.functional.cross_entropy for what {option} means",
    "empty-mean": "If every row is ignored, the mean is 0/0.",
    "fix.empty-mean": "loss = losses[kept].sum() / max(kept.sum(), 1)",
    "ignored-leak": "nan in an ignored row gets into the loss, as 0 x nan.",
    "fix.ignored-leak": "losses = where(kept, losses, 0)  # not losses * kept",
    # --- its gradient
    "gradient-not-divided": (
        "The gradient is that of the sum: it is not divided by the number of rows."
    ),
    "fix.gradient-not-divided": "grad = (p - one_hot(y, V)) / N",
    "gradient-sign": "The gradient points uphill: its sign is wrong.",
    "fix.gradient-sign": "grad = (p - one_hot(y, V)) / N  # not one_hot - p",
    "transposed": "The gradient is transposed: (classes, rows) instead of (rows, classes).",
    "fix.transposed": "grad = grad.T",
    "wrong-gradient": "The gradient is not that of the loss.",
    "wrong-gradient.shape": "The gradient has another shape than the logits.",
    "wrong-gradient.hard": "The loss of this row is right, and its gradient is not.",
    "fix.wrong-gradient": "grad = (p - one_hot(y, V)) / N",
    "no-gradient": "There is no gradient for the logits: something cuts the graph.",
    "fix.no-gradient": "no .item(), .detach() or float() between the logits and the loss",
    "gradient-cancellation": (
        "The gradient at the target is p - 1, which loses its digits near p = 1."
    ),
    "fix.gradient-cancellation": "grad[i, y] = -(p of the other classes).sum()",
    # --- its arithmetic
    "no-shift": "It does not subtract the maximum: exp overflows, and large logits have no loss.",
    "fix.no-shift": "z = z - z.max(axis=-1, keepdims=True)",
    "underflow": "It takes the log of a probability that has underflowed to 0.",
    "underflow.sum": "It takes the log of a sum that has underflowed to 0.",
    "underflow.batch": (
        "It subtracts the maximum of the whole batch: the sums of other rows underflow."
    ),
    "fix.underflow": "loss = log(exp(z - m).sum(-1)) - (z_y - m)  # the log before the division",
    "fix.underflow.sum": (
        "m = z.max(axis=-1, keepdims=True)  # also where all logits are far below 0"
    ),
    "fix.underflow.batch": "m = z.max(axis=-1, keepdims=True)  # one maximum per row",
    "epsilon.add": (
        "An epsilon of {size} is added before the log: no row can lose more than {most}."
    ),
    "epsilon.clip": "Probabilities are clipped at {size}: no row can lose more than {most}.",
    "fix.epsilon": "loss = log(exp(z - m).sum(-1)) - (z_y - m)  # needs no epsilon",
    "masked-nan": "A class that is masked with -inf gives nan, as inf - inf or 0 x inf.",
    "fix.masked-nan": "losses = -log_p[arange(N), y]  # pick the entry; 0 * -inf in a sum is nan",
    "half-sums": "Halves are added up in half precision: the sum overflows at 65504 or stalls.",
    "fix.half-sums": "losses.sum(dtype=float32) / N",
    "half-result": "The loss of float16 logits comes back in float16, with three digits.",
    "fix.half-result": "z = z.astype(float32)  # first; the gradient may be float16",
    "wrong-dtype": "The result comes in {dtype}, narrower than the logits.",
    "wrong-dtype.inside": "The result has the digits of {dtype}, fewer than the logits have.",
    "fix.wrong-dtype": "no astype({dtype}): compute in logits.dtype or wider",
    "integer-logits": "Logits of whole numbers wrap around, as 0 - 255 does in uint8.",
    "fix.integer-logits": "z = np.asarray(logits, dtype=float)",
    "target-range": "A target outside the classes gives a number instead of an error or nan.",
    "target-range.wraps": "A target of -1 is taken for the last class.",
    "fix.target-range": "if not (0 <= y.min() and y.max() < V): raise IndexError(...)",
    "cancellation": "Two nearly equal numbers are subtracted, as in lse - z_y or log(1 + small).",
    "fix.cancellation": (
        "loss = log(sum) - (z_y - m); where z_y is the maximum: log1p(sum of the others)"
    ),
    "imprecise": "The loss has lost digits.",
    "fix.imprecise": "loss = log(sum) - (z_y - m)",
    # --- how it behaves
    "input-changed": "The function writes to the caller's {what}.",
    "fix.input-changed": "z = z - m  # not z -= m",
    "state": "The result depends on earlier calls: the function keeps something.",
    "state.random": "The same call gives different results.",
    "fix.state": "compute everything from the arguments of this call",
    "raises": "It raises an error: {text}.",
    "fix.raises": "logits (N, V) and target (N,) are all that it may need",
    "hangs": "It does not return within {text}.",
    "fix.hangs": "look for a loop that does not end",
    "crashes": "It takes the whole process down ({text}).",
    "fix.crashes": "check indices before memory is read or written",
    "exits": "It ends the process ({text}).",
    "fix.exits": "raise an exception instead",
    "rubbish": "It returns {text}, which is no loss.",
    "rubbish.none": "It returns None: a return may be missing.",
    "fix.rubbish": "return loss  # one number",
    # --- losses with a linear layer in front
    "head-value": "The loss is not that of hidden @ classes.T.",
    "fix.head-value": "logits = hidden @ classes.T",
    "bias": "The bias is left out.",
    "fix.bias": "logits = hidden @ classes.T + bias",
    "head-gradient": "The gradient for {what} is not right.",
    "fix.head-gradient": (
        "dz = (p - y) / N; dhidden = dz @ classes; dclasses = dz.T @ hidden; dbias = dz.sum(0)"
    ),
    "head-no-gradient": "There is no gradient for {what}.",
    "fix.head-no-gradient": "return a gradient for {what}, whichever of the others need one",
    "upstream": "The gradient is not multiplied by the factor that comes from above.",
    "upstream.rows": "The rows' own factors from above are not used: one serves for all.",
    "upstream.second": "A second backward pass gives another gradient.",
    "fix.upstream": 'dz = dz * upstream  # per row with reduction="none"; not in place',
    "half-gradient": "float16 gradients are rounded before the factor from above is known.",
    "fix.half-gradient": "keep dz in float32 until the factor is known",
}
