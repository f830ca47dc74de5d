// What takes long: a bar that shows how far it is, and a button that ends it.

import { button, make } from './dom.js';

// What is done sooner is not worth a bar.
const SHOWN_AFTER_MS = 200;

export const job = (label) => {
  const bar = make('progress', { ariaLabel: label });
  let [ending, isRunning] = [new AbortController(), false];
  const cancel = button('Cancel', `Cancel: ${label}`, () => ending.abort());
  const element = make('div', { className: 'together', hidden: true }, bar, cancel);
  // Does it, unless it is being done. The work is given a signal that says that it is to end, and what to call to say how far it is.
  const run = async (work) => {
    if (isRunning) return undefined;
    [ending, isRunning] = [new AbortController(), true];
    const shown = setTimeout(() => { element.hidden = false; }, SHOWN_AFTER_MS);
    bar.removeAttribute('value');
    try {
      return await work(ending.signal, (value, max) => Object.assign(bar, { max, value }));
    } finally {
      clearTimeout(shown);
      [element.hidden, isRunning] = [true, false];
    }
  };
  return { element, run, end: () => ending.abort() };
};
