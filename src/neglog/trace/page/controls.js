// The inputs: a box that takes any number, a slider with a box, one of a few.
const Controls = (() => {
  let made = 0;
  const unique = () => `c${(made += 1)}`;

  // A text box for a number. Text that is not a number stays in the box, with a message beside it.
  function box({set, check = () => true, complaint = "bad.number", step = 0.1, ...attributes}) {
    const id = unique();
    const message = Dom.make("p", {class: "bad", id, role: "status"});
    const input = Dom.make("input", {type: "text", class: "box", inputmode: "text", autocomplete: "off",
      spellcheck: "false",
      "aria-describedby": id, ...attributes});
    let value;

    function complain(text) {
      Dom.text(message, text);
      Dom.attribute(input, "aria-invalid", text ? "true" : null);
    }

    // Wide enough for its text (see .box).
    const fit = () => Dom.style(input, "--n", Math.max(6, Math.min(20, input.value.length)));
    function write(x) {
      input.value = Format.box(x);
      fit();
    }

    function take() {
      fit();
      const x = Format.typed(input.value);
      const wrong = x === undefined ? "bad.number" : check(x) ? "" : complaint;
      complain(wrong && Words.say(wrong, {text: input.value.slice(0, 20)}));
      if (wrong) return;
      value = x;
      set(x);
    }

    input.addEventListener("input", take);
    input.addEventListener("blur", () => {
      if (!input.hasAttribute("aria-invalid")) write(value);
    });
    input.addEventListener("keydown", (event) => {
      const sign = {ArrowUp: 1, ArrowDown: -1}[event.key];
      if (!sign || !Number.isFinite(value)) return;
      event.preventDefault();
      write(value + sign * step * (event.shiftKey ? 10 : 1));
      take();
    });

    function show(x) {
      if (Object.is(x, value)) return;
      value = x;
      complain("");
      write(x);
    }
    return {input, message, show};
  }

  // A slider and a box for one positive number; the slider is logarithmic.
  function scale({key, low, high, set, complaint = "bad.number"}) {
    const id = unique();
    const slider = Dom.make("input", {type: "range", min: Math.log10(low), max: Math.log10(high), step: 0.01,
      "data-t-label": `${key}.slider`});
    const number = box({set, check: (x) => Number.isFinite(x) && x > 0, complaint, id});
    slider.addEventListener("input", () => set(Number((10 ** Number(slider.value)).toPrecision(3))));
    const label = Dom.make("label", {for: id, "data-t": key});
    const node = Dom.make("div", {class: "scale"}, label, number.input, slider, number.message);
    function show(x) {
      number.show(x);
      const at = Number(Math.log10(x).toFixed(2));
      if (Number(slider.value) !== at) slider.value = at;
      Dom.attribute(slider, "aria-valuetext", Format.number(x, 3));
    }
    return {node, set: show};
  }

  // One of a few, side by side: radio buttons that look like one switch.
  function choice({key, values, label, set}) {
    const name = unique();
    const word = (value) => (label ? Dom.make("span", {"data-t": label(value)}) : Dom.make("span", {}, value));
    const inputs = values.map((value) => {
      const input = Dom.make("input", {type: "radio", name, value, id: `${key}-${value}`});
      input.addEventListener("change", () => set(value));
      return input;
    });
    const node = Dom.make("fieldset", {class: "choice"}, Dom.make("legend", {"data-t": key}),
      Dom.make("div", {class: "options"}, ...inputs.map((input) =>
        Dom.make("label", {}, input, word(input.value)))));
    const show = (value) =>
      inputs.forEach((input) => { if (input.value === value && !input.checked) input.checked = true; });
    return {node, set: show};
  }

  const button = (key, click, more = {}) =>
    Dom.make("button", {type: "button", "data-t": key, onclick: click, ...more});

  return Object.freeze({box, scale, choice, button, unique});
})();
