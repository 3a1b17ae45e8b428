// The four number types. Every double is read and written exactly; a narrower type is a double
// that was rounded once, to nearest, ties to even, with the type's own subnormals and infinity.
const Float = (() => {
  // bits: of the significand; 2^emin is the smallest normal number, 2^emax the last power of two.
  const type = (bits, emin, emax) => Object.freeze({
    bits, emin, emax,
    smallest: 2 ** emin,
    largest: 2 ** emax * (2 - 2 ** (1 - bits)),
    epsilon: 2 ** (1 - bits),
  });
  const types = Object.freeze({
    float16: type(11, -14, 15),
    bfloat16: type(8, -126, 127),
    float32: type(24, -126, 127),
    float64: type(53, -1022, 1023),
  });

  const view = new DataView(new ArrayBuffer(8));
  const exponent = (x) => {
    view.setFloat64(0, x);
    return ((view.getUint32(0) >>> 20) & 0x7ff) - 1023;
  };

  // Adding and subtracting it rounds a number below 2^51 to an integer, ties to even.
  const INTEGER = 1.5 * 2 ** 52;

  function narrow({ bits, emin, largest }, x) {
    if (x === 0 || !Number.isFinite(x)) return x;
    const unit = 2 ** (Math.max(exponent(x), emin) - bits + 1);
    const rounded = (x / unit + INTEGER - INTEGER) * unit;
    return Math.abs(rounded) > largest ? Math.sign(x) * Infinity : rounded;
  }

  const rounders = Object.freeze({
    float16: (x) => narrow(types.float16, x),
    bfloat16: (x) => narrow(types.bfloat16, x),
    float32: Math.fround,
    float64: (x) => x,
  });

  /** What went wrong with a number of this type whose exact counterpart is about `exact`. */
  function flag(dtype, x, exact, error) {
    const { smallest, bits, epsilon } = types[dtype];
    if (error === 0) return "";
    if (Number.isNaN(x)) return "nan";
    if (!Number.isFinite(x)) return "overflow";
    if (Math.abs(exact) < smallest) return x === 0 || error > epsilon ? "underflow" : "";
    return error > 2 ** (-bits / 2) ? "cancel" : "";
  }

  const rounder = (dtype) => rounders[dtype];
  /** The smallest positive number. */
  const least = (dtype) => types[dtype].smallest * types[dtype].epsilon;
  return Object.freeze({ rounder, least, round: (dtype, x) => rounders[dtype](x), flag });
})();

// Numbers of 106 bits: the unevaluated sum of two doubles, [high, low]. Infinities and nan have
// no low part.
const Pair = (() => {
  const pair = (high, low) => [high, Number.isFinite(low) ? low : 0];

  /** a + b and its rounding error. */
  function sum(a, b) {
    const high = a + b;
    const shadow = high - a;
    return pair(high, (a - (high - shadow)) + (b - shadow));
  }

  function halves(a) {
    const wide = a * 134217729; // 2^27 + 1
    const high = wide - (wide - a);
    return [high, a - high];
  }

  /** a * b and its rounding error. */
  function product(a, b) {
    const high = a * b;
    const [a1, a0] = halves(a);
    const [b1, b0] = halves(b);
    return pair(high, ((a1 * b1 - high) + a1 * b0 + a0 * b1) + a0 * b0);
  }

  const of = (x) => [x, 0];
  const ZERO = of(0), ONE = of(1), NAN = of(NaN);
  const negative = ([high, low]) => [-high, -low];

  function add(a, b) {
    const [high, low] = sum(a[0], b[0]);
    return sum(high, Number.isFinite(high) ? low + (a[1] + b[1]) : 0);
  }

  function multiply(a, b) {
    const [high, low] = product(a[0], b[0]);
    return sum(high, Number.isFinite(high) ? low + (a[0] * b[1] + a[1] * b[0]) : 0);
  }

  function divide(a, b) {
    const high = a[0] / b[0];
    if (high === 0 || !Number.isFinite(high)) return of(high);
    const rest = add(a, negative(multiply(of(high), b)));
    const low = (rest[0] + rest[1]) / b[0];
    return Number.isFinite(low) ? sum(high, low) : of(high);
  }

  const LN2 = [0.6931471805599453, 2.3190468138462996e-17];
  const HALVINGS = 8;

  /** k and e^r - 1, where x = k log 2 + r. */
  function reduced(x) {
    if (Math.abs(x[0]) < 2 ** -60) return [0, [x[0], x[1] + (x[0] * x[0]) / 2]];
    const k = Math.round(x[0] / LN2[0]);
    let [r, low] = add(x, negative(multiply(of(k), LN2)));
    r /= 2 ** HALVINGS;
    low /= 2 ** HALVINGS;
    // |r| < 0.0014: the terms after r are so small that a double has ten spare bits.
    const tail = r * r * (1 / 2 + r * (1 / 6 + r * (1 / 24 + r * (1 / 120 + r / 720))));
    let grown = add([r, low], of(tail));
    for (let i = 0; i < HALVINGS; i++) grown = multiply(grown, add([2, 0], grown));
    return [k, grown];
  }

  /** e^x for x <= 0. */
  function exp(x) {
    if (x[0] < -800) return ZERO;
    const [k, grown] = reduced(x);
    const [high, low] = add(ONE, grown);
    // In two steps: 2^-1080 is not a double, and only the last step may round.
    const half = 2 ** Math.trunc(k / 2), other = 2 ** (k - Math.trunc(k / 2));
    return [high * half * other, low * half * other];
  }

  function expm1(x) {
    const [k, grown] = reduced(x);
    return k === 0 ? grown : add(multiply(of(2 ** k), add(ONE, grown)), of(-1));
  }

  /** log(1 + x) for x from 0 to a few: a double's guess, and one step of Newton's method. */
  function log1p(x) {
    const guess = Math.log1p(x[0]);
    const grown = expm1(of(guess));
    return add(of(guess), divide(add(x, negative(grown)), add(ONE, grown)));
  }

  const finite = ([high]) => Number.isFinite(high);

  return Object.freeze({ ZERO, NAN, of, finite, sum, negative, add, multiply, divide, exp, log1p });
})();
