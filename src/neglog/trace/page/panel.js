// Below the stage: temperature, rate, computation, number type; above it: the row.
const Panel = (() => {
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

  function settings(actions) {
    const temperature = Controls.scale({key: "temperature", low: 0.1, high: 10, complaint: "bad.temperature",
      set: (T) => actions.change({T})});
    const rate = Controls.scale({key: "rate", low: 0.01, high: 10, set: (value) => actions.change({rate: value})});
    const dtype = Controls.choice({key: "dtype", values: Address.dtypes,
      set: (value) => actions.change({dtype: value})});
    const column = Controls.choice({key: "column", values: Address.columns, label: (value) => `col.${value}`,
      set: (col) => actions.change({col})});
    const why = Dom.make("p", {class: "hint"});
    const node = Dom.make("div", {class: "settings controls", role: "group", "data-t-label": "controls"},
      temperature.node, rate.node, Dom.make("div", {}, column.node, why), dtype.node);
    function update({state}) {
      temperature.set(state.T);
      rate.set(state.rate);
      dtype.set(state.dtype);
      column.set(state.col);
      Dom.text(why, Words.say(`col.${state.col}.why`));
    }
    return {node, update};
  }

  return Object.freeze({rows, settings});
})();
