// How likely each density makes the points: products that underflow, sums of logarithms that do
// not, and the likelihood as a function of the parameter.
const Likelihood = (() => {
  const POINTS = 201; // of a curve
  const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

  /** A density given at some places, in order, with straight lines between them. */
  function between(at, values, x) {
    const j = at.findIndex((place) => place >= x);
    if (j < 0) return values.at(-1);
    if (j === 0 || at[j] === x) return values[j];
    const share = (x - at[j - 1]) / (at[j] - at[j - 1]);
    return (1 - share) * values[j - 1] + share * values[j];
  }

  const logDensities = Object.freeze({
    normal: ({ mean, sd }) => (x) => -0.5 * ((x - mean) / sd) ** 2 - Math.log(sd) - HALF_LOG_2PI,
    bernoulli: ({ p }) => (x) => (x === 1 ? Math.log(p) : x === 0 ? Math.log1p(-p) : -Infinity),
    other: ({ at, log_density }) => (x) => between(at, log_density, x),
  });
  const logDensity = (density) => logDensities[density.family](density);

  const total = (list) => list.reduce((sum, x) => sum + x, 0);
  // A sum of logarithms has about 13 correct digits; a difference below them is a tie.
  const ties = (a, best) => a === best || Math.abs(a - best) <= 1e-12 * Math.abs(best);
  const line = (low, high) => {
    const step = (high - low) / (POINTS - 1);
    return Array.from({ length: POINTS }, (_, i) => (i === POINTS - 1 ? high : low + step * i));
  };

  /** The product so far, in a number type: each density and each product is rounded to it. */
  function running(density, dtype) {
    const round = Float.rounder(dtype);
    let product = 1;
    return density.map((x) => (product = round(product * round(x))));
  }

  /** The number of points after which a product is 0 although no density is; null if there is none. */
  function lost(product, log_density) {
    const zero = product.indexOf(0);
    return zero >= 0 && log_density.slice(0, zero + 1).every(Number.isFinite) ? zero + 1 : null;
  }

  function candidate(data, density) {
    const { family, ...rest } = density;
    const parameters = family === "other" ? {} : rest;
    const log_density = data.map(logDensity(density));
    const each = log_density.map(Math.exp);
    const log_likelihood = total(log_density);
    const found = lazy({
      family, parameters, density: each, log_density,
      product: () => running(each, "float64"),
      underflow_at: () => lost(found.product, log_density),
      exact_product: () => Exact.text(Exact.exp(Exact.of(log_likelihood)), 12),
      log_likelihood,
    });
    return found;
  }

  /** Where to draw the densities: 0 and 1 for coins, the places of a table, else an interval. */
  function places(data, densities) {
    const all = (name) => densities.every(({ family }) => family === name);
    if (all("bernoulli")) return [0, 1];
    if (all("other")) return densities[0].at;
    const normals = densities.filter(({ family }) => family === "normal");
    const low = Math.min(...data, ...normals.map(({ mean, sd }) => mean - 3 * sd));
    const high = Math.max(...data, ...normals.map(({ mean, sd }) => mean + 3 * sd));
    const margin = 0.05 * (high - low) || 1;
    return line(low - margin, high + margin);
  }

  /** The log-likelihood over a mean or a coin's p, with the maximum that calculus gives. */
  function curve(data, densities) {
    const { family } = densities[0];
    const mean = total(data) / data.length;
    if (densities.some((density) => density.family !== family)) return null;
    if (family === "normal") return curveOfMean(data, densities, mean);
    if (family !== "bernoulli" || data.some((x) => x !== 0 && x !== 1)) return null;
    const of = (p) => total(data.map(logDensity({ family, p })));
    return overMaximum(family, "p", line(0, 1), mean, of, { p: mean });
  }

  function curveOfMean(data, densities, mean) {
    const sd = Math.sqrt(total(data.map((x) => (x - mean) ** 2)) / data.length);
    const all = [...data, ...densities.map((density) => density.mean)];
    // Points that are all the same have a likelihood without bound: the width of a candidate, then.
    const width = sd || densities[0].sd;
    const at = line(Math.min(...all) - width, Math.max(...all) + width);
    const best = sd ? { mean, sd } : { mean };
    // The sum over the points, by their mean and spread: a frame has no time for 201 sums.
    const of = (x) => -data.length * (0.5 * ((x - mean) ** 2 + sd ** 2) / width ** 2 + Math.log(width) + HALF_LOG_2PI);
    return overMaximum("normal", "mean", at, mean, of, best);
  }

  function overMaximum(family, parameter, at, top, of, best) {
    const log_likelihood = at.map(of);
    const best_log_likelihood = of(top);
    return {
      family, parameter, at,
      likelihood: log_likelihood.map((x) => Math.exp(x - best_log_likelihood)),
      log_likelihood, best, best_log_likelihood,
    };
  }

  /** What Python's explain_likelihood() gives to to_dict(). */
  function explain({ data, candidates }) {
    const entries = Object.entries(candidates);
    const densities = entries.map(([, density]) => density);
    const each = (f) => Object.fromEntries(entries.map(([name, density]) => [name, f(density)]));
    const judged = each((density) => candidate(data, density));
    const best = Math.max(...Object.values(judged).map((c) => c.log_likelihood));
    const at = places(data, densities);
    const density = each((of) => at.map(logDensity(of)).map(Math.exp));
    return lazy({
      kind: "likelihood", data: [...data], candidates: judged,
      winner: Object.keys(judged).filter((name) => ties(judged[name].log_likelihood, best)),
      curve: () => curve(data, densities),
      probability: { at, density },
    });
  }

  return Object.freeze({ explain, logDensity, running, lost });
})();
