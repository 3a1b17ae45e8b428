// Three drawings of the likelihood: over the data, over the number of points, over the parameter.
const LikPlots = (() => {
  const FEW = 24; // points that can be dragged
  const NAMED = 3; // curves whose names have room beside them

  const named = (name, key) => Words.say("lik.parameter", {name, parameter: Words.say(key)});

  // Both drawings of the first screen fit a phone's.
  const tall = (plot, desk, phone) => plot.tall(plot.width < 480 ? phone : desk);
  const shortened = (name) => (name.length > 18 ? `${name.slice(0, 17)}…` : name);

  function densities(plot, {state, names, result, range, actions}) {
    const {data, candidates} = state;
    const {at, density} = result.probability;
    const all = names.map((_, k) => density[`c${k}`]);
    const high = 1.2 * Math.max(...all.flat().filter(Number.isFinite), 1e-9);
    tall(plot, 390, 190);
    plot.axes({x: range, y: [0, high], yLabel: Words.say("lik.density"), drop: 24});
    plot.write("hint", plot.width, 10, Words.say(data.length > FEW ? "lik.many" : "lik.hint", {n: data.length}), "end");
    const inside = at.map((x, i) => i).filter((i) => at[i] >= range[0] && at[i] <= range[1]);
    all.forEach((ys, k) => Dom.paint(plot.line(`curve${k}`, inside.map((i) => [at[i], ys[i]]), {class: "curve"}), k));
    stems(plot, {state, result, range, actions});
    const means = candidates.map(({mean}) => mean);
    candidates.forEach(({family, mean, sd}, k) => {
      if (family !== "normal") return;
      const top = 1 / (sd * Math.sqrt(2 * Math.PI));
      const side = mean === Math.min(...means) ? "end" : mean === Math.max(...means) ? "start" : "middle";
      if (names.length <= NAMED) {
        Dom.paint(plot.write(`name${k}`, plot.x(mean), plot.y(top) - 16, shortened(names[k]), side, "curve-name"), k);
      }
      const base = {hue: k, step: 0.1};
      plot.handle(`mean${k}`, {...base, at: [mean, top], value: mean, min: range[0], max: range[1],
        label: named(names[k], "lik.mean"), move: (x) => actions.candidate(k, {mean: x})});
      plot.handle(`sd${k}`, {...base, at: [mean + sd, top * Math.exp(-0.5)], value: sd, min: 0.05,
        max: range[1] - range[0], shape: "square",
        label: named(names[k], "lik.sd"),
          from: (x) => Math.abs(x - mean),
        move: (x) => actions.candidate(k, {sd: x})});
    });
  }

  // The points on the axis, and each candidate's density above them.
  function stems(plot, {state, result, range, actions}) {
    const {data} = state;
    if (data.length > FEW) {
      const d = data.map((x) => `M${plot.x(x).toFixed(1)} ${plot.y(0)}v-10`).join("");
      plot.put("rug", "path", {class: "rug", d});
      return;
    }
    data.forEach((x, i) => {
      const heights = state.candidates.map((_, k) => result.candidates[`c${k}`].density[i]);
      plot.put(`stem${i}`, "path", {class: "stem", d: `M${plot.x(x)} ${plot.y(0)}V${plot.y(Math.max(...heights))}`});
      heights.forEach((height, k) => {
        Dom.paint(plot.put(`on${i} ${k}`, "circle", {class: "dot", cx: plot.x(x), cy: plot.y(height), r: 3.5}), k);
      });
      plot.handle(`x${i}`, {at: [x, 0], value: x, min: range[0], max: range[1], step: 0.1, shape: "point", hue: 5,
        label: Words.say("lik.point", {n: i + 1}),
          move: (to) => actions.point(i, to)});
    });
  }

  // A coin is a bar of length 1, cut at p.
  function coins(plot, {state, names, actions}) {
    const {candidates, data} = state;
    const count = candidates.length;
    tall(plot, 62 + Math.min(90, 300 / count) * count, 62 + Math.min(60, 210 / count) * count);
    plot.axes({x: [0, 1], y: [-0.5, count - 0.5], yTicks: [], xLabel: Words.say("lik.p")});
    const heads = data.reduce((sum, x) => sum + x, 0);
    plot.write("counts", 0, 10, `${Words.say("lik.heads")} ${heads}, ${Words.say("lik.tails")} ${data.length - heads}`);
    const thick = 0.5 * Math.abs(plot.y(0) - plot.y(1));
    candidates.forEach(({p}, k) => {
      const level = plot.y(count - 1 - k);
      const box = (key, from, to) => Dom.paint(plot.put(`${key}${k}`, "rect", {class: key, x: plot.x(from),
        y: level - thick / 2, width: Math.max(0, plot.x(to) - plot.x(from)), height: thick}), k);
      box("heads", 0, p);
      box("tails", p, 1);
      const say = (key, x, side, kind, share) => plot.write(`say ${key}${k}`, x, level + 4,
        thick > 20 && share > 0.25 ? `${Words.say(`lik.${key}`)} ${Format.number(share, 3)}` : "", side, kind);
      plot.write(`coin${k}`, plot.x(0), level - thick / 2 - 4, shortened(names[k]), "start", "curve-name");
      say("heads", plot.x(0) + 8, "start", "inside", p);
      say("tails", plot.x(1) - 8, "end", "strong", 1 - p);
      plot.handle(`p${k}`, {at: [p, count - 1 - k], value: p, min: 0, max: 1, step: 0.01, hue: k,
        label: named(names[k], "lik.p"), move: (to) => actions.candidate(k, {p: to})});
    });
  }

  function probability(plot, frame) {
    const {state, names, coin} = frame;
    plot.label(Words.say("lik.probability.alt", {list: Words.list(names), n: state.data.length}));
    if (coin) coins(plot, frame);
    else densities(plot, frame);
  }

  const best = (curve) =>
    Words.list(Object.entries(curve.best).map(([name, x]) => `${Words.say(`lik.${name}`)} ${Format.number(x, 5)}`));

  function parameter(plot, {state, names, result, range, coin, actions}) {
    const {curve} = result;
    if (!curve) return;
    const across = coin ? [0, 1] : range;
    const say = Words.say(`lik.${curve.parameter}`);
    plot.axes({x: across, y: [0, 1.08], yTicks: [0, 0.5, 1], xLabel: Words.say("lik.curve.x", {parameter: say}),
      yLabel: Words.say("lik.curve.y")});
    const top = curve.best[curve.parameter];
    const points = [[top, 1], ...curve.at.map((x, i) => [x, curve.likelihood[i]])]
      .filter(([x, y]) => x >= across[0] && x <= across[1] && Number.isFinite(y)).sort((a, b) => a[0] - b[0]);
    plot.line("curve", points, {class: "curve"});
    plot.put("top", "path", {class: "guide", d: `M${plot.x(top)} ${plot.y(0)}V${plot.y(1)}`});
    plot.put("peak", "path", {class: "peak", d: `M${plot.x(top)} ${plot.y(1) - 6}l5 -8h-10z`});
    plot.label(Words.say("lik.curve.alt", {parameter: say, best: best(curve)}));
    state.candidates.forEach((candidate, k) => {
      if (!(curve.parameter in candidate)) return;
      const x = candidate[curve.parameter];
      const y = Math.exp(result.candidates[`c${k}`].log_likelihood - curve.best_log_likelihood);
      plot.handle(`at${k}`, {at: [x, y], value: x, min: across[0], max: across[1], step: coin ? 0.01 : 0.1, hue: k,
        label: named(names[k], `lik.${curve.parameter}`),
          move: (to) => actions.candidate(k, {[curve.parameter]: to})});
    });
  }

  // A power of ten as the product's axis writes it.
  const power = (t) => (Math.abs(t) > 3 ? Format.decimal(`1e${t}`).replace("1×", "") : String(10 ** t));

  // Two scales for one line: the product's ends at the smallest number of its type, the sum's goes on.
  function scales(plot, across, [low, high], floor) {
    const [left, right] = across.map(plot.x);
    const least = Math.max(low, floor) / Math.LN10;
    const step = Math.max(1, Math.ceil((high / Math.LN10 - least) / Math.max(1, (plot.y(least * Math.LN10) - plot.y(high)) / 34)));
    for (let t = Math.floor(high / Math.LN10 / step) * step; t >= least; t -= step) {
      plot.write(`p${t}`, left - 6, plot.y(t * Math.LN10) + 4, power(t), "end");
    }
    for (const t of Plot.ticks(low, high, 4)) {
      plot.put(`g${t}`, "path", {class: "grid", d: `M${left} ${plot.y(t)}H${right}`});
      plot.write(`s${t}`, right + 6, plot.y(t) + 4, Format.number(t));
    }
  }

  // The log of the product over the number of points. The product, a wide line, falls off the
  // smallest number of its type and is 0 from there on; the sum of logs, a thin one, goes on.
  function race(plot, {state, names, sums, products}) {
    const {dtype, data: {length: count}} = state;
    const floor = Math.log(Float.least(dtype));
    const seen = sums.flat().filter(Number.isFinite);
    const zeros = products.map(({product}) => product.indexOf(0)).filter((zero) => zero >= 0);
    const low = seen.reduce((least, x) => Math.min(least, x), -1) * (zeros.length ? 1.3 : 1.1);
    const high = seen.reduce((most, x) => Math.max(most, x), 0);
    const across = [0, count];
    tall(plot, 285, 165);
    plot.axes({x: across, y: [low, high], yTicks: [], xTicks: count < 8 ? [...Array(count + 1).keys()] : undefined,
      xLabel: Words.say("lik.race.x")});
    const [left, right, bottom] = [plot.x(0), plot.x(count), plot.y(low)];
    plot.put("wide", "path", {class: "product", d: "M0 6h16"});
    plot.write("product", 21, 10, Words.say("lik.race.product"));
    plot.put("thin", "path", {class: "curve", d: `M${plot.width} 6h-16`});
    plot.write("sum", plot.width - 21, 10, Words.say("lik.sum"), "end");
    if (floor > low) plot.put("below", "rect", {class: "below", x: left, y: plot.y(floor), width: right - left,
      height: bottom - plot.y(floor)});
    scales(plot, across, [low, high], floor);
    sums.forEach((sum, k) => {
      const {product, lost} = products[k];
      const zero = product.indexOf(0);
      const end = zero < 0 ? count : zero; // points before the product is 0
      const shown = (i) => i % Math.ceil(count / 300) === 0 || i === end - 1 || i === count - 1;
      const line = (values) => [[0, 0], ...values.map((y, i) => [i + 1, y])
        .filter(([i, y]) => shown(i - 1) && Number.isFinite(y))];
      const level = bottom - 3 - 4 * k;
      const d = plot.path(line(product.slice(0, end).map(Math.log)));
      Dom.paint(plot.put(`product${k}`, "path", {class: "product",
        d: zero < 0 ? d : `${d}L${plot.x(zero + 1)} ${level}H${right}`}), k);
      const points = line(sum);
      Dom.paint(plot.line(`sum${k}`, points, {class: "curve"}), k);
      if (lost) plot.put(`end${k}`, "path", {class: "cross", d: `M${plot.x(lost)} ${level}m-5 -5l10 10m0 -10l-10 10`});
      if (count <= FEW) points.slice(1).forEach(([i, y]) => Dom.paint(plot.put(`at${i} ${k}`, "circle",
        {class: "dot", cx: plot.x(i), cy: plot.y(y), r: 3.5}), k));
    });
    if (zeros.length) {
      plot.write("0", left - 6, bottom, "0", "end", "bad");
      const last = plot.x(Math.max(...zeros) + 1);
      const room = last < (left + right) / 2; // beside the fall, or below the lines
      plot.write("floor", room ? last + 12 : left + 6, bottom - 10 - 4 * names.length,
        Words.say("lik.race.floor", {dtype}), "start", "bad");
    }
    plot.label([Words.say("lik.race.alt"), ...names.flatMap((name, k) =>
      (products[k].lost ? [Words.say("lik.race.lost", {name, n: products[k].lost})] : []))].join(" "));
  }

  return Object.freeze({probability, parameter, race, best, named});
})();
