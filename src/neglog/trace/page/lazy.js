// An object whose values are computed when somebody looks: a picture needs few of the numbers that a reader
// can ask for, and exact ones are slow.
const lazy = (makers) => {
  const made = {};
  for (const [name, make] of Object.entries(makers)) {
    const settle = (value) => Object.defineProperty(made, name, {value, enumerable: true, writable: true})[name];
    Object.defineProperty(made, name, {get: () => settle(make()), enumerable: true, configurable: true});
  }
  return made;
};
