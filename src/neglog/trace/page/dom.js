// Making and updating nodes. Foreign text enters by textContent and setAttribute only.
const Dom = (() => {
  const SVG = "http://www.w3.org/2000/svg";
  const MATH = "http://www.w3.org/1998/Math/MathML";

  function filled(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  }

  const make = (tag, attributes = {}, ...children) =>
    filled(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS(SVG, tag), attributes, children);
  const math = (tag, attributes = {}, ...children) =>
    filled(document.createElementNS(MATH, tag), attributes, children);

  // The setters touch the document only on a change: a frame calls about 300 of them.
  function text(node, value) {
    if (node.textContent !== value) node.textContent = value;
  }

  function attribute(node, name, value) {
    if (value == null || value === false) node.removeAttribute(name);
    else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  }

  // Remembered, not read: reading a style takes time, too.
  const styles = new WeakMap();
  function style(node, name, value) {
    const kept = styles.get(node) ?? {};
    if (kept[name] === value) return;
    styles.set(node, {...kept, [name]: value});
    node.style.setProperty(name, value);
  }

  function shown(node, yes) {
    if (node.hidden === yes) node.hidden = !yes;
  }

  // As many parts of a place as are needed, and no more: new ones are made, those left over hidden.
  function grow(place, list, count, make) {
    while (list.length < count) {
      const part = make(list.length);
      list.push(part);
      place.append(part.node ?? part);
    }
    list.forEach((part, k) => shown(part.node ?? part, k < count));
    return list.slice(0, count);
  }

  const find = (id) => document.getElementById(id);

  // A class has one colour and pattern everywhere; from the seventh on, the pattern differs.
  function paint(node, index) {
    attribute(node, "data-hue", index % 6);
    attribute(node, "data-striped", index >= 6 ? "yes" : null);
  }

  return Object.freeze({make, svg, math, text, attribute, style, shown, grow, find, paint});
})();
