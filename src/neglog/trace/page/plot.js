// A persistent drawing: each part has a key, is made once, then moved, and removed if not drawn.
const Plot = (() => {
  const MARGIN = {left: 46, right: 14, top: 24, bottom: 38};

  const WIDTH = 640; // before layout, for screen readers and for paper

  // About `count` round numbers between two ends.
  function ticks(low, high, count) {
    const raw = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = power * [1, 2, 5, 10].find((k) => k * power >= raw);
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + step * 1e-9; k += 1) found.push(k * step);
    return found.map((value) => Number(value.toPrecision(12)));
  }

  // Ends that can be drawn between: finite, and further apart than their rounding.
  function sane([low, high]) {
    const wide = high - low;
    return Number.isFinite(wide) && wide > 1e-12 * Math.max(-low, high) ? [low, high] : [0, 1];
  }

  // The position of a value between two ends, 0 to 1; values far outside stay just outside.
  function part(value, [low, high]) {
    const at = (value - low) / (high - low);
    return Number.isNaN(at) ? 0 : Math.min(1.2, Math.max(-0.2, at));
  }

  function make(height, draw, edges) {
    const margin = {...MARGIN, ...edges};
    const svg = Dom.svg("svg", {role: "img", class: "plot"});
    const layer = Dom.make("div", {class: "handles"});
    const node = Dom.make("div", {class: "plot-box"}, svg, layer);
    const kept = new Map();
    const handles = new Map();
    const size = {width: WIDTH, height};
    let range = {x: [0, 1], y: [0, 1]};
    let drawn = new Set();

    const inner = () => size.width - margin.left - margin.right;
    const tall = () => size.height - margin.top - margin.bottom;
    const x = (value) => margin.left + part(value, range.x) * inner();
    const y = (value) => margin.top + (1 - part(value, range.y)) * tall();
    const unx = (pixel) => range.x[0] + ((pixel - margin.left) / inner()) * (range.x[1] - range.x[0]);

    function put(key, tag, attributes, content) {
      drawn.add(key);
      let part = kept.get(key);
      if (!part) {
        part = svg.appendChild(Dom.svg(tag));
        kept.set(key, part);
      }
      for (const [name, value] of Object.entries(attributes)) Dom.attribute(part, name, value);
      if (content !== undefined) Dom.text(part, content);
      return part;
    }

    const write = (key, x, y, text, side, kind) => put(key, "text", {x, y, "text-anchor": side, class: kind}, text);

    function axes({x: wide, y: high, xLabel, yLabel, xTicks, yTicks, drop = 16}) {
      const [across, up] = [sane(wide), sane(high)];
      range = {x: across, y: up};
      const [left, right, top, bottom] = [x(across[0]), x(across[1]), y(up[1]), y(up[0])];
      put("base", "path", {class: "axis", d: `M${left} ${bottom}H${right}`});
      for (const value of xTicks ?? ticks(...across, Math.max(3, inner() / 90))) {
        write(`x${value}`, x(value), bottom + drop, Format.number(value), "middle");
      }
      for (const value of yTicks ?? ticks(...up, 4)) {
        put(`g${value}`, "path", {class: "grid", d: `M${left} ${y(value)}H${right}`});
        write(`y${value}`, left - 6, y(value) + 4, Format.number(value), "end");
      }
      if (xLabel) write("xl", right, bottom + 32, xLabel, "end");
      if (yLabel) write("yl", 0, 10, yLabel);
    }

    const path = (points) =>
      points.map(([a, b], k) => `${k ? "L" : "M"}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("");
    const line = (key, points, attributes) => put(key, "path", {d: path(points), ...attributes});

    const plot = {
      node, layer, put, write, axes, path, line, x, y, unx, handles,
      get width() { return size.width; },
      get height() { return size.height; },
      label(text) { Dom.attribute(svg, "aria-label", text); },
      tall(pixels) { size.height = pixels; },
      handle(key, options) { Handle.put(plot, key, options); drawn.add(`handle ${key}`); },
      render() {
        drawn = new Set();
        draw(plot);
        Dom.attribute(svg, "viewBox", `0 0 ${size.width} ${size.height}`);
        for (const [key, part] of kept) if (!drawn.has(key)) { part.remove(); kept.delete(key); }
        for (const [key, part] of handles) {
          if (!drawn.has(`handle ${key}`)) { part.node.remove(); handles.delete(key); }
        }
      },
    };
    new ResizeObserver(() => {
      const width = Math.round(node.clientWidth);
      if (!width || width === size.width || matchMedia("print").matches) return; // paper scales it
      size.width = width;
      plot.render();
    }).observe(node);
    return plot;
  }

  return Object.freeze({make, ticks});
})();
