// From scores to probabilities, one section per step.
const Steps = (() => {
  // The least range of the axis: bars of probabilities must not grow with the largest one.
  const LEAST = {logits: [0, 1], scaled: [0, 1], shifted: [-1, 0], exp: [0, 0], prob: [0, 1], log_prob: [-1, 0],
    grad: [-1, 1]};

  function vector(name, options) {
    const {formulas = [name], extra = [], compare = [name], changed, note = () => "", before} = options;
    const table = Bars.make(name);
    const section = Section.make(name, {formulas, body: [table.node, ...extra], compare, changed});
    function update(frame) {
      const present = Boolean(frame.steps[name]);
      Dom.shown(section.node, present);
      if (!present) return;
      const values = Section.column(frame, name);
      Section.update(section, frame, note(frame, values));
      Bars.update(table, frame, {
        values, exact: Section.exact(frame, name), flags: values && Section.flags(frame, name),
        least: name === "grad" ? LEAST.grad.map((end) => end / frame.state.T) : LEAST[name],
        before: values && before && ((j) => before(frame, j)),
      });
    }
    return {node: section.node, update};
  }

  function spoken({state, row, names}) {
    const tied = row.argmax.map((j) => names[j]);
    const infinite = state.rows[state.row].z.some((z) => !Number.isFinite(z));
    const prediction = tied.length === 0 ? Words.say("result.none")
      : tied.length === 1 ? Words.say("result.argmax", {name: tied[0]})
        : Words.say("result.tie", {names: Words.list(tied)});
    return infinite ? `${prediction} ${Words.say("step.logits.inf")}` : prediction;
  }

  const skipped = (frame, values) => (values ? "" : Words.say("skipped"));

  function shifted(changed) {
    const maximum = Section.figure("step.maximum");
    const part = vector("shifted", {extra: [maximum.node], compare: ["maximum", "shifted"], changed, note: skipped});
    return {
      node: part.node,
      update(frame) {
        part.update(frame);
        Section.show(maximum, frame, "maximum");
      },
    };
  }

  // All exponentials end to end: the sum, and each class's share of it.
  function sum(changed) {
    const parts = [];
    const stack = Dom.make("div", {class: "stack", "aria-hidden": "true"});
    const figure = Section.figure("step.sum");
    const section = Section.make("sum", {
      formulas: ["sum"], compare: ["sum", "rest"], changed,
      body: [stack, figure.node],
    });
    function update(frame) {
      Section.update(section, frame);
      Section.show(figure, frame, "sum");
      const exponentials = Section.column(frame, "exp");
      const whole = exponentials.reduce((a, b) => a + b, 0);
      Dom.grow(stack, parts, frame.V, (j) => {
        const part = Dom.make("i");
        Dom.paint(part, j);
        return part;
      }).forEach((part, j) => {
        const share = exponentials[j] / whole;
        Dom.style(part, "width",
          `${(100 * (Number.isFinite(share) ? share : exponentials[j] === Infinity ? 1 : 0)).toFixed(2)}%`);
      });
    }
    return {node: section.node, update};
  }

  const difference = (frame, j) =>
    `${Format.number(Section.column(frame, "prob")[j], 4)} − ${j === frame.row.y ? 1 : 0} = `;

  const beginning = (changed) => [
    vector("logits", {changed, note: spoken}),
    vector("scaled", {changed}),
    shifted(changed),
    vector("exp", {changed}),
    sum(changed),
    vector("prob", {changed}),
  ];

  const gradient = (changed) =>
    vector("grad", {changed, compare: ["one_hot", "grad"], before: (frame, j) =>
      (frame.state.T === 1 ? difference(frame, j) : "")});

  const log_prob = (changed) =>
    vector("log_prob", {formulas: ["nll", "log_prob"], compare: ["log_prob", "nll"], changed});

  return Object.freeze({beginning, gradient, log_prob});
})();
