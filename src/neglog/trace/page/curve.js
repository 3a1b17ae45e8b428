// The loss, and the curve of -log p with the row's point on it. Moving the point sets the answer's score.
const Curve = (() => {
  const TOP = 5;
  // Points at equal steps of the loss: at equal steps of p the steep end would be a straight line.
  const line = (high) => Array.from({length: 121}, (_, k) => high * (1 - k / 120)).map((loss) => [Math.exp(-loss), loss]);

  const beside = matchMedia("(min-width: 60rem)"); // the lines; else below them

  function make(move) {
    let frame;
    const figure = Section.figure("head.loss", true);

    function draw(plot) {
      const high = Math.max(TOP, Math.min(12, Number.isFinite(frame.nll) ? frame.nll * 1.1 : TOP));
      plot.axes({x: [0, 1], y: [0, high], xLabel: Words.say("curve.x")});
      plot.line("curve", line(high), {class: "curve"});
      const exact = frame.steps.prob.exact.map(Number);
      const level = (p) => Math.min(high, Math.max(0, -Math.log(p)));
      exact.forEach((p, j) => {
        if (j === frame.row.y || !(p > 0)) return;
        Dom.paint(plot.put(`p${j}`, "circle", {class: "dot", cx: plot.x(p), cy: plot.y(level(p)), r: 4}), j);
      });
      const p = exact[frame.row.y];
      const name = frame.names[frame.row.y];
      plot.label(Words.say("curve.alt", {name, p: Format.number(p), nll: Format.number(frame.nll)}));
      if (Number.isNaN(p)) return;
      const [x, y] = [plot.x(p), plot.y(level(p))];
      Dom.paint(plot.put("drop", "path", {class: "guide", d: `M${x} ${plot.y(0)}V${y}H${plot.x(0)}`}), frame.row.y);
      plot.handle("p", {
        at: [p, level(p)], value: p, min: 0.001, max: 0.999, step: 0.01, hue: frame.row.y,
        label: Words.say("curve.handle", {name}), say: `${Format.percent(p)}, −log p ${Format.number(frame.nll, 4)}`,
        move: (value) => move(score(value)),
      });
    }

    // The answer's logit for which its probability is p, with the other logits fixed.
    function score(p) {
      const {row: {y}, state} = frame;
      const others = state.rows[state.row].z.filter((_, j) => j !== y).map((z) => z / state.T);
      const most = Math.max(...others);
      const lse = most + Math.log(others.reduce((sum, z) => sum + Math.exp(z - most), 0));
      return state.T * (lse + Math.log(p / (1 - p)));
    }

    const plot = Plot.make(230, draw);
    Dom.attribute(figure.node, "id", "result");
    return {
      node: Dom.make("div", {class: "loss"}, figure.node, plot.node),
      update(next) {
        frame = next;
        Section.show(figure, frame, "nll");
        Dom.shown(figure.precise, Boolean(Section.flags(frame, "nll")));
        plot.tall(beside.matches ? 250 : 160);
        plot.render();
      },
    };
  }

  return Object.freeze({make});
})();
