// Gives what the page has as a file.

import { make } from './dom.js';

// Values, one a line, as JSON.
export const download = (name, values) => {
  const text = values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'application/jsonl' }));
  make('a', { href: url, download: name }).click();
  URL.revokeObjectURL(url);
};
