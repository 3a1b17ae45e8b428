// A WAI-ARIA slider on a plot, moved along the x axis by pointer or by keys.
const Handle = (() => {
  const clamp = (value, {min, max}) => Math.min(max, Math.max(min, value));

  function keys(event, now) {
    const far = event.shiftKey ? 10 : 1;
    const moves = {ArrowRight: far, ArrowUp: far, ArrowLeft: -far, ArrowDown: -far, PageUp: 10, PageDown: -10};
    if (event.key === "Home") return now.min;
    if (event.key === "End") return now.max;
    if (!(event.key in moves)) return undefined;
    return Number((now.value + moves[event.key] * now.step).toPrecision(12));
  }

  function create(plot, key) {
    const node = Dom.make("span", {role: "slider", tabindex: "0", class: "handle"});
    const part = {node, now: null};
    const send = (value) => part.now.move(clamp(value, part.now));
    node.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      node.focus();
      node.setPointerCapture(event.pointerId);
    });
    node.addEventListener("pointermove", (event) => {
      if (!node.hasPointerCapture(event.pointerId)) return;
      const box = plot.node.getBoundingClientRect();
      const at = plot.unx(((event.clientX - box.left) / box.width) * plot.width);
      send(Number((part.now.from ? part.now.from(at) : at).toPrecision(4)));
    });
    node.addEventListener("keydown", (event) => {
      const value = keys(event, part.now);
      if (value === undefined) return;
      event.preventDefault();
      send(value);
    });
    plot.layer.append(node);
    plot.handles.set(key, part);
    return part;
  }

  // options: at [x, y], value, min, max, step, label, say (the value in other words), hue, shape,
  // move(value), and from(x) -> value if the value is not x itself.
  function put(plot, key, options) {
    const part = plot.handles.get(key) ?? create(plot, key);
    part.now = options;
    const {node} = part;
    Dom.style(node, "left", `${(100 * plot.x(options.at[0])) / plot.width}%`);
    Dom.style(node, "top", `${(100 * plot.y(options.at[1])) / plot.height}%`);
    Dom.attribute(node, "aria-label", options.label);
    Dom.attribute(node, "aria-valuemin", options.min);
    Dom.attribute(node, "aria-valuemax", options.max);
    Dom.attribute(node, "aria-valuenow", Number(options.value.toPrecision(6)));
    Dom.attribute(node, "aria-valuetext", options.say ?? Format.number(options.value, 4));
    Dom.attribute(node, "data-shape", options.shape);
    Dom.paint(node, options.hue);
  }

  return Object.freeze({put});
})();
