// Each point under each candidate: density and running product; then the exact product.
const LikTable = (() => {
  const LINES = 12;

  function make() {
    const caption = Dom.make("caption", {class: "aside", "data-t": "lik.numbers.caption"});
    const owners = Dom.make("tr", {}, Dom.make("th", {scope: "col", rowspan: 2}, "x"));
    const head = Dom.make("tr");
    const body = Dom.make("tbody");
    const foot = Dom.make("tfoot");
    const heads = [];
    const titles = [];
    const blank = () => Dom.make("td", {class: "number"}, Bars.flagged(), Dom.make("span", {class: "value"}));
    const row = () => {
      const title = Dom.make("th", {scope: "row"});
      return {node: Dom.make("tr", {}, title), title, cells: []};
    };
    const rows = [];
    const exact = row();
    foot.append(exact.node);
    exact.title.dataset.t = "lik.exact";
    const node = Dom.make("div", {class: "scroll", tabindex: "0", role: "region",
      "data-t-label": "lik.numbers.caption"},
      Dom.make("table", {class: "densities"}, caption, Dom.make("thead", {}, owners, head), body, foot));

    function cell(td, text, flag = "") {
      Bars.flag(td.firstChild, flag);
      Dom.text(td.lastChild, text);
    }

    function update({state, names, result, products}) {
      const count = names.length;
      const judged = names.map((_, k) => result.candidates[`c${k}`]);
      Dom.grow(head, heads, 2 * count,
        (k) => Dom.make("th", {scope: "col", "data-t": `lik.${k % 2 ? "product" : "density"}`}));
      Dom.grow(owners, titles, count, (k) => {
        const title = Dom.make("th", {scope: "colgroup", colspan: 2},
          Dom.make("i", {class: "swatch"}), Dom.make("span"));
        Dom.paint(title, k);
        return title;
      });
      names.forEach((name, k) => Dom.text(titles[k].lastChild, name));
      const {data} = state;
      const lines = data.length <= LINES ? data.map((_, i) => i) : [...Array(LINES - 1).keys(), data.length - 1];
      Dom.grow(body, rows, lines.length, row);
      lines.forEach((i, n) => {
        const line = rows[n];
        const gap = i !== n;
        Dom.text(line.title, gap ? `… ${Format.number(data[i])}` : Format.number(data[i]));
        Dom.grow(line.node, line.cells, 2 * count, blank);
        judged.forEach(({density}, k) => {
          const {product, lost} = products[k];
          cell(line.cells[2 * k], Format.number(density[i], 4));
          cell(line.cells[2 * k + 1], Format.number(product[i], 4), lost && i + 1 >= lost ? "underflow" : "");
        });
      });
      Dom.grow(exact.node, exact.cells, count, blank);
      judged.forEach((one, k) => {
        Dom.attribute(exact.cells[k], "colspan", 2);
        cell(exact.cells[k], Format.decimal(one.exact_product));
      });
    }
    return {node, update};
  }

  return Object.freeze({make});
})();
