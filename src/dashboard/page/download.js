// Gives what the page has as a file.

import { make } from './dom.js';

// A text, in pieces.
export const save = (name, type, pieces) => {
  const url = URL.createObjectURL(new Blob(pieces, { type }));
  make('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
};

// Values, one a line, as JSON.
export const download = (name, values) => {
  save(name, 'application/jsonl', values.map((value) => `${JSON.stringify(value)}\n`));
};
