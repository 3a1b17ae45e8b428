// Gradient descent on the scores: arrows, one step, play, and the losses so far.
const Descent = (() => {
  const PAUSE_MS = 250;
  const FLAT = 1e-4;

  function make(actions) {
    let frame;
    let before = null; // the scores at the start of the descent
    let losses = [];
    let timer = null;

    const section = Section.make("step", {formulas: ["step"]});
    const arrows = Plot.make(120, drawArrows);
    const history = Plot.make(150, drawHistory);
    const status = Dom.make("p", {class: "status", role: "status"});
    const {button} = Controls;
    const play = button("play", () => (timer ? stop() : start()), {id: "play", "aria-pressed": "false"});
    const rate = Controls.scale({key: "rate", low: 0.01, high: 10, set: (value) => actions.change({rate: value})});
    section.node.append(arrows.node, Dom.make("div", {class: "descent controls"}, rate.node,
      Dom.make("div", {class: "buttons"}, button("step", () => { stop(); step(); }, {id: "step", class: "primary"}),
        play,
        button("reset", reset, {id: "reset"}))), status, history.node);

    function stop(reason = "") {
      clearInterval(timer);
      timer = null;
      Dom.attribute(play, "aria-pressed", "false");
      play.dataset.t = "play";
      Dom.text(play, Words.say("play"));
      Dom.text(status, reason && Words.say(reason));
    }

    function start() {
      timer = setInterval(step, PAUSE_MS);
      Dom.attribute(play, "aria-pressed", "true");
      play.dataset.t = "pause";
      Dom.text(play, Words.say("pause"));
      step();
    }

    function step() {
      const gradient = Section.column(frame, "grad");
      const flat = Math.max(...gradient.map(Math.abs)) < FLAT;
      const end = gradient.some(Number.isNaN) ? "stopped.nan" : flat ? "stopped.flat" : "";
      if (end) {
        stop(end);
        return;
      }
      const {z} = frame.state.rows[frame.state.row];
      if (!before) [before, losses] = [z, [frame.nll]];
      actions.descend(z.map((value, j) => Float.round(frame.state.dtype, value - frame.state.rate * gradient[j])));
      Dom.text(status, "");
      losses.push(frame.nll);
      history.render();
    }

    function reset() {
      stop();
      const start = before;
      forget();
      if (start) actions.descend(start);
      history.render();
    }

    function forget() {
      before = null;
      losses = [];
    }

    function drawArrows(plot) {
      const {z, y} = frame.state.rows[frame.state.row];
      const gradient = Section.column(frame, "grad");
      const reached = z.filter(Number.isFinite);
      const [low, high] = [Math.min(...reached, 0), Math.max(...reached, 0)];
      const room = 0.35 * (high - low) || 1;
      plot.axes({x: [low - room, high + room], y: [frame.V - 0.5, -0.5].reverse(), yTicks: [],
        xLabel: Words.say("arrows.x")});
      const longest = 0.24 * (plot.width - 60) * frame.state.T;
      z.forEach((value, j) => {
        const level = plot.y(frame.V - 1 - j);
        const from = plot.x(Math.min(high + room, Math.max(low - room, Number.isNaN(value) ? 0 : value)));
        const length = -gradient[j] * longest;
        plot.put(`line${j}`, "path", {class: "grid", d: `M46 ${level}H${plot.width - 14}`});
        Dom.paint(plot.put(`dot${j}`, "circle", {class: "dot", cx: from, cy: level, r: 5}), j);
        plot.put(`name${j}`, "text", {class: j === y ? "tick strong" : "tick", x: 40, y: level + 4,
          "text-anchor": "end"}, short(frame.names[j]));
        if (!(Math.abs(length) > 0.5)) return;
        const to = from + length;
        const tip = Math.sign(length) * Math.min(7, Math.abs(length));
        Dom.paint(plot.put(`arrow${j}`, "path", {class: "arrow", d: `M${from} ${level}H${to - tip / 2}`}), j);
        Dom.paint(plot.put(`tip${j}`, "path", {class: "tip", d: `M${to} ${level}l${-tip} -4.5v9z`}), j);
      });
      const said = gradient.map((g, j) => Words.say(g < 0 ? "arrows.up" : g > 0 ? "arrows.down" : "arrows.still",
        {name: frame.names[j], g: Format.number(g, 3)}));
      plot.label(Words.say("arrows.alt", {list: Words.list(said)}));
    }

    const short = (name) => ([...name].length > 5 ? `${[...name].slice(0, 4).join("")}…` : name);

    function drawHistory(plot) {
      const points = (losses.length ? losses : [frame.nll]).map((loss, k) => [k, loss])
        .filter(([, loss]) => Number.isFinite(loss));
      const high = Math.max(...points.map(([, loss]) => loss), 0.1);
      plot.axes({x: [0, Math.max(10, losses.length - 1)], y: [0, high], xLabel: Words.say("history.x"),
        yLabel: Words.say("curve.y")});
      if (points.length > 1) plot.line("losses", points, {class: "curve"});
      points.slice(-1).forEach(([k, loss]) => plot.put("last", "circle",
        {class: "dot", cx: plot.x(k), cy: plot.y(loss), r: 4}));
      const [first, last] = [losses[0], losses.at(-1)].map((loss) => Format.number(loss));
      plot.label(losses.length ? Words.say("history.alt", {n: losses.length - 1, first, last})
        : Words.say("history.none", {now: Format.number(frame.nll)}));
    }

    function update(next, {own}) {
      const other = frame && (next.state.rows !== frame.state.rows || next.state.row !== frame.state.row);
      if (before && other && !own) { stop(); forget(); }
      frame = next;
      Section.update(section, frame);
      rate.set(frame.state.rate);
      arrows.tall(56 + 26 * frame.V);
      arrows.render();
      history.render();
    }

    return {node: section.node, update, stop};
  }

  return Object.freeze({make});
})();
