// One row of logits, step by step, in four columns: the definition (naive), the usual stable code
// (shifted), this library (neglog), and 50 digits (exact).
const Row = (() => {
  const without = (numbers, j) => numbers.filter((_, i) => i !== j);
  const list = (n, entry) => Array.from({ length: n }, (_, j) => entry(j));
  const square = (n, entry) => list(n, (i) => list(n, (j) => entry(i, j)));
  const oneHot = (n, target) => list(n, (j) => Number(j === target));

  /** From left to right, each sum rounded. */
  const total = (r, numbers) => numbers.reduce((sum, x) => r(sum + x), 0);

  // The steps after the probabilities, the same for both textbook columns.
  function derivatives(r, prob, target, t) {
    const y = oneHot(prob.length, target);
    return lazy({
      grad: () => prob.map((p, j) => r(r(p - y[j]) / t)),
      jacobian: () => square(prob.length, (i, j) => {
        const slope = i === j ? prob[i] * r(1 - prob[i]) : -prob[i] * prob[j];
        return r(r(slope) / t);
      }),
    });
  }

  const method2 = (r, nll, prob, target) =>
    total(r, [nll, ...without(prob, target).map((p) => -r(Math.log(r(1 - p))))]);

  function naive(r, logits, target, temperature) {
    const t = r(temperature);
    const scaled = logits.map((z) => r(z / t));
    const exp = scaled.map((z) => r(Math.exp(z)));
    const sum = total(r, exp);
    const prob = exp.map((x) => r(x / sum));
    const log_prob = prob.map((p) => r(Math.log(p)));
    const nll = -log_prob[target];
    const margin = r(scaled[target] - r(Math.log(total(r, without(exp, target)))));
    return Object.assign(derivatives(r, prob, target, t), {
      scaled, exp, sum, prob, log_prob, nll,
      method_1: -r(Math.log(Math.max(...prob))),
      method_2: method2(r, nll, prob, target),
      binary: -r(Math.log(r(1 / r(1 + r(Math.exp(-margin)))))),
    });
  }

  function shifted(r, logits, target, temperature) {
    const t = r(temperature);
    const scaled = logits.map((z) => r(z / t));
    const maximum = Math.max(...scaled);
    const below = scaled.map((z) => r(z - maximum));
    const exp = below.map((d) => r(Math.exp(d)));
    const sum = total(r, exp);
    const prob = exp.map((x) => r(x / sum));
    const logSum = r(Math.log(sum));
    const nll = r(r(logSum + maximum) - scaled[target]);
    return Object.assign(derivatives(r, prob, target, t), {
      scaled, maximum, shifted: below, exp, sum, prob, nll,
      log_prob: below.map((d) => r(d - logSum)),
      method_1: logSum,
      method_2: method2(r, nll, prob, target),
      binary: softplus(r, scaled, target),
    });
  }

  /** The target against the log-sum-exp of the others, as torch writes it. */
  function softplus(r, z, target) {
    const others = without(z, target);
    if (!others.length) return 0;
    const top = Math.max(...others);
    const sum = total(r, others.map((x) => r(Math.exp(r(x - top)))));
    const margin = r(z[target] - r(r(Math.log(sum)) + top));
    return r(Math.max(-margin, 0) + r(Math.log1p(r(Math.exp(-Math.abs(margin))))));
  }

  /**
   * The first maximum m (or nan) stands at `top`, the largest of the others at `second`. `below`
   * are the differences to m as some arithmetic has them: 0 for an infinite m as well, if it is
   * alone; nan where the row has no probabilities.
   */
  function descend(logits, A, difference) {
    const m = Math.max(...logits);
    const top = logits.findIndex((z) => Object.is(z, m));
    const next = Math.max(...without(logits, top));
    const second = logits.findIndex((z, j) => j !== top && z === next);
    const solid = Number.isFinite(m) || (m === Infinity && next < m);
    const below = logits.map((z, j) => (!solid ? A.NAN : z === m ? A.ZERO : difference(j, top)));
    return { top, second, below };
  }

  /**
   * The steps from z - m on, in any arithmetic: pairs of doubles, or decimals. The sum of the
   * others is kept apart from the maximum's own 1, and nothing that cancels is computed.
   */
  function stable(A, { below, top, second }, target, t) {
    const exp = below.map(A.exp);
    const add = (numbers) => numbers.reduce(A.add, A.ZERO);
    const minus = (a, b) => A.add(a, A.negative(b));
    const none = A.multiply(A.ZERO, exp[top]); // nan where there are no probabilities, V = 1 too
    const rest = A.add(none, add(without(exp, top)));
    const sum = A.add(rest, exp[top]);
    const others = exp.map((x, j) => (j === top ? rest : minus(sum, x)));
    const prob = exp.map((x) => A.divide(x, sum));
    const complement = others.map((x) => A.divide(x, sum));
    const logSum = A.log1p(rest);
    const log_prob = below.map((d) => minus(d, logSum));
    const nll = A.negative(log_prob[target]);
    const overT = (x) => (t === undefined ? x : A.divide(x, t));

    // log(sum of all but the maximum), which is found where that sum is too small for a number.
    const logRest = () => {
      const peak = below[second];
      const less = below.filter((_, j) => j !== top && j !== second).map((d) => minus(d, peak));
      return A.finite(peak) ? A.add(peak, A.log1p(add(less.map(A.exp)))) : peak;
    };
    const minusLogComplement = (j) =>
      j === top ? minus(logSum, logRest()) : A.log1p(A.divide(exp[j], others[j]));
    const steep = prob.map(overT); // before a product may have become too small for a number
    const slope = (i, j) =>
      i === j ? A.multiply(steep[i], complement[i]) : A.negative(A.multiply(steep[i], prob[j]));

    return Object.assign(lazy({
      grad: () => steep.map((p, j) => (j === target ? A.negative(overT(complement[j])) : p)),
      jacobian: () => symmetric(below.length, slope),
      method_1: () => A.negative(log_prob[top]),
      method_2: () => add([nll, ...without([...below.keys()], target).map(minusLogComplement)]),
    }), { shifted: below, exp, rest, sum, prob, log_prob, nll, binary: nll });
  }

  function symmetric(n, entry) {
    const half = list(n, (i) => list(i + 1, (j) => entry(i, j)));
    return square(n, (i, j) => half[Math.max(i, j)][Math.min(i, j)]);
  }

  /** f of the numbers that stand in the same place: of scalars, of lists, of lists of lists. */
  const deep = (f, x, ...more) =>
    Array.isArray(x) ? x.map((v, i) => deep(f, v, ...more.map((m) => m[i]))) : f(x, ...more);

  function neglog(r, logits, target, temperature) {
    const t = temperature === 1 ? undefined : Pair.of(temperature);
    const from = descend(logits, Pair, (j, top) => {
      const gap = Pair.sum(logits[j], -logits[top]);
      return t ? Pair.divide(gap, t) : gap;
    });
    const scaled = logits.map((z) => r(z / temperature));
    return Object.assign(rounded(r, stable(Pair, from, target, t)), { scaled, maximum: scaled[from.top] });
  }

  /** The first double of each pair, rounded to the type; a scalar's pair has no lists in it. */
  function rounded(r, steps) {
    const first = (x) => (Array.isArray(x[0]) ? x.map(first) : r(x[0]));
    return lazy(Object.fromEntries(Object.keys(steps).map((name) => [name, () => first(steps[name])])));
  }

  function exact(logits, target, temperature) {
    const t = temperature === 1 ? undefined : Exact.of(temperature);
    const scaled = logits.map((z) => (t ? Exact.divide(Exact.of(z), t) : Exact.of(z)));
    const from = descend(logits, Exact, (j, top) => Exact.subtract(scaled[j], scaled[top]));
    const unshifted = lazy({
      exp: () => scaled.map(Exact.exp),
      sum: () => unshifted.exp.reduce(Exact.add, Exact.ZERO),
    });
    return Object.assign(stable(Exact, from, target, t), { scaled, maximum: scaled[from.top], unshifted });
  }

  const texts = (seen) => deep((e) => e.text, seen);

  /** A step of the row: its columns, each held against the exact numbers. */
  function step(dtype, columns, truth, unshifted) {
    const seen = deep(Exact.seen, truth);
    const found = { naive: null, shifted: null, neglog: null, exact: texts(seen) };
    const plain = unshifted === undefined ? seen : deep(Exact.seen, unshifted);
    if (plain !== seen) found.unshifted = texts(plain);
    Object.assign(found, { error: {}, flag: {} });
    for (const [name, x] of columns.filter(([, x]) => x !== undefined)) {
      const against = name === "naive" ? plain : seen;
      const error = deep(Exact.error, x, against);
      const flag = (v, { high }, lost) => Float.flag(dtype, v, high, lost);
      found[name] = x;
      found.error[name] = error;
      found.flag[name] = deep(flag, x, against, error);
    }
    return found;
  }

  const STEPS = [
    "logits", "scaled", "maximum", "shifted", "exp", "rest", "sum",
    "prob", "log_prob", "nll", "one_hot", "grad", "jacobian",
  ];
  const LOSSES = ["nll", "method_1", "method_2", "binary"];

  /**
   * The row as Python's explain() gives it to to_dict(), but for titles and formulas. A light one
   * has the columns' numbers and nothing to hold them against.
   */
  function explain({ logits: given, target, dtype, temperature }, { light = false } = {}) {
    const r = Float.rounder(dtype);
    const logits = given.map(r);
    const y = oneHot(given.length, target);
    const same = { logits, one_hot: y }; // in every column
    const columns = Object.entries({ naive, shifted, neglog }).map(([name, compute]) =>
      [name, Object.assign(compute(r, logits, target, temperature), same)]);
    const truth = light || Object.assign(exact(logits, target, temperature), {
      logits: given.map(Exact.of), one_hot: y.map(Exact.of),
    });
    const of = (name) => [name, () => {
      const numbers = columns.map(([key, steps]) => [key, steps[name]]);
      if (light) return Object.fromEntries(numbers.map(([key, x]) => [key, x ?? null]));
      return step(dtype, numbers, truth[name], truth.unshifted[name]);
    }];
    const steps = STEPS.filter((name) => name !== "scaled" || temperature !== 1);
    const m = Math.max(...logits);
    return {
      given: [...given], target,
      argmax: [...logits.keys()].filter((j) => logits[j] === m),
      steps: lazy(Object.fromEntries(steps.map(of))),
      losses: lazy(Object.fromEntries(LOSSES.map(of))),
    };
  }

  return Object.freeze({ explain });
})();
