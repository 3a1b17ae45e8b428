// Above both tabs: the tabs themselves, language, theme, presets, messages.
const Top = (() => {
  const TABS = ["softmax", "likelihood"];

  function tabs(actions) {
    const buttons = TABS.map((name) => Dom.find(`tab-${name}`));
    const panels = TABS.map((name) => Dom.find(`panel-${name}`));
    buttons.forEach((button, k) => {
      button.addEventListener("click", () => actions.change({tab: TABS[k], at: null}));
      button.addEventListener("keydown", (event) => {
        const to = {ArrowRight: k + 1, ArrowLeft: k - 1, Home: 0, End: TABS.length - 1}[event.key];
        if (to === undefined) return;
        event.preventDefault();
        const next = (to + TABS.length) % TABS.length;
        actions.change({tab: TABS[next], at: null});
        buttons[next].focus();
      });
    });
    return ({tab}) => TABS.forEach((name, k) => {
      Dom.attribute(buttons[k], "aria-selected", String(name === tab));
      Dom.attribute(buttons[k], "tabindex", name === tab ? 0 : -1);
      Dom.shown(panels[k], name === tab);
    });
  }

  function languages(actions) {
    const buttons = Words.languages.map((code) => Dom.find(`lang-${code}`));
    buttons.forEach((button, k) => button.addEventListener("click", () => actions.speak(Words.languages[k])));
    return ({lang}) => buttons.forEach((button, k) => Dom.attribute(button, "aria-pressed",
      String(Words.languages[k] === lang)));
  }

  function theme(actions) {
    const button = Dom.find("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");
    let dark = false;
    button.addEventListener("click", () => actions.change({theme: dark ? "light" : "dark"}));
    system.addEventListener("change", () => actions.change({}));
    return ({theme: chosen}) => {
      dark = chosen ? chosen === "dark" : system.matches;
      Dom.attribute(button, "aria-pressed", String(dark));
      Dom.attribute(document.documentElement, "data-theme", chosen);
    };
  }

  // The caller's data come first, on their tab.
  function presets(home, actions) {
    const buttons = TABS.flatMap((tab) => [...(home.tab === tab ? [null] : []), ...Presets.of(tab)].map((id) => {
      const name = id ?? "given";
      const button = Controls.button(`preset.${name}`, () => actions.preset(id), {"data-preset": name});
      Dom.find(`presets-${tab}`).append(button);
      return {button, id};
    }));
    let shown = home.preset;
    return ({preset}) => {
      buttons.forEach(({button, id}) => Dom.attribute(button, "aria-pressed", String(id === preset)));
      if (preset === shown) return;
      shown = preset;
      bringIn(buttons.find(({id}) => id === preset).button);
    };
  }

  // Scrolls the strip alone: scrollIntoView would move what the page is embedded in, too.
  function bringIn(button) {
    const [own, strip] = [button, button.parentNode].map((node) => node.getBoundingClientRect());
    button.parentNode.scrollLeft += own.left + own.width / 2 - strip.left - strip.width / 2;
  }

  function note(cut) {
    const node = Dom.find("note");
    return ({rows, row}) => {
      const {others} = rows[row];
      const text = [
        others ? Words.say("others.note", {name: Words.say("others.name", {n: others})}) : "",
        cut ? Words.say("rows.cut", cut) : "",
      ].filter(Boolean).join(" ");
      Dom.text(node, text);
      Dom.shown(node, text !== "");
    };
  }

  function make(home, cut, actions) {
    const parts = [tabs(actions), languages(actions), theme(actions), presets(home, actions), note(cut)];
    Dom.find("dismiss").addEventListener("click", () => Dom.shown(Dom.find("message"), false));
    // Not by its address: the fragment holds the state.
    Dom.find("skip").addEventListener("click", (event) => { event.preventDefault(); Dom.find("main").focus(); });
    return {update(state) { for (const part of parts) part(state); }};
  }

  return Object.freeze({make});
})();
