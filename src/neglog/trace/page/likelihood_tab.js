// The second tab: which candidate makes the points most probable? Its first screen has the curves
// to drag, and beside them the product that underflows and the sum of logarithms that does not.
const LikelihoodTab = (() => {
  function section(name, formula, ...body) {
    return Dom.make("section", {class: "step", id: `lik-${name}`, "aria-labelledby": `title-lik-${name}`},
      Dom.make("div", {class: "step-head"}, Dom.make("h2", {id: `title-lik-${name}`, "data-t": `lik.${name}`}),
        Dom.make("div", {class: "formulas"}, ...formula.map(Formula.make))),
      Dom.make("p", {class: "why", "data-t": `lik.${name}.why`}), ...body);
  }

  // A part below the first screen; its new parts have no texts yet.
  function late([node, update]) {
    let shown = 0;
    return Sight.patient({node, update(frame) {
      update(frame);
      if (shown !== frame.names.length) Words.fill(node);
      shown = frame.names.length;
    }});
  }

  // A new point goes where there is most room.
  function roomiest(data, [low, high]) {
    const places = [low, ...data, high].sort((a, b) => a - b);
    const gaps = places.slice(1).map((x, i) => x - places[i]);
    const i = gaps.indexOf(Math.max(...gaps));
    return Number((places[i] + gaps[i] / 2).toFixed(1));
  }

  function make(page, place) {
    let frame;
    let old; // the frame when the hand came: the sentence measures from it
    let fresh = true;
    let range = null;
    let shape = "";

    const actions = {
      data: (edit) => page.change({data: edit(frame.state.data)}),
      add: () => actions.data((data) => [...data, frame.coin ? 1 : roomiest(data, frame.range)]),
      point: (i, x) => actions.data((data) => data.map((old, k) => (k === i ? x : old))),
      candidate: (k, patch) =>
        page.change({candidates: frame.state.candidates.map((one, i) => (i === k ? {...one, ...patch} : one))}),
      go: (k) => actions.candidate(k, frame.result.curve.best),
    };

    const said = Dom.make("p", {id: "lik-said"});
    const chart = Plot.make(340, (plot) => LikPlots.probability(plot, frame));
    const data = LikPanel.data(actions);
    const dtype = Controls.choice({key: "lik.dtype", values: Address.dtypes, set: (value) => page.change({dtype: value})});
    const race = Plot.make(250, (plot) => LikPlots.race(plot, frame), {right: 46});
    const score = LikScore.make();
    const panel = LikPanel.make(actions);
    const table = LikTable.make();
    const numbers = section("numbers", ["likelihood", "log_likelihood"], table.node);
    const parameter = Plot.make(260, (plot) => LikPlots.parameter(plot, frame));
    const top = Dom.make("p", {class: "note"});
    const heldSd = Dom.make("p", {class: "why"});
    const curve = section("curve", ["density", "parameter"], heldSd, parameter.node, top);
    const below = [[panel.node, panel.update], [numbers, table.update], [curve, maximum]].map(late);
    place.append(
      Dom.make("div", {id: "lik-stage"}, said, Dom.make("div", {id: "lik-chart"}, chart.node, data.node),
        Dom.make("div", {id: "lik-race"}, Dom.make("div", {class: "controls"}, dtype.node), race.node, score.node)),
      Dom.make("div", {}, panel.node, Dom.make("div", {class: "story"}, numbers, curve)));
    Words.fill(place);
    // Before the change that a hand makes: from here on its sentence is measured.
    for (const hand of ["pointerdown", "focusin", "click"]) document.addEventListener(hand, () => { fresh = true; }, true);

    // The axis stays fixed during a drag, and moves when something leaves it.
    function reach(state) {
      const normals = state.candidates.filter(({family}) => family === "normal");
      const now = `${state.preset} ${state.data.length} ${state.candidates.length}`;
      const all = [...state.data, ...normals.map(({mean}) => mean)];
      const inside = range && all.every((x) => x >= range[0] && x <= range[1]);
      if (now === shape && inside) return range;
      shape = now;
      const ends = [...state.data, ...normals.flatMap(({mean, sd}) => [mean - 3 * sd, mean + 3 * sd])];
      const [low, high] = [Math.min(...ends), Math.max(...ends)];
      const margin = 0.05 * (high - low) || 1;
      range = [low - margin, high + margin];
      return range;
    }

    function maximum({result: {curve}}) {
      const hasMaximum = curve && Number.isFinite(curve.best_log_likelihood);
      Dom.text(top, hasMaximum ? Words.say("lik.curve.best", {best: LikPlots.best(curve),
        log: Format.number(curve.best_log_likelihood, 8)})
        : Words.say(curve ? "lik.curve.none" : "lik.curve.mixed"));
      Dom.shown(parameter.node, Boolean(curve));
      Dom.shown(heldSd, Boolean(curve?.best.sd));
      if (curve?.best.sd) Dom.text(heldSd, Words.say("lik.curve.spread", {sd: Format.number(curve.best.sd, 4)}));
      parameter.render();
    }

    function measured(state) {
      const candidates = Object.fromEntries(state.candidates.map(({name, ...density}, k) => [`c${k}`, density]));
      const result = Likelihood.explain({data: state.data, candidates});
      const judged = Object.values(result.candidates);
      return {
        state, result, actions, range: reach(state), names: state.candidates.map(({name}) => Words.pick(name)),
        coin: state.candidates[0].family === "bernoulli",
        products: judged.map(({density, log_density}) => {
          const product = Likelihood.running(density, state.dtype);
          return {product, lost: Likelihood.lost(product, log_density)};
        }),
        sums: judged.map(({log_density}) => {
          let sum = 0;
          return log_density.map((log) => (sum += log));
        }),
      };
    }

    function update(state) {
      const before = frame;
      frame = measured(state);
      const same = before && ["data", "candidates", "dtype", "preset"].every((key) => before.state[key] === state[key]);
      if (fresh && !same) {
        old = before ?? frame;
        fresh = false;
      }
      dtype.set(state.dtype);
      for (const part of [data, score, ...below]) part.update(frame);
      for (const plot of [chart, race]) plot.render();
      Dom.text(said, LikStory.tell(frame, old));
      return `${said.textContent} ${LikStory.byProduct(frame)}`;
    }
    return {update};
  }

  return Object.freeze({make});
})();
