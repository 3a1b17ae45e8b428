// One sentence about the last change, measured from where the hand came, and the two verdicts.
const LikStory = (() => {
  const sumsOf = ({result, names}) => names.map((_, k) => result.candidates[`c${k}`].log_likelihood);

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

  // The verdict of the sums: its key in the strings and what that needs. One wins, several tie, or nobody can.
  function judged(frame) {
    const {names, result: {winner}} = frame;
    const [first, second] = ranked(frame);
    const sums = sumsOf(frame);
    if (sums[first] === -Infinity) return ["none"];
    if (winner.length > 1) return ["even", {names: Words.list(winner.map((key) => names[key.slice(1)]))}];
    return ["wins", {name: names[first], other: names[second], times: times(sums[first] - (sums[second] ?? 0))}];
  }

  const say = ([key, values]) => Words.say(`lik.${key}`, values);
  const bySum = (frame) => (frame.names.length > 1 ? say(judged(frame)) : "");

  function byProduct({names, products}) {
    const last = products.map(({product}) => product.at(-1));
    const best = Math.max(...last);
    const wins = names.filter((_, k) => last[k] === best);
    if (names.length < 2) return "";
    if (!Number.isFinite(best)) return Words.say("lik.over");
    if (best > 0) return say(wins.length > 1 ? ["even", {names: Words.list(wins)}] : ["wins", {name: wins[0]}]);
    if (!products.some(({lost}) => lost)) return Words.say("lik.none");
    return Words.say("lik.out", {all: Words.say(wins.length === 2 ? "lik.both" : "lik.all")});
  }

  // What differs: the sentence's key, its values, and the candidate that it is about. Null if not just one thing does.
  function change(was, {state, names, coin}) {
    const {data, candidates, dtype, preset} = state;
    if (preset !== was.preset || candidates.length !== was.candidates.length) return null;
    const turned = candidates.flatMap((now, k) => ["mean", "sd", "p"].map((name) =>
      ({k, name, x: now[name], by: now[name] - was.candidates[k][name]})).filter(({by}) => by));
    const points = data.flatMap((x, i) => (x === was.data[i] ? [] : [i]));
    const more = data.length - was.data.length;
    const [{k, name, x, by} = {}] = turned;
    if (turned.some((one) => one.k !== k) || points.length + (more < 0) + Boolean(by) > 1) return null;
    if (by) {
      const what = turned.length > 1 ? "fit" : name === "sd" ? (by > 0 ? "wider" : "narrower") : name;
      return [what, {name: names[k], x: Format.number(x, 3)}, k];
    }
    if (!points.length) return more ? ["fewer"] : dtype === was.dtype ? null : ["dtype"];
    const [i] = points;
    const side = Words.say(data[i] ? "lik.heads" : "lik.tails");
    return [(more ? "more" : "point") + (coin ? ".toss" : ""), {n: i + 1, x: coin ? side : Format.number(data[i], 3)}];
  }

  // How much likelier or less likely the data became; "" if no more and no less.
  function effect(before, after, name) {
    const by = times(after - before);
    if (after === before || by === "1") return "";
    const key = after === -Infinity ? "never" : before === -Infinity ? "ever" : after > before ? "more" : "less";
    return Words.say(`lik.${key}`, {times: by, for: name ? Words.say("lik.for", {name}) : ""});
  }

  // frame: now; old: the frame when the hand came.
  function tell(frame, old) {
    const {names, products, coin, state: {dtype}} = frame;
    const points = Words.say(coin ? "lik.these.tosses" : "lik.these");
    const [verdict, values] = judged(frame);
    const several = names.length > 1;
    const [what, more, k] = change(old.state, frame) ?? [];
    const about = k === undefined ? ranked(frame).slice(0, 2) : [k];
    if (what === "dtype") {
      const list = about.map((c) => `${names[c]} ${Format.number(products[c].product.at(-1), 3)}`);
      return `${Words.say("lik.did.dtype", {dtype, x: Format.number(Float.least(dtype), 3), list: Words.list(list)})}.`;
    }
    const [before, after] = [sumsOf(old), sumsOf(frame)];
    const effects = what ? about.map((c) => effect(before[c], after[c], about[1] === undefined ? "" : names[c])) : [];
    const found = effects.filter(Boolean);
    if (!found.length && !several) return "";
    if (!found.length) return `${say([verdict === "wins" ? "opening" : verdict, {...values, points}])}.`;
    const did = Words.say("lik.did", {did: Words.say(`lik.did.${what}`, {...more, points}), points, effect: Words.list(found)});
    const stays = old.result.winner.join() === frame.result.winner.join();
    const standing = say([verdict === "wins" ? (stays ? "still" : "leads") : verdict, values]);
    return `${several ? Words.say("lik.then", {did, standing}) : did}.`;
  }

  return Object.freeze({tell, bySum, byProduct});
})();
