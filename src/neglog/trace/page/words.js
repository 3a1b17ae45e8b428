// The page's language: fixed texts have their key in the document, others are looked up.
const Words = (() => {
  const BOOKS = {en: English, ko: Korean};
  let book = English;
  let code = "en";

  const say = (key, values = {}) =>
    book[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));

  // A name is a text, or one text for each language: {en, ko}.
  const pick = (name) => (typeof name === "string" ? name : name[code]);

  function preferred() {
    return (navigator.languages ?? []).find((tag) => /^(en|ko)\b/.test(tag))?.slice(0, 2) ?? "en";
  }

  function speak(language) {
    code = language;
    book = BOOKS[language];
    document.documentElement.lang = language;
    document.title = `neglog · ${say("title")}`;
    fill(document);
  }

  // The fixed texts of a place: of parts that were just made, too.
  function fill(place) {
    for (const node of place.querySelectorAll("[data-t]")) Dom.text(node, say(node.dataset.t));
    for (const node of place.querySelectorAll("[data-t-label]")) {
      Dom.attribute(node, "aria-label", say(node.dataset.tLabel));
    }
  }

  const list = (names) => names.join(", ");

  return Object.freeze({say, pick, speak, fill, preferred, list, languages: Object.keys(BOOKS)});
})();
