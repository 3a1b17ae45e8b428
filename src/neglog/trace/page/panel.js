// The controls of one prediction: a line per class, temperature, type, column, and the result.
const Panel = (() => {
  const BOUNDS = [10, 20, 50, 100, 1000, 10000];

  function line(j, actions) {
    const radio = Dom.make("input", {type: "radio", name: "target", value: j});
    const name = Dom.make("input", {type: "text", class: "name-box", maxlength: Address.limits.name,
      autocomplete: "off", spellcheck: "false"});
    const number = Controls.box({set: (z) => actions.logit(j, z)});
    const slider = Dom.make("input", {type: "range", step: "any"});
    const remove = Dom.make("button", {type: "button", class: "remove", onclick: () => actions.remove(j)}, "×");
    const answer = Dom.make("span", {class: "answer", "data-t": "answer", "aria-hidden": "true"});
    radio.addEventListener("change", () => actions.target(j));
    name.addEventListener("input", () => actions.rename(j, name.value));
    slider.addEventListener("input", () => actions.logit(j, Math.round(Number(slider.value) * 100) / 100));
    const node = Dom.make("div", {class: "class-line"}, Dom.make("label", {class: "pick"}, radio, answer),
      name, number.input, remove, slider, number.message);
    Dom.paint(node, j);
    return {node, radio, name, number, slider, remove};
  }

  function say(row, names, j) {
    Dom.attribute(row.radio, "aria-label", Words.say("class.answer", {name: names[j]}));
    Dom.attribute(row.name, "aria-label", Words.say("class.name", {n: j + 1}));
    Dom.attribute(row.number.input, "aria-label", Words.say("class.logit", {name: names[j]}));
    Dom.attribute(row.slider, "aria-label", Words.say("class.slider", {name: names[j]}));
    Dom.attribute(row.remove, "aria-label", Words.say("class.remove", {name: names[j]}));
  }

  // The slider's range follows the numbers, but stays fixed during a drag.
  function slide(slider, z, bound) {
    if (document.activeElement !== slider) {
      Dom.attribute(slider, "min", -bound);
      Dom.attribute(slider, "max", bound);
    }
    const at = Number.isNaN(z) ? 0 : Math.max(-bound, Math.min(bound, z));
    if (Number(slider.value) !== at) slider.value = at;
    Dom.attribute(slider, "aria-valuetext", Format.number(z, 4));
  }

  function result() {
    const nll = Dom.make("strong", {class: "value"});
    const badge = Bars.flagged();
    const exact = Dom.make("span", {class: "exact"});
    const share = Dom.make("p");
    const said = Dom.make("p");
    const node = Dom.make("div", {class: "result", id: "result"},
      Dom.make("div", {class: "result-line"}, Dom.make("span", {"data-t": "result"}), nll, badge, exact), share,
        said);
    function update(frame) {
      Dom.text(nll, Format.number(frame.nll));
      Bars.flag(badge, Section.flags(frame, "nll"));
      Dom.text(exact, Section.flags(frame, "nll")
        && `${Words.say("col.exact")} ${Format.decimal(frame.steps.nll.exact, 3)}`);
      Dom.text(share, Words.say("result.p", {name: frame.names[frame.row.y],
        p: Format.percent(Section.column(frame, "prob")[frame.row.y])}));
      Dom.text(said, Steps.spoken(frame).split(". ")[0].replace(/\.?$/, "."));
    }
    return {node, update};
  }

  function rows(actions) {
    const id = Controls.unique();
    const select = Dom.make("select", {id, onchange: () => actions.change({row: Number(select.value)})});
    const node = Dom.make("div", {class: "field", hidden: true}, Dom.make("label", {for: id, "data-t": "row"}),
      select);
    function update({state}) {
      Dom.shown(node, state.rows.length > 1);
      while (select.length > state.rows.length) select.lastChild.remove();
      while (select.length < state.rows.length) select.append(Dom.make("option", {value: select.length},
        String(select.length + 1)));
      if (select.value !== String(state.row)) select.value = state.row;
    }
    return {node, update};
  }

  function make(actions) {
    const lines = Array.from({length: Bars.MOST}, (_, j) => line(j, actions));
    const add = Controls.button("class.add", actions.add, {id: "add"});
    const temperature = Controls.scale({key: "temperature", low: 0.1, high: 10, complaint: "bad.temperature",
      set: (T) => actions.change({T})});
    const dtype = Controls.choice({key: "dtype", values: Address.dtypes,
      set: (value) => actions.change({dtype: value})});
    const column = Controls.choice({key: "column", values: Address.columns, label: (value) => `col.${value}`,
      set: (col) => actions.change({col})});
    const why = Dom.make("p", {class: "hint"});
    const outcome = result();
    const chooser = rows(actions);
    const node = Dom.make("form", {class: "panel controls", "data-t-label": "controls",
      onsubmit: (event) => event.preventDefault()},
      chooser.node, Dom.make("fieldset", {class: "classes"}, Dom.make("legend", {"data-t": "logits"}),
        ...lines.map((row) => row.node), add),
      temperature.node, column.node, why, dtype.node);

    function update(frame) {
      const {state, names} = frame;
      const {z, others} = state.rows[state.row];
      const reach = Math.max(...z.filter(Number.isFinite).map(Math.abs), 0);
      const bound = BOUNDS.find((far) => far >= reach) ?? reach;
      const fixed = state.rows.some((row) => row.others);
      lines.forEach((row, j) => {
        Dom.shown(row.node, j < frame.V);
        if (j >= frame.V) return;
        say(row, names, j);
        row.radio.checked = j === frame.row.y;
        if (document.activeElement !== row.name) row.name.value = names[j];
        row.number.show(z[j]);
        slide(row.slider, z[j], bound);
        row.remove.disabled = frame.V <= Address.limits.least || fixed;
        row.name.disabled = fixed;
        Dom.attribute(row.node, "data-answer", j === frame.row.y ? "yes" : null);
        row.radio.disabled = Boolean(others) && j === frame.V - 1;
      });
      add.disabled = frame.V >= Address.limits.most || fixed;
      temperature.set(state.T);
      dtype.set(state.dtype);
      column.set(state.col);
      Dom.text(why, Words.say(`col.${state.col}.why`));
      outcome.update(frame);
      chooser.update(frame);
    }
    return {node, result: outcome.node, update};
  }

  return Object.freeze({make});
})();
