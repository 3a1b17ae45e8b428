// The controls of the likelihood: points or tosses, and the candidates' parameters.
const LikPanel = (() => {
  const BOXES = 12;
  const CHECKS = {
    mean: Number.isFinite,
    sd: (x) => Number.isFinite(x) && x > 0,
    p: (x) => x >= 0 && x <= 1,
  };

  // In the first screen: the tosses, and buttons that add and remove.
  function data(actions) {
    const list = Dom.make("div", {class: "points"});
    const add = Dom.make("button", {type: "button", onclick: actions.add});
    const remove = Controls.button("lik.remove", () => actions.data((data) => data.slice(0, -1)));
    const tosses = Array.from({length: BOXES}, (_, k) => list.appendChild(Dom.make("button", {type: "button", class: "toss",
      onclick: () => actions.data((data) => data.map((x, i) => (i === k ? 1 - x : x)))})));

    function update({state, coin}) {
      const {data} = state;
      const few = data.length <= BOXES;
      Dom.text(add, Words.say(coin ? "lik.add.toss" : "lik.add"));
      Dom.shown(list, few && coin);
      remove.disabled = data.length <= 1;
      add.disabled = data.length >= Address.limits.points;
      tosses.forEach((toss, k) => {
        Dom.shown(toss, few && coin && k < data.length);
        const side = Words.say(data[k] ? "lik.heads" : "lik.tails");
        Dom.text(toss, side);
        Dom.attribute(toss, "aria-label", Words.say("lik.toss", {n: k + 1, side}));
        Dom.attribute(toss, "data-side", data[k]);
      });
    }
    return {node: Dom.make("div", {class: "controls buttons"}, list, add, remove), update};
  }

  // Below it: the points as numbers.
  function points(actions) {
    const places = Array.from({length: BOXES}, (_, k) => {
      const number = Controls.box({set: (x) => actions.point(k, x), check: Number.isFinite});
      return {number, node: Dom.make("div", {class: "point"}, number.input, number.message)};
    });
    const node = Dom.make("fieldset", {class: "data"}, Dom.make("legend", {"data-t": "lik.data"}),
      Dom.make("div", {class: "points"}, ...places.map((place) => place.node)));

    function update({state: {data}, coin}) {
      Dom.shown(node, !coin && data.length <= BOXES);
      if (node.hidden) return;
      places.forEach((place, k) => {
        Dom.shown(place.node, k < data.length);
        if (k >= data.length) return;
        place.number.show(data[k]);
        Dom.attribute(place.number.input, "aria-label", Words.say("lik.point", {n: k + 1}));
      });
    }
    return {node, update};
  }

  // A candidate's parameters as numbers, and the way to the best ones.
  function card(k, actions) {
    const title = Dom.make("span");
    const boxes = Object.entries(CHECKS).map(([name, check]) => {
      const {input, message, show} = Controls.box({check, set: (x) => actions.candidate(k, {[name]: x})});
      return {name, input, show, node: Dom.make("label", {}, Dom.make("span", {"data-t": `lik.${name}`}), input, message)};
    });
    const fixed = Dom.make("p", {class: "hint", "data-t": "lik.fixed"});
    const go = Controls.button("lik.go", () => actions.go(k));
    const node = Dom.make("fieldset", {class: "candidate"}, Dom.make("legend", {}, Dom.make("i", {class: "swatch"}),
      title), ...boxes.map((box) => box.node), fixed, go);
    Dom.paint(node, k);

    function update({state, names, result}) {
      const candidate = state.candidates[k];
      Dom.text(title, names[k]);
      for (const {name, input, show, node: label} of boxes) {
        Dom.shown(label, name in candidate);
        if (!(name in candidate)) continue;
        show(candidate[name]);
        Dom.attribute(input, "aria-label", LikPlots.named(names[k], `lik.${name}`));
      }
      Dom.shown(fixed, candidate.family === "other");
      Dom.shown(go, candidate.family !== "other");
      go.disabled = !result.curve;
      Dom.attribute(go, "aria-label", LikPlots.named(names[k], "lik.go"));
    }
    return {node, update};
  }

  function make(actions) {
    const boxes = points(actions);
    const cards = [];
    const node = Dom.make("form", {class: "panel controls", "data-t-label": "lik.controls",
      onsubmit: (event) => event.preventDefault()}, boxes.node);

    function update(frame) {
      const {candidates} = frame.state;
      boxes.update(frame);
      Dom.grow(node, cards, candidates.length, (k) => card(k, actions));
      candidates.forEach((_, k) => cards[k].update(frame));
    }
    return {node, update};
  }

  return Object.freeze({make, data});
})();
