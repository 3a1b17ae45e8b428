// The second tab: which candidate makes the points most probable?
const LikelihoodTab = (() => {
  const MANY = 20; // points, from which on the falling product is drawn

  function section(name, formula, ...body) {
    const why = Dom.make("p", {class: "why", "data-t": `lik.${name}.why`});
    const node = Dom.make("section", {class: "step", id: `lik-${name}`, "aria-labelledby": `title-lik-${name}`},
      Dom.make("div", {class: "step-head"}, Dom.make("h2", {id: `title-lik-${name}`, "data-t": `lik.${name}`}),
        Dom.make("div", {class: "formulas"}, ...formula.map(Formula.make))), why, ...body);
    return {node, why};
  }

  function make(page, place) {
    let frame;
    let range = null;
    let shape = "";
    let shown = 0;

    const actions = {
      data: (edit) => page.change({data: edit(frame.state.data, frame.coin)}),
      point: (i, x) => actions.data((data) => data.map((old, k) => (k === i ? x : old))),
      candidate: (k, patch) =>
        page.change({candidates: frame.state.candidates.map((one, i) => (i === k ? {...one, ...patch} : one))}),
      go: (k) => actions.candidate(k, frame.result.curve.best),
    };

    const panel = LikPanel.make(actions);
    const table = LikTable.make();
    const probability = Plot.make(300, (plot) => LikPlots.probability(plot, frame));
    const parameter = Plot.make(260, (plot) => LikPlots.parameter(plot, frame));
    const fall = Plot.make(240, (plot) => LikPlots.fall(plot, frame));
    const said = Dom.make("p");
    const logs = Dom.make("ul", {class: "logs"});
    const winner = Dom.make("div", {class: "result"}, Dom.make("div", {class: "result-line"},
      Dom.make("span", {"data-t": "lik.winner"})), said, logs);
    const top = Dom.make("p", {class: "note"});
    const heldSd = Dom.make("p", {class: "why"});
    const parts = {
      probability: section("probability", ["density"], probability.node),
      numbers: section("numbers", ["likelihood", "log_likelihood"], table.node),
      curve: section("curve", ["parameter"], heldSd, parameter.node, top),
      fall: section("fall", [], fall.node),
    };
    place.append(Dom.make("div", {class: "side"}, winner, panel.node),
      Dom.make("div", {class: "story"}, ...Object.values(parts).map(({node}) => node)));

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

    function spoken({names, result}) {
      const wins = result.winner.map((key) => names[Number(key.slice(1))]);
      const possible = result.winner.some((key) => result.candidates[key].log_likelihood > -Infinity);
      if (!possible) return Words.say("lik.none");
      return wins.length === 1 ? Words.say("lik.wins", {name: wins[0]})
        : Words.say("lik.ties", {names: Words.list(wins)});
    }

    function maximum({result: {curve}}) {
      const hasMaximum = curve && Number.isFinite(curve.best_log_likelihood);
      Dom.text(top, hasMaximum ? Words.say("lik.curve.best", {best: LikPlots.best(curve),
        log: Format.number(curve.best_log_likelihood, 8)})
        : Words.say(curve ? "lik.curve.none" : "lik.curve.mixed"));
      Dom.shown(parameter.node, Boolean(curve));
      Dom.shown(heldSd, Boolean(curve?.best.sd));
      if (curve?.best.sd) Dom.text(heldSd, Words.say("lik.curve.spread", {sd: Format.number(curve.best.sd, 4)}));
    }

    function update(state) {
      const candidates = Object.fromEntries(state.candidates.map(({name, ...density}, k) => [`c${k}`, density]));
      frame = {
        state, actions, range: reach(state), names: state.candidates.map(({name}) => Words.pick(name)),
        coin: state.candidates[0].family === "bernoulli", result: Likelihood.explain({data: state.data, candidates}),
      };
      panel.update(frame);
      table.update(frame);
      if (shown !== state.candidates.length) Words.speak(state.lang); // new parts have no texts yet
      shown = state.candidates.length;
      maximum(frame);
      Dom.shown(parts.fall.node, state.data.length >= MANY);
      Dom.text(parts.probability.why, Words.say(`lik.probability.${frame.coin ? "coin" : "why"}`));
      for (const plot of [probability, parameter, fall]) plot.render();
      const sentence = spoken(frame);
      Dom.text(said, sentence);
      const list = frame.names.map((name, k) =>
        `${name} ${Format.number(frame.result.candidates[`c${k}`].log_likelihood)}`);
      while (logs.children.length < list.length) logs.append(Dom.make("li", {}, Dom.make("i", {class: "swatch"}),
        Dom.make("span")));
      [...logs.children].forEach((item, k) => {
        Dom.shown(item, k < list.length);
        Dom.paint(item, k);
        Dom.text(item.lastChild, list[k] ?? "");
      });
      return Words.say("lik.live", {winner: sentence, list: Words.list(list)});
    }
    return {update};
  }

  return Object.freeze({make});
})();
