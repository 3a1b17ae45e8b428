// Three drawings of the likelihood: over the data, over the parameter, over the number of points.
const LikPlots = (() => {
  const FEW = 24; // points that can be dragged
  const SMALLEST = Math.log(5e-324);

  function densities(plot, {state, names, result, range, actions}) {
    const {at, density} = result.probability;
    const all = names.map((_, k) => density[`c${k}`]);
    const high = 1.15 * Math.max(...all.flat().filter(Number.isFinite), 1e-9);
    plot.axes({x: range, y: [0, high], xLabel: "x", yLabel: Words.say("lik.density")});
    const inside = at.map((x, i) => i).filter((i) => at[i] >= range[0] && at[i] <= range[1]);
    all.forEach((ys, k) => {
      Dom.paint(plot.put(`curve${k}`, "path", {class: "curve"}), k);
      plot.line(`curve${k}`, inside.map((i) => [at[i], ys[i]]), {class: "curve"});
    });
    stems(plot, {state, names, result, range, actions});
    state.candidates.forEach((candidate, k) => {
      if (candidate.family !== "normal") return;
      const {mean, sd} = candidate;
      const top = 1 / (sd * Math.sqrt(2 * Math.PI));
      const base = {hue: k, step: 0.1};
      plot.handle(`mean${k}`, {...base, at: [mean, top], value: mean, min: range[0], max: range[1],
        say: Format.number(mean, 4),
        label: Words.say("lik.handle.mean", {name: names[k]}), move: (x) => actions.candidate(k, {mean: x})});
      plot.handle(`sd${k}`, {...base, at: [mean + sd, top * Math.exp(-0.5)], value: sd, min: 0.05,
        max: range[1] - range[0], shape: "square",
        label: Words.say("lik.handle.sd", {name: names[k]}), say: Format.number(sd, 4),
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
        label: Words.say("lik.handle.point", {n: i + 1}), say: Format.number(x, 4),
          move: (to) => actions.point(i, to)});
    });
  }

  // A coin is a bar of length 1, cut at p.
  function coins(plot, {state, names, actions}) {
    const {candidates} = state;
    plot.axes({x: [0, 1], y: [-0.5, candidates.length - 0.5], yTicks: [], xLabel: Words.say("lik.p")});
    candidates.forEach(({p}, k) => {
      const level = plot.y(candidates.length - 1 - k);
      const box = (key, from, to, kind) => Dom.paint(plot.put(`${key}${k}`, "rect",
        {class: kind, x: plot.x(from), y: level - 13, width: Math.max(0, plot.x(to) - plot.x(from)), height: 26}), k);
      box("heads", 0, p, "heads");
      box("tails", p, 1, "tails");
      plot.put(`name${k}`, "text", {class: "tick strong", x: plot.x(0), y: level - 20}, names[k]);
      plot.put(`h${k}`, "text", {class: "inside", x: plot.x(0) + 8, y: level + 5}, p > 0.2
        ? `${Words.say("lik.heads")} ${Format.number(p, 3)}` : "");
      plot.put(`t${k}`, "text", {class: "tick strong", x: plot.x(1) - 8, y: level + 5, "text-anchor": "end"},
        p < 0.8 ? `${Words.say("lik.tails")} ${Format.number(1 - p, 3)}` : "");
      plot.handle(`p${k}`, {at: [p, candidates.length - 1 - k], value: p, min: 0, max: 1, step: 0.01, hue: k,
        say: Format.number(p, 3),
        label: Words.say("lik.handle.p", {name: names[k]}), move: (to) => actions.candidate(k, {p: to})});
    });
  }

  function probability(plot, frame) {
    const {state, names, coin} = frame;
    plot.tall(coin ? 70 + 56 * state.candidates.length : 300);
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
        say: Format.number(x, 4),
        label: Words.say("lik.parameter", {name: names[k], parameter: say}),
          move: (to) => actions.candidate(k, {[curve.parameter]: to})});
    });
  }

  function fall(plot, {state, names, result}) {
    const sums = names.map((_, k) => {
      let sum = 0;
      return result.candidates[`c${k}`].log_density.map((log, i) => [i + 1, (sum += log)]);
    });
    const low = 1.08 * Math.min(SMALLEST, ...sums.map((points) => points.at(-1)[1]).filter(Number.isFinite));
    plot.axes({x: [0, state.data.length], y: [low, 0], xLabel: Words.say("lik.fall.x"),
      yLabel: Words.say("lik.fall.y")});
    plot.put("limit", "path", {class: "limit", d: `M${plot.x(0)} ${plot.y(SMALLEST)}H${plot.x(state.data.length)}`});
    plot.put("limit name", "text", {class: "tick bad", x: plot.x(0) + 6, y: plot.y(SMALLEST) + 16},
      Words.say("lik.fall.limit"));
    sums.forEach((points, k) => {
      Dom.paint(plot.put(`sum${k}`, "path", {class: "curve"}), k);
      plot.line(`sum${k}`, points, {class: "curve"});
      const end = result.candidates[`c${k}`].underflow_at;
      if (end) Dom.paint(plot.put(`end${k}`, "path", {class: "cross",
        d: `M${plot.x(end)} ${plot.y(points[end - 1][1])}m-5 -5l10 10m0 -10l-10 10`}), k);
    });
    const said = names.map((name, k) => {
      const n = result.candidates[`c${k}`].underflow_at;
      return Words.say(n ? "lik.fall.one" : "lik.fall.never", {name, n});
    });
    plot.label(Words.say("lik.fall.alt", {list: Words.list(said)}));
  }

  return Object.freeze({probability, parameter, fall, best});
})();
