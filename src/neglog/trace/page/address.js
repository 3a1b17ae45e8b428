// The state as the address's fragment: differences from the first state, as key=value.
const Address = (() => {
  const DTYPES = ["float16", "bfloat16", "float32", "float64"];
  const COLUMNS = ["naive", "shifted", "neglog"];
  // The steps that an address can open the page at.
  const STEPS = {
    softmax: ["logits", "scaled", "shifted", "exp", "sum", "prob", "log_prob", "grad", "step", "jacobian", "losses",
      "batch"],
    likelihood: ["race", "numbers", "curve"],
  };
  const LIMITS = {least: 2, most: 12, name: 40, rows: 100, points: 2000, candidates: 6};

  class Unreadable extends Error {}

  function need(yes) {
    if (!yes) throw new Unreadable();
  }

  function number(text) {
    const x = Format.typed(text);
    need(x !== undefined);
    return x;
  }

  function finite(text, above = -Infinity) {
    const x = number(text);
    need(Number.isFinite(x) && x > above);
    return x;
  }

  function one(text, allowed) {
    need(allowed.includes(text));
    return text;
  }

  function name(text) {
    const plain = decodeURIComponent(text);
    need(plain.length <= LIMITS.name);
    return plain;
  }

  function rows(text) {
    const all = text.split(";").map((row) => ({z: row.split(",").map(number), y: 0}));
    const count = all[0].z.length;
    need(count >= LIMITS.least && count <= LIMITS.most && all.length <= LIMITS.rows);
    need(all.every(({z}) => z.length === count));
    return all;
  }

  function candidate(text, present) {
    const [label, family, ...numbers] = text.split(":");
    if (family === "other") { // part of the page: an address holds only its name
      const same = present.find((one) => one.family === family && one.name === name(label));
      need(same && !numbers.length);
      return same;
    }
    const [a, b] = numbers.map((part) => finite(part));
    if (family === "normal") need(numbers.length === 2 && b > 0);
    else need(family === "bernoulli" && numbers.length === 1 && a >= 0 && a <= 1);
    return family === "normal" ? {name: name(label), family, mean: a, sd: b} : {name: name(label), family, p: a};
  }

  // In this order: targets need the rows, names need the number of classes.
  const READERS = {
    tab: (text, state) => { state.tab = one(text, Object.keys(STEPS)); },
    at: (text, state) => { state.at = one(text, STEPS[state.tab]); },
    lang: (text, state) => { state.lang = one(text, Words.languages); },
    theme: (text, state) => { state.theme = one(text, ["light", "dark"]); },
    dtype: (text, state) => { state.dtype = one(text, DTYPES); },
    col: (text, state) => { state.col = one(text, COLUMNS); },
    T: (text, state) => { state.T = finite(text, 0); },
    rate: (text, state) => { state.rate = finite(text, 0); },
    z: (text, state) => {
      const before = state.names.length;
      state.rows = rows(text);
      const count = state.rows[0].z.length;
      if (count !== before) state.names = Array.from({length: count}, (_, j) => String(j));
    },
    y: (text, state) => {
      const targets = text.split(";").map((part) => finite(part));
      need(targets.length === state.rows.length);
      state.rows = state.rows.map((row, n) => {
        need(Number.isInteger(targets[n]) && targets[n] >= 0 && targets[n] < row.z.length);
        return {...row, y: targets[n]};
      });
    },
    names: (text, state) => {
      state.names = text.split(",").map(name);
      need(state.names.length === state.rows[0].z.length);
    },
    row: (text, state) => {
      state.row = finite(text);
      need(Number.isInteger(state.row) && state.row >= 0 && state.row < state.rows.length);
    },
    x: (text, state) => {
      state.data = text.split(",").map((part) => finite(part));
      need(state.data.length <= LIMITS.points);
    },
    c: (text, state) => {
      state.candidates = text.split(",").map((part) => candidate(part, state.candidates));
      need(state.candidates.length <= LIMITS.candidates);
    },
  };

  function pairs(fragment) {
    return fragment.replace(/^#/, "").split("&").filter(Boolean).map((part) => {
      const [, key, value] = /^(\w+)=(.*)$/.exec(part) ?? need(false);
      return [key, value];
    });
  }

  function parsed(fragment, home) {
    const given = new Map(pairs(fragment));
    const preset = given.get("preset");
    need(preset === undefined || Presets.has(preset));
    const state = {...Presets.start(preset, home), preset: preset ?? null};
    for (const key of given.keys()) need(key === "preset" || Object.hasOwn(READERS, key));
    for (const [key, read] of Object.entries(READERS)) if (given.has(key)) read(given.get(key), state);
    const coins = state.candidates.filter(({family}) => family === "bernoulli").length;
    need(!coins || (coins === state.candidates.length && state.data.every((x) => x === 0 || x === 1)));
    return state;
  }

  // {state, problem}: the fragment's state, or the caller's with the part that could not be read.
  function read(fragment, home) {
    try {
      return {state: parsed(fragment, home), problem: null};
    } catch (error) {
      if (!(error instanceof Unreadable || error instanceof URIError)) throw error;
      return {state: {...home}, problem: fragment.slice(0, 60)};
    }
  }

  const same = (a, b) => Object.is(a, b) || text(a) === text(b);
  // JSON has no nan, inf or -0, but a fragment can hold them.
  const exact = (x) => `${Object.is(x, -0) ? "-" : ""}${x}`;
  const text = (value) => JSON.stringify(value, (_, x) => (typeof x === "number" ? exact(x) : x));
  const coded = (label) => encodeURIComponent(Words.pick(label));
  const plain = (x) => (Number.isFinite(x) ? String(x) : Format.box(x));

  const WRITERS = {
    tab: ({tab}) => tab,
    at: ({at}) => at,
    lang: ({lang}) => lang,
    theme: ({theme}) => theme,
    dtype: ({dtype}) => dtype,
    col: ({col}) => col,
    T: ({T}) => plain(T),
    rate: ({rate}) => plain(rate),
    z: ({rows: all}) => all.map(({z}) => z.map(plain).join(",")).join(";"),
    y: ({rows: all}) => all.map(({y}) => y).join(";"),
    names: ({names}) => names.map(coded).join(","),
    row: ({row}) => row,
    x: ({data}) => data.map(plain).join(","),
    c: ({candidates}) => candidates.map(({name: label, family, mean, sd, p}) =>
      [coded(label), family, ...[mean, sd, p].filter((part) => part !== undefined)].join(":")).join(","),
  };
  const PART = {
    z: (state) => state.rows.map(({z}) => z),
    y: (state) => state.rows.map(({y}) => y),
    x: (state) => state.data,
    c: (state) => state.candidates,
  };

  // If each row shows its own classes, an address has room for the names of one row only.
  function alone(state, start) {
    const row = state.rows[state.row];
    if (!row.names || same(PART.z(state), PART.z(start))) return state;
    const together = row.others ? [Words.say("others.name", {n: row.others})] : [];
    return {...state, rows: [{z: row.z, y: row.y}], names: [...row.names, ...together], row: 0};
  }

  function write(now, home) {
    const start = Presets.start(now.preset, home);
    const state = alone(now, start);
    const found = state.preset ? [`preset=${state.preset}`] : [];
    for (const [key, writer] of Object.entries(WRITERS)) {
      const part = PART[key] ?? ((whole) => whole[key]);
      if (!same(part(state), part(start))) found.push(`${key}=${writer(state)}`);
    }
    return found.join("&");
  }

  return Object.freeze({read, write, dtypes: DTYPES, columns: COLUMNS, limits: LIMITS});
})();
