// What is out of sight follows once the hand rests: a picture has time for what is seen of it.
const Sight = (() => {
  const SLICE_MS = 6;
  const late = new Map(); // node: what brings it up to date
  const seen = new Set();
  let due = 0;
  let timer = null;

  const watcher = new IntersectionObserver((changes) => {
    for (const {target, isIntersecting} of changes) {
      seen[isIntersecting ? "add" : "delete"](target);
      if (isIntersecting) bring(target);
    }
  });

  function bring(node) {
    const update = late.get(node);
    late.delete(node);
    Dom.attribute(node, "aria-busy", null);
    update?.();
  }

  // The same view, but that its updates wait while it is out of sight. One that is not on the page may have to come.
  function patient({node, update}) {
    watcher.observe(node);
    return {node, update(...now) {
      late.set(node, () => update(...now));
      if (seen.has(node) || node.hidden) bring(node);
      else Dom.attribute(node, "aria-busy", "true");
    }};
  }

  function all() {
    for (const node of late.keys()) bring(node);
  }

  // The same with room for the hand between the parts.
  function some() {
    const since = performance.now();
    for (const node of late.keys()) {
      if (performance.now() - since > SLICE_MS) {
        timer = setTimeout(some);
        return;
      }
      bring(node);
    }
  }

  // All that is late: so many ms from now, or after the next picture.
  function wait(ms) {
    cancelAnimationFrame(due);
    clearTimeout(timer);
    if (ms) timer = setTimeout(some, ms);
    else due = requestAnimationFrame(() => { timer = setTimeout(some); });
  }

  return Object.freeze({patient, all, wait});
})();
