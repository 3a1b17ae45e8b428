// A header becomes a button that sorts its table, folded rows included.
const label = document.currentScript.dataset.sort;

const number = (cell) => {
  const text = cell.textContent.replace(/,/g, "").replace("−", "-");
  return /^-?(inf|nan)/.test(text) ? Number(text.replace("inf", "Infinity")) : parseFloat(text);
};

const order = (numeric, down) => {
  const sign = down ? -1 : 1;
  const words = new Intl.Collator(document.documentElement.lang, { numeric: true });
  return ([a], [b]) => {
    if (!numeric) return sign * words.compare(a, b);
    // What is no number comes last, in either direction.
    return Number.isNaN(a) - Number.isNaN(b) || sign * (a > b) - sign * (a < b);
  };
};

const sortBy = (table, column, down) => {
  const rest = table.closest(".table").querySelector("[data-rest]");
  const bodies = [table, rest].filter(Boolean).map((one) => one.tBodies[0]);
  const numeric = table.tHead.rows[0].cells[column].classList.contains("n");
  const key = (row) => (numeric ? number(row.cells[column]) : row.cells[column].textContent);
  const rows = bodies.flatMap((body) => [...body.rows]).map((row) => [key(row), row]);
  rows.sort(order(numeric, down));
  const first = bodies[0].rows.length;
  bodies[0].append(...rows.slice(0, first).map(([, row]) => row));
  if (bodies[1]) bodies[1].append(...rows.slice(first).map(([, row]) => row));
};

for (const table of document.querySelectorAll("table[data-sort]")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.title = label.replace("%", head.textContent);
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      // The first click shows the largest numbers, and the first names.
      const before = head.ariaSort;
      const down = before ? before === "ascending" : head.classList.contains("n");
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.ariaSort = down ? "descending" : "ascending";
      sortBy(table, column, down);
    });
  });
}
