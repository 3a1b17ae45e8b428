// Decimal numbers of 80 digits and more, {m, e} = m * 10^e with BigInts, of which 50 are shown.
// Infinities and nan are plain JavaScript numbers.
const Exact = (() => {
  const DIGITS = 90; // kept by a rounding
  const SHOWN = 50;
  const BITS = 300n; // fixed point inside of exp and log: 90 digits, of which 18 may go to k log 10
  const POINT = 1n << BITS;
  const FARTHEST = 1e18; // exponents beyond it are 0 or infinite, as in Python's decimal

  const powersOf = (base) => {
    const powers = [];
    return (n) => (n > 2000n ? base ** n : (powers[n] ??= base ** n));
  };
  const ten = powersOf(10n), five = powersOf(5n);
  const absolute = (m) => (m < 0n ? -m : m);

  /** The number of digits of m, or one more: Number is faster than toString, up to 10^308. */
  function length(m) {
    const digits = Math.floor(Math.log10(Math.abs(Number(m)) || 1)) + 1;
    return digits < 309 ? digits : absolute(m).toString().length;
  }
  const special = (a) => typeof a === "number";

  const LONG = 10n ** 120n;
  const ZERO = { m: 0n, e: 0n };
  const ONE = { m: 1n, e: 0n };

  /** m * 10^e, shortened if it is long. */
  function make(m, e) {
    if (m < LONG && -m < LONG) return { m, e };
    const cut = BigInt(length(m) - DIGITS);
    return { m: m / ten(cut), e: e + cut };
  }

  // With an infinity or nan, only the other operand's sign matters.
  const sign = (a) => (special(a) ? a : Number(a.m > 0n) - Number(a.m < 0n));
  const settled = (x) => (x === 0 ? ZERO : x);

  const view = new DataView(new ArrayBuffer(8));

  /** A double, digit by digit. */
  function of(x) {
    if (!Number.isFinite(x)) return x;
    view.setFloat64(0, x);
    const bits = view.getBigUint64(0);
    const field = (bits >> 52n) & 0x7ffn;
    const fraction = (bits & 0xfffffffffffffn) | (field ? 1n << 52n : 0n);
    const power = (field || 1n) - 1075n;
    const m = x < 0 ? -fraction : fraction;
    return power < 0n ? make(m * five(-power), power) : make(m << power, 0n);
  }

  function add(a, b) {
    if (special(a) || special(b)) return sign(a) + sign(b);
    if (a.m === 0n) return b;
    if (b.m === 0n) return a;
    const [low, high] = a.e < b.e ? [a, b] : [b, a];
    const gap = high.e - low.e;
    if (gap > 400n) return high; // the other is below its last digit
    return make(high.m * ten(gap) + low.m, low.e);
  }

  const negative = (a) => (special(a) ? -a : { m: -a.m, e: a.e });
  const subtract = (a, b) => add(a, negative(b));

  function multiply(a, b) {
    if (special(a) || special(b)) return settled(sign(a) * sign(b));
    return make(a.m * b.m, a.e + b.e);
  }

  function divide(a, b) {
    if (special(a) || special(b) || b.m === 0n) return settled(sign(a) / sign(b));
    const wanted = DIGITS + length(b.m) - length(a.m);
    const extra = BigInt(Math.max(wanted, 0));
    return make((a.m * ten(extra)) / b.m, a.e - b.e - extra);
  }

  /** Is a < b? */
  function less(a, b) {
    return sign(subtract(a, b)) < 0;
  }

  /** a in fixed point; a is below 10^19 in size. */
  function fixed({ m, e }) {
    if (e >= 0n) return (m * ten(e)) << BITS;
    return -e > 2000n ? 0n : (m << BITS) / ten(-e);
  }
  const loose = (x) => make((x * ten(90n)) >> BITS, -90n);

  function artanhOfInverse(n) {
    let power = POINT / n, sum = 0n;
    for (let k = 1n; power; k += 2n, power /= n * n) sum += power / k;
    return sum;
  }

  const LN10 = [[46n, 31n], [34n, 49n], [20n, 161n]]
    .map(([times, n]) => times * artanhOfInverse(n))
    .reduce((a, b) => a + b);

  const HALVINGS = 16n;

  /** e^x for a small x, in fixed point. */
  function grow(x) {
    const r = x >> HALVINGS;
    let sum = POINT, term = POINT;
    for (let k = 1n; (term = (term * r >> BITS) / k); k++) sum += term;
    for (let i = 0n; i < HALVINGS; i++) sum = (sum * sum) >> BITS;
    return sum;
  }

  function exp(a) {
    if (special(a)) return settled(Math.exp(a));
    const size = number(a) / Math.LN10;
    if (Math.abs(size) > FARTHEST) return size < 0 ? ZERO : Infinity;
    const x = fixed(a);
    const { m, e } = loose(grow(x % LN10));
    return { m, e: e + x / LN10 };
  }

  /** log(1 + x), in fixed point, divided by x: 1 - x/2 + x^2/3 - ... for a small x. */
  function seriesOverX(x) {
    let sum = POINT, power = POINT;
    for (let k = 2n; (power = (-power * x) >> BITS); k++) sum += power / k;
    return sum;
  }

  const SMALL = of(1e-6);
  const isSmall = (a) => less(a, SMALL) && less(negative(a), SMALL);
  const nearOne = (a) => multiply(a, loose(seriesOverX(fixed(a)))); // log(1 + a) of a small a

  function log(a) {
    if (special(a) || a.m <= 0n) return special(a) ? Math.log(a) : a.m ? NaN : -Infinity;
    const over = subtract(a, ONE);
    if (isSmall(over)) return nearOne(over);
    const digits = length(a.m);
    const share = number({ m: a.m, e: BigInt(-digits) }); // a = share * 10^power
    const power = Number(a.e + BigInt(digits));
    const guess = of(Math.log(share) + power * Math.LN10);
    return add(guess, log(multiply(a, exp(negative(guess)))));
  }

  function log1p(a) {
    if (special(a)) return Math.log1p(a);
    return isSmall(a) ? nearOne(a) : log(add(ONE, a));
  }

  /** The double nearest to it, or next to that. */
  function number(a) {
    if (special(a)) return a;
    const cut = BigInt(Math.max(length(a.m) - 19, 0)); // more digits are slow to parse
    return Number(`${a.m / ten(cut)}e${a.e + cut}`);
  }

  /** `shown` significant digits, without trailing zeros. */
  function text(a, shown = SHOWN) {
    if (special(a)) return Number.isNaN(a) ? "nan" : a < 0 ? "-inf" : "inf";
    if (a.m === 0n) return "0";
    let { m, e } = { m: absolute(a.m), e: a.e };
    const cut = m.toString().length - shown;
    if (cut > 0) {
      m = (m + ten(BigInt(cut)) / 2n) / ten(BigInt(cut));
      e += BigInt(cut);
    }
    const digits = m.toString();
    const point = BigInt(digits.length) + e; // digits before the point
    return (a.m < 0n ? "-" : "") + written(digits.replace(/0+$/, ""), point);
  }

  function written(digits, point) {
    const n = BigInt(digits.length);
    if (point < -5n || point > 50n) {
      const power = point - 1n;
      return `${digits[0]}${n > 1n ? "." : ""}${digits.slice(1)}E${power < 0n ? "" : "+"}${power}`;
    }
    if (point <= 0n) return `0.${"0".repeat(Number(-point))}${digits}`;
    if (point >= n) return digits + "0".repeat(Number(point - n));
    return `${digits.slice(0, Number(point))}.${digits.slice(Number(point))}`;
  }

  /** An exact number's 50 digits, and two doubles (106 bits) for comparison. */
  function look(a) {
    const high = number(a);
    const low = Number.isFinite(high) ? number(subtract(a, of(high))) : 0;
    return { exact: a, text: text(a), high, low };
  }

  // Cached: a number occurs in several steps, and twice in a Jacobian.
  const seen = (a) => (special(a) ? look(a) : (a.seen ??= look(a)));

  /** |x - exact| / |exact| of a double: 0 if they agree, infinite if no digit can. */
  function error(x, { exact, high, low }) {
    if (special(exact) || !Number.isFinite(x)) return Object.is(x, exact) ? 0 : Infinity;
    if (exact.m === 0n) return x === 0 ? 0 : Infinity;
    const size = Math.abs(high);
    if (size > 1e-290 && size < 1e290) return Math.abs(x - high - low) / size;
    return Math.abs(number(divide(subtract(of(x), exact), exact)));
  }

  return Object.freeze({
    ZERO, NAN: NaN, of, finite: (a) => !special(a), add, subtract, negative, multiply, divide,
    exp, log, log1p, text, seen, error,
  });
})();
