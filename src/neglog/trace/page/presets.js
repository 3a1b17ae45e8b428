// The states that a visit can start from. What a preset leaves out has its default.
const Presets = (() => {
  const PETS = [{en: "cat", ko: "고양이"}, {en: "dog", ko: "개"}, {en: "horse", ko: "말"}];
  const ABC = ["A", "B", "C", "D"];
  const USUAL = Object.freeze({tab: "softmax", dtype: "float32", T: 1, col: "shifted", row: 0, names: PETS});

  const COIN = {family: "bernoulli"};
  const ORANGE = {en: "orange", ko: "주황"};
  const BLUE = {en: "blue", ko: "파랑"};

  // Normally distributed points, the same at every visit. Steps of the golden ratio fill
  // [0, 1] evenly, and pairs of them become normal numbers (Box and Muller).
  function normals(count, mean, sd) {
    const part = (k, step) => (0.5 + k * step) % 1;
    return Array.from({length: count}, (_, k) => {
      const far = Math.sqrt(-2 * Math.log(1 - part(k, 0.7548776662)));
      const x = mean + sd * far * Math.cos(2 * Math.PI * part(k, 0.5698402910));
      return Math.round(1000 * x) / 1000;
    });
  }

  const gaussian = (name, mean, sd) => ({name, family: "normal", mean, sd});
  const likelihood = (data, candidates) => ({tab: "likelihood", data, candidates});
  const softmax = (z, y, more = {}) => ({...USUAL, rows: [{z, y}], ...more});

  const ALL = {
    "pets": softmax([5, 4, 2], 0),
    "pets-horse": softmax([4, 2, 8], 2),
    "pets-tie": softmax([4, 4, 1], 1),
    "log065": softmax([0.2, 0.1, 0.65, 0.05].map(Math.log), 2, {names: ABC}),
    "right": softmax([9, 0, -1], 0),
    "wrong": softmax([9, 0, -1], 2),
    "overflow": softmax([1000, 0, -5], 0, {col: "naive"}),
    "gap17": softmax([17, 0, 0], 0),
    "tosses": likelihood([1, 1, 0], [
      {name: {en: "fair coin", ko: "공정한 동전"}, ...COIN, p: 0.5},
      {name: {en: "bent coin", ko: "휜 동전"}, ...COIN, p: 0.8},
    ]),
    "orange-blue": likelihood([4.2, 4.9, 5.3, 5.6, 6.4], [gaussian(BLUE, 2, 1), gaussian(ORANGE, 5, 1)]),
    "many": likelihood(normals(600, 0.4, 1), [gaussian(BLUE, 0, 1), gaussian(ORANGE, 0.5, 1)]),
  };

  // The first state: defaults on both tabs, replaced by the caller's data.
  const caller = (given) => ({...ALL["orange-blue"], ...ALL.pets, rate: 1, theme: null, preset: null, at: null, ...given});

  // The first state with a preset; the other tab keeps the caller's data.
  const start = (id, home) => (id ? {...home, ...ALL[id]} : home);
  const of = (tab) => Object.keys(ALL).filter((id) => ALL[id].tab === tab);

  return Object.freeze({caller, start, of, has: (id) => Object.hasOwn(ALL, id)});
})();
