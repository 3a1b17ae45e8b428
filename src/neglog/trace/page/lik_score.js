// For each candidate the product in the chosen type and the sum of logs; below them, who wins by each.
const LikScore = (() => {
  function make() {
    const body = Dom.make("tbody");
    const head = (key) => Dom.make("th", {scope: "col", "data-t": key});
    const verdicts = [Dom.make("td", {colspan: 2}), Dom.make("td")];
    const lines = [];
    const node = Dom.make("table", {class: "score"},
      Dom.make("thead", {}, Dom.make("tr", {}, Dom.make("td"), head("lik.race.product"), head("lik.sum"))),
      body, Dom.make("tfoot", {}, Dom.make("tr", {}, ...verdicts)));

    function line(k) {
      const name = Dom.make("span");
      const [product, sum] = [0, 1].map(() => Dom.make("strong", {class: "value"}));
      const badge = Bars.flagged();
      const total = Dom.make("td", {}, sum);
      const row = Dom.make("tr", {}, Dom.make("th", {scope: "row"}, Dom.make("i", {class: "swatch"}), name),
        Dom.make("td", {}, badge, product), total);
      Dom.paint(row, k);
      return {node: row, name, badge, product, sum, total};
    }

    function update(frame) {
      const {names, result, products} = frame;
      Dom.grow(body, lines, names.length, line);
      names.forEach((name, k) => {
        const row = lines[k];
        const {product, lost} = products[k];
        const last = product.at(-1);
        Dom.text(row.name, name);
        Bars.flag(row.badge, lost ? "underflow" : Number.isFinite(last) ? "" : "overflow");
        Dom.text(row.product, Format.number(last, 4));
        Dom.text(row.sum, Format.number(result.candidates[`c${k}`].log_likelihood));
        Dom.attribute(row.total, "data-wins", result.winner.includes(`c${k}`) ? "yes" : null);
      });
      [LikStory.byProduct(frame), LikStory.bySum(frame)].forEach((text, i) => Dom.text(verdicts[i], text));
      Dom.attribute(verdicts[0], "class", products.every(({product}) => !product.at(-1)) && "bad");
    }
    return {node, update};
  }

  return Object.freeze({make});
})();
