// One sentence about what just happened, compared with the moment when the change began.
const Story = (() => {
  const prob = (frame) => Section.column(frame, "prob");
  const answer = (frame) => ({name: frame.names[frame.row.y], p: Format.percent(prob(frame)[frame.row.y])});
  const short = (x) => Format.number(x, 3);

  // What differs: ["score", j], ["step", n], ["answer"], ... or undefined.
  function change(a, b, step) {
    const [x, y] = [a, b].map(({state}) => state.rows[state.row]);
    if (step) return ["step", step];
    if (step === 0 || a.V !== b.V || ["row", "preset"].some((key) => a.state[key] !== b.state[key])) return ["now"];
    const found = x.z.flatMap((z, j) => (Object.is(z, y.z[j]) ? [] : [["score", j]]));
    if (x.y !== y.y) found.push(["answer"]);
    if (a.state.T !== b.state.T) found.push(["T"]);
    if (a.state.col !== b.state.col || a.state.dtype !== b.state.dtype) found.push(["computed"]);
    return found.length > 1 ? ["now"] : found[0];
  }

  // Who took probability from whom, as seen by class j.
  function flow(from, frame, j) {
    const gains = prob(frame).map((p, k) => p - prob(from)[k]);
    const n = 100 * Math.abs(gains[j]);
    if (!(n >= 0.05)) return Words.say("said.same");
    const sign = Math.sign(gains[j]);
    const against = gains.map((gain, k) => (k === j ? 0 : -sign * gain));
    const most = Math.max(...against);
    const key = `said.${sign > 0 ? "took" : "gave"}${most > 0.0095 * n ? "" : ".most"}`;
    return Words.say(key, {name: frame.names[j], n: n.toFixed(n < 9.95 ? 1 : 0),
      other: frame.names[against.indexOf(most)]});
  }

  function loss(from, {nll}) {
    const [d, now] = [nll - from.nll, short(nll)];
    if (!Number.isFinite(d)) return Words.say("said.loss", {now});
    if (short(from.nll) === now) return Words.say("said.stayed", {now});
    return Words.say(d > 0 ? "said.rose" : "said.fell", {d: Format.number(Math.abs(d), 2), now});
  }

  function now(frame) {
    const {names, row: {argmax, y}} = frame;
    if (!argmax.length) return Words.say("result.none");
    const key = argmax.length > 1 ? "tie" : argmax[0] === y ? "right" : "wrong";
    const top = names[argmax[0]];
    const most = prob(frame)[argmax[0]];
    return Words.say(`said.${key}`, {...answer(frame), names: Words.list(argmax.map((j) => names[j])),
      top, most: Format.percent(most)}) + Words.say("said.loss", {now: short(frame.nll)})
      + (key === "wrong" ? Words.say("said.were", {top, less: short(-Math.log(most))}) : "");
  }

  const TELL = {
    now: (from, frame) => now(frame),
    score: (from, frame, j) => flow(from, frame, j) + loss(from, frame),
    answer: (from, frame) => Words.say("said.answer", answer(frame)) + loss(from, frame),
    step: (from, frame, n) => Words.say("said.step", {n}) + flow(from, frame, frame.row.y) + loss(from, frame),
    T: (from, frame) => Words.say(frame.state.T > from.state.T ? "said.closer" : "said.apart",
      {T: Format.number(frame.state.T)}) + loss(from, frame),
    computed: (from, frame) => Words.say("said.computed", {col: Words.say(`col.${frame.state.col}`),
      dtype: frame.state.dtype, now: short(frame.nll), exact: Format.decimal(frame.steps.nll.exact, 3)}),
  };

  function make() {
    const node = Dom.make("p", {id: "said"});
    let last = null;
    let from = null; // the frame before the change
    let kind = ["now"];
    let fresh = true; // the next change is a new one
    let held = false;
    const hold = (yes) => () => { held = yes; fresh = true; };
    addEventListener("pointerdown", hold(true), true);
    for (const end of ["pointerup", "pointercancel"]) addEventListener(end, hold(false), true);

    function update(frame, {step}) {
      const found = last && change(last, frame, step);
      if (found) {
        if (fresh || String(found) !== String(kind)) [from, kind] = [last, found];
        fresh = false;
      }
      last = frame;
      const [name, more] = kind;
      const told = !frame.row.argmax.length ? "now" : Number.isNaN(frame.nll) ? "computed" : name;
      Dom.text(node, TELL[told](from, frame, more));
    }
    return {node, update, rest() { fresh = !held; }, get text() { return node.textContent; }};
  }

  return Object.freeze({make});
})();
