// After the steps: the Jacobian, four losses that are often confused, the batch.
const Tables = (() => {
  const LOSSES = ["nll", "method_1", "method_2", "binary"];

  function jacobian(changed) {
    const corner = Dom.make("td", {class: "corner"});
    const heads = [];
    const rows = [];
    const top = Dom.make("tr", {}, corner);
    const body = Dom.make("tbody");
    const table = Dom.make("table", {class: "jacobian"}, Dom.make("caption",
      {class: "aside", "data-t": "step.jacobian"}),
      Dom.make("thead", {}, top), body);
    const region = Dom.make("div", {class: "scroll", tabindex: "0", role: "region",
      "data-t-label": "jacobian.region"}, table);
    const section = Section.make("jacobian", {formulas: ["diagonal", "other"], body: [region], compare: ["jacobian"],
      changed});

    function update(frame) {
      Section.update(section, frame);
      Dom.text(corner, Words.say("jacobian.corner"));
      const values = Section.column(frame, "jacobian");
      const flags = Section.flags(frame, "jacobian");
      Dom.grow(top, heads, frame.V, () => Dom.make("th", {scope: "col"}));
      Dom.grow(body, rows, frame.V, () => {
        const head = Dom.make("th", {scope: "row"});
        return {node: Dom.make("tr", {}, head), head, cells: []};
      }).forEach(({node, head, cells}, i) => {
        Dom.text(heads[i], frame.names[i]);
        Dom.text(head, frame.names[i]);
        Dom.grow(node, cells, frame.V, () => Dom.make("td")).forEach((cell, j) => {
          const value = values[i][j];
          Dom.text(cell, Format.number(value, 3));
          Dom.style(cell, "--strength", `${Math.min(100, Math.round(400 * frame.state.T * Math.abs(value || 0)))}%`);
          Dom.attribute(cell, "data-sign", value < 0 ? "minus" : "plus");
          Dom.attribute(cell, "data-flag", flags[i][j] || null);
        });
      });
    }
    return {node: section.node, update};
  }

  function losses(changed) {
    const cards = LOSSES.map((name) => {
      const figure = Section.figure(`loss.${name}`);
      const formulas = name === "binary" ? [name, "margin"] : [name];
      const formula = Dom.make("div", {class: "formulas"}, ...formulas.map(Formula.make));
      const node = Dom.make("div", {class: "card"}, figure.node, formula,
        Dom.make("p", {"data-t": `loss.${name}.why`}));
      return {node, figure, name};
    });
    const section = Section.make("losses", {body: [Dom.make("div", {class: "cards"}, ...cards.map(({node}) => node))],
      compare: LOSSES, changed});
    function update(frame) {
      Section.update(section, frame);
      const {col} = frame.state;
      for (const {figure, name} of cards) {
        const loss = frame.losses[name];
        Section.set(figure, loss[col], loss.exact, loss.flag[col]);
      }
    }
    return {node: section.node, update};
  }

  // The other rows' losses are computed after a pause: a frame has time for one row only.
  function batch(changed, actions) {
    const CALM_MS = 120;
    const body = Dom.make("tbody");
    const foot = ["sum", "mean"].map((key) => {
      const value = Dom.make("td", {class: "number", colspan: 2});
      return {node: Dom.make("tr", {}, Dom.make("th", {scope: "row", colspan: 2, "data-t": `batch.${key}`}), value),
        value};
    });
    const heads = ["batch.row", "answer", "batch.p", "batch.nll"].map((key) =>
      Dom.make("th", {scope: "col", "data-t": key}));
    const table = Dom.make("table", {class: "batch"}, Dom.make("thead", {}, Dom.make("tr", {}, ...heads)), body,
      Dom.make("tfoot", {}, ...foot.map(({node}) => node)));
    const section = Section.make("batch",
      {formulas: ["ce"], body: [Dom.make("div", {class: "scroll", tabindex: "0", role: "region",
      "data-t-label": "batch.region"}, table)], changed});
    const rows = [];
    let timer = null;

    function line(n) {
      const choose = Dom.make("button", {type: "button", onclick: () => actions.change({row: n})}, String(n + 1));
      const cells = ["", "number", "number"].map((kind) => Dom.make("td", {class: kind}));
      const node = Dom.make("tr", {}, Dom.make("th", {scope: "row"}, choose), ...cells);
      return {node, choose, cells};
    }

    function fill(frame) {
      const {state} = frame;
      const {col, dtype, T} = state;
      const round = (x) => Float.round(dtype, x);
      const step = col === "neglog" ? (x) => x : round; // the kernels add in float64 and round once
      let sum = 0;
      Dom.grow(body, rows, state.rows.length, line).forEach(({node, choose, cells}, n) => {
        const {z, y, names} = state.rows[n];
        const {steps} = Row.explain({logits: z, target: y, dtype, temperature: T}, {light: true});
        sum = step(sum + steps.nll[col]);
        Dom.attribute(choose, "aria-label", Words.say("batch.show", {n: n + 1}));
        Dom.attribute(node, "aria-current", n === state.row ? "true" : null);
        [Words.pick((names ?? state.names)[y]), Format.number(steps.prob[col][y], 4), Format.number(steps.nll[col])]
          .forEach((text, k) => Dom.text(cells[k], text));
      });
      Dom.text(foot[0].value, Format.number(round(sum)));
      Dom.text(foot[1].value, Format.number(round(sum / state.rows.length)));
    }

    function update(frame) {
      Dom.shown(section.node, frame.state.rows.length > 1);
      clearTimeout(timer);
      if (frame.state.rows.length === 1) return;
      Section.update(section, frame);
      if (rows.length) timer = setTimeout(fill, CALM_MS, frame);
      else fill(frame);
    }
    return {node: section.node, update};
  }

  return Object.freeze({jacobian, losses, batch});
})();
