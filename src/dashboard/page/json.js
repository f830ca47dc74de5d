// JSON as it was written: an id of more digits than a number holds keeps them all, where the browser can.

const keep = (key, value, { source } = {}) => (
  Number.isInteger(value) && !Number.isSafeInteger(value) && source && JSON.rawJSON ? JSON.rawJSON(source) : value);

export const parse = (text) => JSON.parse(text, keep);

// For people to read.
export const pretty = (value) => JSON.stringify(value, null, 2);
