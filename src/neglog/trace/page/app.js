// The page: one state, one frame per change, and the parts that follow it.
(() => {
  const CALM_MS = 400; // the pause before the address and the screen reader are updated
  const DRAG_MS = 100; // changes this close together are a drag

  const number = (x) => (typeof x === "string" ? Format.typed(x) : x);

  // The data of the page: JSON, with nan and infinities as strings.
  function given() {
    const {cut, ...start} = JSON.parse(Dom.find("trace").textContent);
    for (const row of start.rows ?? []) row.z = row.z.map(number);
    for (const candidate of start.candidates ?? []) candidate.log_density &&= candidate.log_density.map(number);
    return {cut, start};
  }

  const {cut, start} = given();
  const home = Object.freeze({lang: Words.preferred(), ...Presets.caller(start)});
  let state = home;
  let views = {};
  let due = 0;
  let calm = null;
  let last = 0;
  let spoken = "";
  let printing = false;
  let folded = []; // what was closed before printing

  const largest = (z) => z.map((_, j) => j).filter((j) => z[j] === Math.max(...z));

  function frame() {
    const {z, y, names, others} = state.rows[state.row];
    const row = Row.explain({logits: z, target: y, dtype: state.dtype, temperature: state.T});
    if (others) row.argmax = largest(z.slice(0, -1)); // the others together are not a prediction
    const labels = (names ?? state.names).map(Words.pick);
    if (others) labels.push(Words.say("others.name", {n: others}));
    return {state, row: {...row, y}, names: labels, V: z.length, steps: row.steps, losses: row.losses,
      nll: row.steps.nll[state.col]};
  }

  // step: the change is one of the descent itself.
  function render(step) {
    cancelAnimationFrame(due);
    due = 0;
    const drag = performance.now() - last < DRAG_MS;
    if (drag) moving(true);
    last = performance.now();
    views.top.update(state);
    if (state.tab === "softmax" || printing) {
      const now = frame();
      for (const view of views.softmax) view.update(now, {step});
      spoken = views.story.text;
    }
    if (state.tab === "likelihood" || printing) {
      views.likelihood ??= LikelihoodTab.make(actions, Dom.find("likelihood")); // built when first shown
      spoken = views.likelihood.update(state);
    }
    if (printing) Sight.all();
    else Sight.wait(drag ? DRAG_MS : 0);
    clearTimeout(calm);
    calm = setTimeout(settle, CALM_MS);
  }

  // "start": until the first rest the style sheet skips what is far from sight. Not in a drag: what does not
  // change costs nothing there, and to lay it out again at its end took 20 ms.
  const {documentElement: root} = document;
  const moving = (yes) => Dom.attribute(root, "data-moving", yes ? root.dataset.moving ?? "yes" : null);

  function settle() {
    moving(false);
    views.story.rest();
    Dom.text(Dom.find("live"), spoken);
    const fragment = Address.write(state, home);
    if (fragment === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
    } catch {
      // Inside a notebook's frame the document has no address of its own.
    }
  }

  const schedule = () => { due ||= requestAnimationFrame(() => render()); };

  function change(patch) {
    state = {...state, ...patch};
    schedule();
  }

  const everyRow = (make) => change({rows: state.rows.map(make)});
  const thisRow = (patch) => ({rows: state.rows.map((row, n) => (n === state.row ? {...row, ...patch} : row))});

  const actions = {
    change,
    logit: (j, value) => change(thisRow({z: state.rows[state.row].z.map((z, k) => (k === j ? value : z))})),
    target: (y) => change(thisRow({y})),
    rename: (j, name) => change({names: state.names.map((old, k) => (k === j ? name : Words.pick(old)))}),
    add() {
      const n = state.names.length;
      change({names: [...state.names, {en: `class ${n}`, ko: `클래스 ${n}`}]});
      everyRow((row) => ({...row, z: [...row.z, 0]}));
    },
    remove(j) {
      const left = (_, k) => k !== j;
      change({names: state.names.filter(left)});
      everyRow(({z, y}) => ({z: z.filter(left), y: y > j ? y - 1 : Math.min(y, z.length - 2)}));
    },
    // Step n on its way, from the state that it knows; false if that is no longer the state.
    descend(z, from, n) {
      if (["tab", "rows", "row", "T"].some((key) => state[key] !== from[key])) return false;
      state = {...state, ...thisRow({z})};
      render(n);
      return true;
    },
    preset(id) {
      const {lang, theme, rate} = state;
      state = id ? {...Presets.start(id, state), preset: id, at: null} : {...home, lang, theme, rate};
      speak();
    },
    speak(lang) {
      state = {...state, lang};
      speak();
    },
  };

  function speak() {
    Words.speak(state.lang);
    render();
  }

  function follow() {
    const {state: read, problem} = Address.read(location.hash, home);
    state = read;
    Words.speak(state.lang);
    Dom.shown(Dom.find("message"), problem !== null);
    if (problem !== null) Dom.text(Dom.find("message-text"), Words.say("tampered", {what: problem}));
    render();
    if (state.at) requestAnimationFrame(() => setTimeout(open));
  }

  // Once all is laid out, its plots included: at the step that the address names.
  function open() {
    moving(false);
    Sight.all();
    const step = Dom.find(`step-${state.at}`) ?? Dom.find(`lik-${state.at}`);
    // Not scrollIntoView: it would scroll the chapter around the frame, too.
    if (step) scrollTo(0, step.getBoundingClientRect().top + scrollY - 8);
  }

  // The steps below the stage.
  function begin(descent) {
    const before = [...Steps.beginning(schedule), Steps.log_prob(schedule), Steps.gradient(schedule)];
    const after = [Tables.jacobian(schedule), Tables.losses(schedule), Tables.batch(schedule, actions)];
    const place = Dom.find("story");
    place.append(...[...before, descent, ...after].map(({node}) => node));
    Words.fill(place);
    return [...before, ...after].map(Sight.patient);
  }

  function build() {
    const [lines, row, settings, story, descent] =
      [Lines.make(actions), Panel.rows(actions), Panel.settings(actions), Story.make(), Descent.make(actions)];
    const curve = Curve.make((value) => actions.logit(state.rows[state.row].y, Number(value.toPrecision(5))));
    const add = Controls.button("class.add", actions.add, {id: "add"});
    lines.node.addEventListener("focusin", descent.hold); // a score stands still for the hand
    descent.buttons.append(add);
    let steps = null; // made when first looked at
    const below = Sight.patient({node: Dom.find("story"), update(...now) {
      steps ??= begin(descent);
      for (const step of steps) step.update(...now);
    }});
    Dom.find("stage").before(row.node);
    Dom.find("stage").append(lines.node, curve.node,
      Dom.make("div", {class: "below"}, story.node, descent.status, descent.buttons), settings.node);
    const update = ({state: {rows}, V}) => {
      add.disabled = V >= Address.limits.most || rows.some(({others}) => others);
    };
    views = {top: Top.make(home, cut, actions), story,
      softmax: [lines, curve, story, row, settings, {update}, descent, below]};
  }

  // Open and draw everything before the browser breaks it into printed pages.
  function paper(yes) {
    if (yes === printing) return;
    printing = yes;
    if (yes) folded = [...document.querySelectorAll("details:not([open])")];
    for (const details of folded) details.open = yes;
    render();
  }

  const embedded = window !== window.parent;
  Dom.attribute(root, "data-embedded", embedded ? "yes" : null);
  // Others can open the address of a hosted page, not that of a file or of a frame.
  Dom.shown(Dom.find("share"), !embedded && location.protocol.startsWith("http"));
  build();
  follow();
  addEventListener("hashchange", follow);
  matchMedia("print").addEventListener("change", (event) => paper(event.matches));
  addEventListener("beforeprint", () => paper(true));
  addEventListener("afterprint", () => paper(false));
})();
