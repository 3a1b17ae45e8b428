// MathML from short lists: ["frac", above, below], ["sub", base, index], ["sup", base, power],
// ["under", base, below], ["sum", index, body], ["row", ...]; a string is an identifier, a number or an operator.
const Formula = (() => {
  const WORDS = new Set(["log", "max"]);

  const SIGNS = new Set(["=", "−", "←", "(", "log"]);

  // `before` stands to the left: after a sign, a minus has no space on both sides, and a word none before it.
  function leaf(text, before = "=") {
    if (/^[\d.]+$/.test(text)) return Dom.math("mn", {}, text);
    const first = SIGNS.has(before);
    if (WORDS.has(text)) {
      return Dom.math("mo", {form: "prefix", lspace: first ? "0" : "0.17em", rspace: "0.17em"}, text);
    }
    if (/^\p{L}[\p{L}\d]*$/u.test(text)) return Dom.math("mi", {}, text);
    return Dom.math("mo", {stretchy: "false", form: text === "−" && first && "prefix"}, text);
  }

  const row = (parts) => Dom.math("mrow", {}, ...parts.map((part, k) => node(part, parts[k - 1])));

  function node(tree, before) {
    if (typeof tree === "string") {
      const leaves = tree.split(" ");
      return leaves.length === 1 ? leaf(tree, before) : row(leaves);
    }
    const [kind, ...parts] = tree;
    if (kind === "row") return row(parts);
    if (kind === "sum") return row([["under", "∑", parts[0]], parts[1]]);
    const tag = {frac: "mfrac", sub: "msub", sup: "msup", under: "munder"}[kind];
    return Dom.math(tag, {}, ...parts.map((part) => node(part)));
  }

  const z = (j) => ["sub", "z", j];
  const p = (j) => ["sub", "p", j];
  const e = (power) => ["sup", "e", power];
  const minus = (a, b) => ["row", a, "−", b];

  const TREES = {
    logits: ["row", "z", "=", "(", z("1"), ",", "…", ",", z("V"), ")"],
    scaled: ["row", z("j"), "←", ["frac", z("j"), "T"]],
    shifted: ["row", z("j"), "−", "m", ",", "m", "=", "max", "z"],
    exp: ["row", e(minus(z("j"), "m"))],
    exp_naive: ["row", e(z("j"))],
    sum: ["row", "S", "=", ["sum", "j", e(minus(z("j"), "m"))]],
    sum_naive: ["row", "S", "=", ["sum", "j", e(z("j"))]],
    prob: ["row", p("j"), "=", ["frac", e(minus(z("j"), "m")), "S"]],
    prob_naive: ["row", p("j"), "=", ["frac", e(z("j")), "S"]],
    log_prob: ["row", "log", p("j"), "=", minus(z("j"), "m"), "−", "log", "S"],
    nll: ["row", "L", "=", "−", "log", p("y"), "=", "−", ["sum", "j", ["row", ["sub", "𝐲", "j"], "log", p("j")]]],
    grad: ["row", ["frac", ["row", "∂", "L"], ["row", "∂", z("j")]], "=", p("j"), "−", ["sub", "𝐲", "j"]],
    step: ["row", z("j"), "←", z("j"), "−", "η", "(", p("j"), "−", ["sub", "𝐲", "j"], ")"],
    diagonal: ["row", ["frac", ["row", "∂", p("i")], ["row", "∂", z("i")]], "=", p("i"), "(", "1", "−", p("i"), ")"],
    other: ["row", ["frac", ["row", "∂", p("i")], ["row", "∂", z("j ≠ i")]], "=", "−", p("i"), p("j")],
    method_1: ["row", "−", "log", ["under", "max", "j"], p("j")],
    method_2: ["row", "−", "log", p("y"), "−", ["sum", "j ≠ y", ["row", "log", "(", "1", "−", p("j"), ")"]]],
    binary: ["row", "−", "log", ["frac", "1", ["row", "1", "+", e(["row", "−", "d"])]]],
    margin: ["row", "d", "=", z("y"), "−", "log", ["sum", "j ≠ y", e(z("j"))]],
    ce: ["row", "CE", "=", ["frac", "1", "N"], ["sum", "n", ["sub", "L", "n"]]],
    likelihood: ["row", "Λ", "(", "θ", ")", "=", ["under", "∏", "i"], "p", "(", ["sub", "x", "i"], "|", "θ", ")"],
    log_likelihood: ["row", "log", "Λ", "(", "θ", ")", "=", ["sum", "i",
      ["row", "log", "p", "(", ["sub", "x", "i"], "|", "θ", ")"]]],
    density: ["row", "x", "↦", "p", "(", "x", "|", "θ", ")"],
    parameter: ["row", "θ", "↦", "p", "(", "x", "|", "θ", ")"],
  };

  TREES.step_T = ["row", z("j"), "←", z("j"), "−", ["frac", "η", "T"], "(", p("j"), "−", ["sub", "𝐲", "j"], ")"];
  const over = (tree) => [...tree.slice(0, 3), ["frac", "1", "T"], "(", ...tree.slice(3), ")"];
  for (const name of ["grad", "diagonal", "other"]) TREES[`${name}_T`] = over(TREES[name]);

  const make = (name) => Dom.math("math", {displaystyle: "true", "data-formula": name}, node(TREES[name]));

  return Object.freeze({make, has: (name) => name in TREES});
})();
