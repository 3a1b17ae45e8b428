// The live pages wear the theme that the reader chose for this one.
"use strict";

function dressFrames() {
  const {theme} = document.body.dataset; // "auto", "light" or "dark"
  for (const frame of document.querySelectorAll(".live-page > iframe")) {
    const plain = frame.src.replace(/&theme=\w+$/, "");
    const wanted = theme === "light" || theme === "dark" ? `${plain}&theme=${theme}` : plain;
    if (frame.src !== wanted) frame.src = wanted;
  }
}

document.addEventListener("DOMContentLoaded", () => {
  dressFrames();
  new MutationObserver(dressFrames).observe(document.body, {attributeFilter: ["data-theme"]});
});
