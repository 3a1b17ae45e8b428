// Gradient descent on the scores: one step as a movement, play, and the losses so far.
const Descent = (() => {
  const STEP_MS = 500;
  const FLAT = 1e-4;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const eased = (part) => part * part * (3 - 2 * part);

  function make(actions) {
    let frame;
    let before = null; // the scores at the start of the descent
    let losses = [];
    let move = null; // the step on its way: {from, to, since}
    let playing = false;
    let timer = null;

    const section = Section.make("step", {formulas: ["step"]});
    const history = Plot.make(150, drawHistory);
    const status = Dom.make("p", {class: "status", role: "status"});
    const {button} = Controls;
    const play = button("play", () => (playing ? pause() : start()), {id: "play", "aria-pressed": "false"});
    const buttons = Dom.make("div", {class: "buttons controls"},
      button("step", () => { pause(); step(); }, {id: "step", class: "primary"}), play,
      button("reset", reset, {id: "reset"}));
    section.node.append(history.node);
    const shown = Sight.patient({node: section.node, update() {
      Section.update(section, frame);
      history.render();
    }});

    function press(yes) {
      playing = yes;
      Dom.attribute(play, "aria-pressed", String(yes));
      play.dataset.t = yes ? "pause" : "play";
      Dom.text(play, Words.say(play.dataset.t));
    }

    // Where the scores are.
    function stop(reason = "") {
      cancelAnimationFrame(timer);
      clearTimeout(timer);
      move = null;
      press(false);
      Dom.text(status, reason && Words.say(reason));
    }

    // At the end of the step that is on its way.
    function pause() {
      cancelAnimationFrame(timer);
      press(false);
      if (move) {
        move.since = -Infinity;
        tick();
      }
      stop();
    }

    function start() {
      press(true);
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
      Dom.text(status, "");
      const {z} = frame.state.rows[frame.state.row];
      if (!before) [before, losses] = [z, [frame.nll]];
      const to = z.map((x, j) => Float.round(frame.state.dtype, x - frame.state.rate * gradient[j]));
      move = {from: z, to, since: performance.now()};
      tick();
    }

    function tick() {
      const part = still.matches ? 1 : (performance.now() - move.since) / STEP_MS;
      // With few digits on the way, so that the boxes keep their widths, but never beyond either end.
      const between = (x, j) => {
        const few = Math.round(1e3 * (x + eased(part) * (move.to[j] - x))) / 1e3;
        return Math.max(Math.min(x, move.to[j]), Math.min(Math.max(x, move.to[j]), few));
      };
      if (!actions.descend(part < 1 ? move.from.map(between) : move.to, frame.state, losses.length)) {
        stop(); // a change by hand, not drawn yet, or another tab
      } else if (part < 1) {
        timer = requestAnimationFrame(tick);
      } else {
        move = null;
        losses.push(frame.nll);
        history.render();
        if (playing) timer = still.matches ? setTimeout(step, STEP_MS) : requestAnimationFrame(step);
      }
    }

    function reset() {
      stop();
      const start = before;
      forget();
      if (start) actions.descend(start, frame.state, 0);
      history.render();
    }

    function forget() {
      before = null;
      losses = [];
    }

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

    function update(next, {step: own}) {
      const other = frame && ["rows", "row", "T"].some((key) => next.state[key] !== frame.state[key]);
      if (before && other && own === undefined) { stop(); forget(); }
      frame = next;
      shown.update();
    }

    return {node: section.node, buttons, status, hold: () => (playing || move) && stop(), update};
  }

  return Object.freeze({make});
})();
