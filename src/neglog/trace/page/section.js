// One step: number, title, formula, a sentence, what it shows, and all four columns.
const Section = (() => {
  // The exact numbers of the chosen column: those of the naive column may be unshifted.
  function exact(frame, name) {
    const step = frame.steps[name];
    return frame.state.col === "naive" && step.unshifted !== undefined ? step.unshifted : step.exact;
  }

  const column = (frame, name) => frame.steps[name][frame.state.col];
  const flags = (frame, name) => frame.steps[name].flag?.[frame.state.col];

  function make(name, {formulas = [], body = [], compare = [], changed, why = true}) {
    const formula = Dom.make("div", {class: "formulas"});
    const note = Dom.make("p", {class: "note", hidden: true});
    const more = compare.length ? Compare.make(compare, changed) : null;
    const node = Dom.make("section", {class: "step", id: `step-${name}`, "aria-labelledby": `title-${name}`},
      Dom.make("div", {class: "step-head"},
        Dom.make("h2", {id: `title-${name}`, "data-t": `step.${name}`}), formula),
      why ? Dom.make("p", {class: "why", "data-t": `step.${name}.why`}) : "", note, ...body, more?.node ?? "");
    return {node, name, formula, formulas, note, more, drawn: ""};
  }

  function update(section, frame, note = "") {
    const {col, T} = frame.state;
    const variants = [`_${col}`, T === 1 ? "" : "_T", ""];
    const wanted = section.formulas.map((name) => variants.map((end) => name + end).find(Formula.has));
    if (section.drawn !== String(wanted)) {
      section.drawn = String(wanted);
      section.formula.replaceChildren(...wanted.map(Formula.make));
    }
    Dom.text(section.note, note);
    Dom.shown(section.note, note !== "");
    if (section.more) Compare.update(section.more, frame, Words.say(`step.${section.name}`));
  }

  // A single number: its name, as computed, flag, exact.
  function figure(key, large = false) {
    const value = Dom.make("strong", {class: "value"});
    const badge = Bars.flagged();
    const precise = Dom.make("span", {class: "exact"});
    const node = Dom.make("div", {class: large ? "figure large" : "figure"},
      Dom.make("span", {class: "figure-name", "data-t": key}), value, badge, precise);
    return {node, value, badge, precise};
  }

  function set(part, value, exactly, flag) {
    Dom.text(part.value, Format.number(value));
    Dom.text(part.precise, `${Words.say("col.exact")} ${Format.decimal(exactly)}`);
    Bars.flag(part.badge, flag);
  }

  const show = (part, frame, name) =>
    set(part, column(frame, name), exact(frame, name), flags(frame, name));

  return Object.freeze({make, update, figure, set, show, exact, column, flags});
})();
