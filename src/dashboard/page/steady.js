// A table that is shown again and again: rows that say the same stay where they are, and with them the focus and what is pressed.

import { make } from './dom.js';

// Puts children into a place, and touches none that is where it belongs.
const arrange = (place, children) => {
  const wanted = new Set(children);
  for (const child of [...place.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
  });
};

const isTypedInto = (row) => row.contains(document.activeElement) && document.activeElement.matches('input');

// Its heads are texts, or cells that were made.
export const steadyTable = (heads) => {
  const cells = heads.map((head) => (typeof head === 'string' ? make('th', { scope: 'col' }, head) : head));
  const [caption, body, none] = [make('caption', {}), make('tbody', {}), make('p', { className: 'none', hidden: true })];
  const table = make('table', { hidden: true }, caption, make('thead', {}, make('tr', {}, ...cells)), body);
  let kept = new Map();
  let last = ['', [], ''];
  // Entries are given with an id, what they say, and how a row is made of them.
  const show = (title, entries, whenNone) => {
    last = [title, entries, whenNone];
    kept = new Map(entries.map(({ id, says, made }) => {
      const before = kept.get(id);
      // Whoever is typing goes on typing.
      const stays = before !== undefined && (before.says === says || isTypedInto(before.row));
      return [id, stays ? before : { says, row: made() }];
    }));
    arrange(body, [...kept.values()].map(({ row }) => row));
    [caption.textContent, none.textContent] = [title, whenNone];
    [table.hidden, none.hidden] = [entries.length === 0, entries.length > 0];
  };
  body.addEventListener('focusout', () => setTimeout(() => show(...last)));
  return { element: make('div', { className: 'wide' }, table, none), show };
};
