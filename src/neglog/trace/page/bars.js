// A table with one number per class: its name, a bar, the number as computed, and the exact one.
const Bars = (() => {
  // Signs, so that colour is not the only mark.
  const SIGNS = {overflow: "▲", underflow: "▼", cancel: "◆", nan: "✕"};

  function flag(node, kind) {
    Dom.shown(node, Boolean(kind));
    if (!kind) return;
    Dom.attribute(node, "data-flag", kind);
    Dom.text(node, `${SIGNS[kind]} ${Words.say(`flag.${kind}`)}`);
  }

  const flagged = () => Dom.make("span", {class: "flag", hidden: true});

  function name(index) {
    const label = Dom.make("span", {class: "label"});
    const answer = Dom.make("span", {class: "answer", "data-t": "answer", hidden: true}, Words.say("answer"));
    const swatch = Dom.make("i", {class: "swatch"});
    const node = Dom.make("span", {role: "rowheader", class: "name"}, swatch, label, answer);
    Dom.paint(node.firstChild, index);
    return {node, label, answer};
  }

  function line(index) {
    const title = name(index);
    const fill = Dom.make("i", {class: "fill"});
    const mark = Dom.make("i", {class: "mark"});
    const zero = Dom.make("i", {class: "zero"});
    const value = Dom.make("span", {class: "value"});
    const before = Dom.make("span", {class: "before"});
    const badge = flagged();
    const exact = Dom.make("span", {role: "cell", class: "number exact"});
    Dom.paint(fill, index);
    const node = Dom.make("div", {role: "row", class: "bar-row"}, title.node,
      Dom.make("span", {role: "cell", class: "track", "aria-hidden": "true"}, zero, fill, mark),
      Dom.make("span", {role: "cell", class: "number"}, badge, before, value), exact);
    return {node, title, fill, mark, zero, value, before, badge, exact};
  }

  function head(role, key, more = "") {
    return Dom.make("span", {role, class: `head ${more}`, "data-t": key});
  }

  function make(step) {
    const column = Dom.make("span", {role: "columnheader", class: "head number"});
    const rows = Dom.make("div", {role: "table", class: "bars", "data-t-label": `step.${step}`},
      Dom.make("div", {role: "row", class: "bar-row heads"},
        head("columnheader", "head.class", "aside"),
        column, head("columnheader", "head.exact", "number exact")));
    return {node: Dom.make("div", {class: "bars-box"}, rows), rows, lines: [], column};
  }

  const finite = (values) => values.filter(Number.isFinite);

  // The ends of the axis: 0 and all finite numbers, never equal.
  function span(values, least) {
    const low = Math.min(0, ...finite(values), least[0]);
    const high = Math.max(0, ...finite(values), least[1]);
    return [low, high];
  }

  function bar({fill, mark, zero}, x, exact, [low, high]) {
    const at = (value) => Math.min(1, Math.max(0, (value - low) / (high - low)));
    const [a, b] = [at(0), at(Number.isNaN(x) ? 0 : x)].sort((one, other) => one - other);
    Dom.style(zero, "left", `${100 * at(0)}%`);
    Dom.style(fill, "left", `${(100 * a).toFixed(2)}%`);
    Dom.style(fill, "width", `${(100 * (b - a)).toFixed(2)}%`);
    Dom.attribute(fill, "data-endless", Math.abs(x) === Infinity ? "yes" : null);
    Dom.shown(mark, !Number.isNaN(exact));
    Dom.style(mark, "left", `${(100 * at(exact)).toFixed(2)}%`);
  }

  // values: the chosen column's (null if it has no such step; then the exact ones are drawn).
  function update(table, frame, {values, exact, flags, least = [0, 0], before}) {
    const exacts = exact.map(Number);
    const drawn = values ?? exacts;
    const range = span([...drawn, ...exacts], least);
    if (range[0] === range[1]) range[1] += 1;
    Dom.text(table.column, Words.say(`col.${frame.state.col}`));
    Dom.grow(table.rows, table.lines, frame.V, line).forEach((row, j) => {
      Dom.text(row.title.label, frame.names[j]);
      Dom.shown(row.title.answer, j === frame.row.y);
      bar(row, drawn[j], exacts[j], range);
      Dom.text(row.before, before ? before(j) : "");
      Dom.text(row.value, Format.number(values ? values[j] : null));
      Dom.text(row.exact, Format.decimal(exact[j]));
      flag(row.badge, flags?.[j]);
    });
  }

  return Object.freeze({make, update, flag, flagged});
})();
