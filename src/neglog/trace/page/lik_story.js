// One sentence about the last change, measured from where the hand came, and the two verdicts.
const LikStory = (() => {
  const sumsOf = ({result, names}) => names.map((_, k) => result.candidates[`c${k}`].log_likelihood);
  const named = ({names}, k) => ({name: names[k]});

  // e^|log| for readers, in two or three digits.
  function times(log) {
    const far = Math.abs(log) / Math.LN10;
    if (far === Infinity) return "∞";
    const power = Math.floor(far);
    const digits = 10 ** (far - power);
    return power < 9 ? Number((digits * 10 ** power).toPrecision(power ? 2 : 3)).toLocaleString("en")
      : Format.decimal(`${digits}e${power}`, 2);
  }

  // The candidates by their sums, the likeliest first; equal ones keep their order.
  function ranked(frame) {
    const sums = sumsOf(frame);
    return sums.map((_, k) => k).sort((a, b) => (sums[a] === sums[b] ? a - b : sums[b] > sums[a] ? 1 : -1));
  }

  // The winner's key in the strings, with what it needs: one wins, several are even, or nobody can.
  function judged(frame) {
    const [first, second] = ranked(frame);
    const sums = sumsOf(frame);
    const wins = frame.result.winner.map((key) => frame.names[key.slice(1)]);
    if (sums[first] === -Infinity) return ["none"];
    if (wins.length > 1) return ["even", {names: Words.list(wins)}];
    return ["wins", {...named(frame, first), other: frame.names[second], times: times(sums[first] - sums[second])}];
  }

  function bySum(frame) {
    const [key, values] = judged(frame);
    return frame.names.length > 1 || key === "none" ? Words.say(`lik.${key}`, values) : "";
  }

  function byProduct(frame) {
    const last = frame.products.map(({product}) => product.at(-1));
    const best = Math.max(...last);
    if (frame.names.length < 2) return "";
    if (!Number.isFinite(best)) return Words.say("lik.over");
    const wins = frame.names.filter((_, k) => last[k] === best);
    if (best === 0) {
      const all = Words.say(wins.length === 2 ? "lik.both" : "lik.all");
      return Words.say(frame.products.some(({lost}) => lost) ? "lik.out" : "lik.none", {all});
    }
    return wins.length > 1 ? Words.say("lik.even", {names: Words.list(wins)}) : Words.say("lik.wins", {name: wins[0]});
  }

  // What differs: the sentence's key and values, and the candidate it is about; null if more than one thing does.
  function change(was, {state, names, coin}) {
    const {data, candidates, dtype} = state;
    if (state.preset !== was.preset || candidates.length !== was.candidates.length) return null;
    const turned = candidates.flatMap((now, k) => ["mean", "sd", "p"].flatMap((name) =>
      (now[name] === was.candidates[k][name] ? [] : [{k, name, up: now[name] > was.candidates[k][name]}])));
    const points = data.flatMap((x, i) => (x === was.data[i] ? [] : [i]));
    const fewer = data.length < was.data.length;
    const [{k, name, up} = {}] = turned;
    if (turned.some((one) => one.k !== k) || turned.length * points.length || points.length > 1) return null;
    if (turned.length && !fewer) {
      const what = turned.length > 1 ? "fit" : name === "sd" ? (up ? "wider" : "narrower") : name;
      return {what, k, name: names[k], x: Format.number(candidates[k][name], 3)};
    }
    if (fewer) return {what: "fewer"};
    if (!points.length) return dtype === was.dtype ? null : {what: "dtype"};
    const x = data[points[0]];
    const side = Words.say(x ? "lik.heads" : "lik.tails");
    return {what: (data.length > was.data.length ? "more" : "point") + (coin ? ".toss" : ""), n: points[0] + 1,
      x: coin ? side : Format.number(x, 3)};
  }

  // How much likelier the data became under a candidate; "" if no more and no less.
  function effect(frame, k, before, after, alone) {
    const by = times(after - before);
    const key = after === before || by === "1" ? "" : after === -Infinity ? "never" : before === -Infinity ? "ever"
      : after > before ? "more" : "less";
    return key && Words.say(`lik.${key}`, {times: by, for: alone ? "" : Words.say("lik.for", named(frame, k))});
  }

  // frame: now; old: the frame when the hand came.
  function tell(frame, old) {
    const points = Words.say(frame.coin ? "lik.these.tosses" : "lik.these");
    const [state, values] = judged(frame);
    const several = frame.names.length > 1;
    const opening = Words.say(state === "wins" && several ? "lik.opening" : `lik.${state}`, {...values, points});
    const found = change(old.state, frame);
    if (!found) return `${opening}.`;
    const {what, k, ...rest} = found;
    const about = k === undefined ? ranked(frame).slice(0, 2) : [k];
    if (what === "dtype") {
      const {dtype} = frame.state;
      const list = about.map((c) => `${frame.names[c]} ${Format.number(frame.products[c].product.at(-1), 3)}`);
      return `${Words.say("lik.did.dtype", {dtype, x: Format.number(Float.least(dtype), 3), list: Words.list(list)})}.`;
    }
    const [before, after] = [sumsOf(old), sumsOf(frame)];
    const effects = about.map((c) => effect(frame, c, before[c], after[c], about.length === 1)).filter(Boolean);
    if (!effects.length) return `${opening}.`;
    const did = Words.say(`lik.did.${what}`, {...rest, points, effect: Words.list(effects)});
    const same = old.result.winner.join() === frame.result.winner.join();
    const standing = state === "wins" ? (same ? "lik.still" : "lik.leads") : `lik.${state}`;
    return `${several || state === "none" ? Words.say("lik.then", {did, standing: Words.say(standing, values)}) : did}.`;
  }

  return Object.freeze({tell, bySum, byProduct});
})();
