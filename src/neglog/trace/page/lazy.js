// An object of values, some of them functions that compute them when somebody looks: a picture needs few of the
// numbers that a reader can ask for, and exact ones are slow.
const lazy = (parts) => {
  const made = {};
  for (const [name, part] of Object.entries(parts)) {
    const settle = (value) => Object.defineProperty(made, name, {value, enumerable: true, writable: true})[name];
    const waits = typeof part === "function";
    Object.defineProperty(made, name, {...(waits ? {get: () => settle(part())} : {value: part, writable: true}),
      enumerable: true, configurable: true});
  }
  return made;
};
