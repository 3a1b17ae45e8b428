// The stage's lines, one per class: answer, name, score, slider with the pull on it, probability.
const Lines = (() => {
  const BOUNDS = [10, 20, 50, 100, 1000, 10000];
  const LONGEST = 0.33; // the arrow of a pull of 1, as a share of the rail
  const SMALL = 0.003; // a pull without an arrow
  const TINY = 1e-5; // a probability without its digits

  function line(j, actions) {
    const radio = Dom.make("input", {type: "radio", name: "target", value: j});
    const name = Dom.make("textarea", {class: "name-box", maxlength: Address.limits.name, rows: 1,
      autocomplete: "off", spellcheck: "false"});
    const number = Controls.box({set: (z) => actions.logit(j, z)});
    const slider = Dom.make("input", {type: "range", step: "any"});
    const pull = Dom.make("i", {class: "pull"});
    const tag = Dom.make("span", {class: "pull-value", "aria-hidden": "true"});
    const fill = Dom.make("i", {class: "fill"});
    const share = Dom.make("span", {class: "share"});
    const remove = Dom.make("button", {type: "button", class: "remove", onclick: () => actions.remove(j)}, "×");
    const rail = Dom.make("span", {class: "rail"}, Dom.make("span", {class: "inset"}, pull, tag), slider);
    radio.addEventListener("change", () => actions.target(j));
    name.addEventListener("input", () => actions.rename(j, name.value.replace(/\s/g, " ")));
    slider.addEventListener("input", () => actions.logit(j, Math.round(Number(slider.value) * 100) / 100));
    const node = Dom.make("div", {class: "class-line"}, Dom.make("label", {class: "pick"}, radio), name,
      number.input, rail,
      Dom.make("span", {class: "bar track", "aria-hidden": "true"}, fill), share, remove, number.message);
    Dom.paint(node, j);
    return {node, radio, name, number, slider, pull, tag, fill, share, remove};
  }

  // Only for a new name or language: a frame of 12 classes would look up 60 texts.
  function say(row, name, j) {
    const label = (node, key) => Dom.attribute(node, "aria-label", Words.say(key, {name, n: j + 1}));
    const said = Words.say("class.answer", {name});
    if (row.said === said) return;
    row.said = said;
    label(row.radio, "class.answer");
    label(row.name, "class.name");
    label(row.number.input, "class.logit");
    label(row.slider, "class.slider");
    label(row.remove, "class.remove");
  }

  // The place of the thumb: a share of the rail.
  function slide({slider}, z, bound) {
    Dom.attribute(slider, "min", -bound);
    Dom.attribute(slider, "max", bound);
    const at = Number.isNaN(z) ? 0 : Math.max(-bound, Math.min(bound, z));
    if (Number(slider.value) !== at) slider.value = at;
    return 0.5 + at / bound / 2;
  }

  // y - p with its sign, as it stands below the arrow.
  function signed(force) {
    if (!(Math.abs(force) > 0)) return Format.number(force);
    return Math.abs(force) < 0.0005 ? "0" : (force > 0 ? "+" : "−") + Math.abs(force).toFixed(3);
  }

  // y - p on the slider, and p as a bar.
  function draw({pull, slider, tag, fill, share}, at, z, p, force) {
    const far = Math.max(-1, Math.min(1, force || 0));
    const [said, part] = [signed(force), p > 0 && p < TINY ? "<0.001%" : Format.percent(p)];
    // Not by variables of the rail: all parts of 12 sliders would inherit them.
    const percent = (part) => `${(100 * part).toFixed(2)}%`;
    Dom.style(pull, "left", percent(at));
    Dom.style(pull, "width", percent(LONGEST * Math.abs(far)));
    Dom.style(tag, "left", percent(at + 0.55 * LONGEST * far));
    Dom.attribute(pull, "data-back", far < 0 ? "yes" : null);
    Dom.shown(pull, Math.abs(far) > SMALL);
    Dom.text(tag, said);
    Dom.style(fill, "width", percent(p || 0));
    Dom.text(share, part);
    Dom.attribute(slider, "aria-valuetext", `${Format.number(z, 4)}; p ${part}; y − p ${said}`);
  }

  function make(actions) {
    const lines = [];
    let bound = BOUNDS[0];
    const head = (key) => Dom.make("span", {class: `head head-${key}`, "data-t": `head.${key}`});
    const place = Dom.make("div", {class: "lines"},
      Dom.make("div", {class: "lines-head"}, ...["answer", "score", "pull", "prob"].map(head)));
    const node = Dom.make("fieldset", {class: "classes"}, Dom.make("legend", {class: "aside", "data-t": "logits"}), place);

    function update(frame) {
      const {state, names, row: {y}} = frame;
      const {z, others} = state.rows[state.row];
      const reach = Math.max(...z.filter(Number.isFinite).map(Math.abs), 0);
      const held = reach <= bound && lines.some(({slider}) => slider === document.activeElement);
      if (!held) bound = BOUNDS.find((far) => far >= reach) ?? reach; // one range for all, fixed during a drag
      const fixed = state.rows.some((row) => row.others);
      Dom.attribute(node, "data-many", frame.V > 4 ? "yes" : null);
      const [prob, grad] = ["prob", "grad"].map((name) => Section.column(frame, name));
      Dom.grow(place, lines, frame.V, (j) => line(j, actions)).forEach((row, j) => {
        say(row, names[j], j);
        row.radio.checked = j === y;
        if (document.activeElement !== row.name && row.name.value !== names[j]) row.name.value = names[j];
        row.number.show(z[j]);
        draw(row, slide(row, z[j], bound), z[j], prob[j], -grad[j] * state.T);
        row.remove.disabled = frame.V <= Address.limits.least || fixed;
        row.name.disabled = fixed;
        Dom.attribute(row.node, "data-answer", j === y ? "yes" : null);
        row.radio.disabled = Boolean(others) && j === frame.V - 1;
      });
    }
    return {node, update};
  }

  return Object.freeze({make});
})();
