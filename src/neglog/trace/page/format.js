// Numbers for readers: a fixed number of significant digits, and a true minus sign.
const Format = (() => {
  const RAISED = {"-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹"};
  const NAMED = {nan: "nan", inf: "inf", infinity: "inf"};

  // [negative, significant digits, power of ten of the first digit] of a finite decimal text.
  function parts(decimal) {
    const [, sign, whole, fraction = "", power = "0"] =
      /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(decimal);
    const all = whole + fraction;
    const zeros = /^0*/.exec(all)[0].length;
    return [sign === "-", all.slice(zeros), whole.length - zeros - 1 + Number(power)];
  }

  // To nearest; exact numbers are truncated texts, so ties do not matter.
  function rounded(digits, power, count) {
    if (digits.length <= count) return [digits, power];
    const up = digits[count] >= "5" ? 1n : 0n;
    const kept = String(BigInt(digits.slice(0, count)) + up);
    return [kept.slice(0, count), power + kept.length - count];
  }

  function layout(negative, digits, power) {
    const bare = digits.replace(/0+$/, "") || "0";
    const minus = negative ? "−" : "";
    if (power >= -4 && power < 9) {
      if (power < 0) return `${minus}0.${"0".repeat(-power - 1)}${bare}`;
      const padded = bare.padEnd(power + 1, "0");
      const fraction = padded.slice(power + 1);
      return minus + padded.slice(0, power + 1) + (fraction ? `.${fraction}` : "");
    }
    const raised = [...String(power)].map((sign) => RAISED[sign]).join("");
    return `${minus}${bare[0]}${bare.length > 1 ? `.${bare.slice(1)}` : ""}×10${raised}`;
  }

  function decimal(given, count = 6) {
    const lower = String(given).toLowerCase();
    const name = NAMED[lower.replace(/^[+-]/, "")];
    if (name) return (lower.startsWith("-") && name === "inf" ? "−" : "") + name;
    const [negative, digits, power] = parts(lower);
    if (!digits) return negative ? "−0" : "0";
    return layout(negative, ...rounded(digits, power, count));
  }

  // The content of a number box: plain text that it can read back.
  function box(x) {
    const whole = Object.is(x, -0) ? "-0" : String(x);
    if (Number.isFinite(x)) return whole.length <= 10 ? whole : String(Number(x.toPrecision(7)));
    return Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf";
  }

  // A number that was typed, or undefined.
  function typed(text) {
    const plain = text.trim().toLowerCase().replace(/[−–]/, "-").replace("∞", "inf");
    const named = /^([+-]?)(inf(?:inity)?|nan)$/.exec(plain);
    if (named) return named[2] === "nan" ? NaN : named[1] === "-" ? -Infinity : Infinity;
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/.test(plain) ? Number(plain) : undefined;
  }

  const number = (x, count = 6) => (x == null ? "–" : decimal(x, count));
  const percent = (x) => (Number.isFinite(x) ? `${decimal(100 * x, x > 0.99 ? 5 : 3)}%` : decimal(x));
  // At most 17 digits, as in Python; fewer if the type has fewer.
  const DIGITS = {float64: 17, float32: 9, float16: 5, bfloat16: 4};
  const full = (x, dtype) => (x == null ? "–" : decimal(x, DIGITS[dtype]));

  return Object.freeze({number, decimal, percent, full, box, typed});
})();
