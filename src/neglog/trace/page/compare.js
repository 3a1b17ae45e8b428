// The four columns of one step side by side, with errors; built when first opened.
const Compare = (() => {
  const COLUMNS = ["naive", "shifted", "neglog", "exact"];
  const SIGNS = {shifted: "z − m", log_prob: "log p", one_hot: "y", grad: "p − y"}; // in a table of several steps
  const EXACT_DIGITS = 14; // the tooltip has all of them

  function cell() {
    const value = Dom.make("span", {class: "value"});
    const badge = Bars.flagged();
    const error = Dom.make("small");
    return {node: Dom.make("td", {}, value, badge, error), value, badge, error};
  }

  function row(index) {
    const head = Dom.make("th", {scope: "row"});
    const cells = COLUMNS.map(cell);
    return {node: Dom.make("tr", {}, head, ...cells.map(({node}) => node)), head, cells, index};
  }

  function build(part) {
    part.caption = Dom.make("caption");
    part.heads = COLUMNS.map((name) => Dom.make("th", {scope: "col", "data-column": name}));
    part.body = Dom.make("tbody");
    part.rows = [];
    part.region.append(Dom.make("table", {class: "compare"}, part.caption,
      Dom.make("thead", {}, Dom.make("tr", {}, Dom.make("td"), ...part.heads)), part.body));
  }

  function make(steps, changed) {
    const region = Dom.make("div", {class: "scroll", tabindex: "0", role: "region"});
    const node = Dom.make("details", {class: "more"}, Dom.make("summary", {"data-t": "compare"}), region);
    node.addEventListener("toggle", () => { if (node.open) changed(); });
    return {node, region, steps, rows: null};
  }

  const of = (frame, name) => frame.steps[name] ?? frame.losses[name];
  const numbers = (value) => (Array.isArray(value) ? value.flat() : [value]);

  function fill(cells, step, j, name, dtype) {
    const exact = name === "exact";
    const column = step[name];
    if (column == null) {
      Dom.text(cells.value, "–");
      Dom.text(cells.error, "");
      Bars.flag(cells.badge, "");
      return;
    }
    const whole = numbers(column)[j];
    Dom.text(cells.value, exact ? Format.decimal(whole, EXACT_DIGITS) : Format.full(whole, dtype));
    Dom.attribute(cells.value, "title", exact ? whole : null);
    Dom.text(cells.error, exact ? "" : Format.number(Number(numbers(step.error[name])[j]), 2));
    Bars.flag(cells.badge, exact ? "" : numbers(step.flag[name])[j]);
  }

  // Over all the steps shown here: one line per class of a vector, one for a single number.
  function lines(part, frame) {
    return part.steps.filter((name) => of(frame, name)).flatMap((name) => {
      const {exact} = of(frame, name);
      const several = part.steps.length > 1 ? `${SIGNS[name]}: ` : "";
      if (!Array.isArray(exact)) return [{name, j: 0,
        label: Words.say(`${frame.steps[name] ? "step" : "loss"}.${name}`)}];
      const labels = Array.isArray(exact[0]) ? frame.names.flatMap((p) => frame.names.map((z) => `${p}, ${z}`))
        : frame.names;
      return labels.map((label, j) => ({name, j, label: several + label}));
    });
  }

  function update(part, frame, title) {
    Dom.attribute(part.region, "aria-label", Words.say("compare.region", {step: title}));
    if (!part.node.open) return;
    if (!part.rows) build(part);
    Dom.text(part.caption, Words.say("compare.caption", {step: title, dtype: frame.state.dtype}));
    part.heads.forEach((head, k) => Dom.text(head, Words.say(`col.${COLUMNS[k]}`)));
    const wanted = lines(part, frame);
    while (part.rows.length < wanted.length) {
      part.rows.push(row(part.rows.length));
      part.body.append(part.rows.at(-1).node);
    }
    part.rows.forEach(({node, head, cells}, k) => {
      Dom.shown(node, k < wanted.length);
      if (k >= wanted.length) return;
      const {name, j, label} = wanted[k];
      Dom.text(head, label);
      cells.forEach((one, c) => fill(one, of(frame, name), j, COLUMNS[c], frame.state.dtype));
    });
  }

  return Object.freeze({make, update});
})();
