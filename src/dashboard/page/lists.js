// The people on a list of an app: searched, sorted and page by page, and who is added to it or taken off.

import { adder } from './add.js';
import { button, field, make, row } from './dom.js';
import { exporter } from './export.js';
import { importer } from './import.js';
import { inTurn, soon, trying } from './live.js';
import { count } from './people.js';
import { steadyTable } from './steady.js';
import { tagBox } from './tags.js';

const PAGE_SIZE = 50;
const TYPED_MS = 10;
// After a change the list is asked for again, at most so often and at most this part of the time: a search looks at all of it.
const REFRESH_MS = 250;
const REST = 4;

export const WHITELIST = {
  name: 'whitelist',
  get: 'getWhitelistUsers',
  search: 'searchWhitelist',
  add: 'addToWhitelist',
  remove: 'removeFromWhitelist',
  isTagged: true,
};
export const BLACKLIST = {
  name: 'blacklist',
  get: 'getBlacklistUsers',
  search: 'searchBlacklist',
  add: 'addToBlacklist',
  remove: 'removeFromBlacklist',
  isTagged: false,
};

const tags = (gateway, appId, list, entry, tell) => tagBox(entry.signup_id, entry.tags ?? [], tell, (given) => gateway.call(list.add, {
  app_id: appId, signups: [{ signup_id: entry.signup_id, tags: given }],
}));

const entryRow = (gateway, appId, list, entry, tell) => row(
  entry.signup_id,
  ...(list.isTagged ? [tags(gateway, appId, list, entry, tell)] : []),
  `no. ${entry.id}`,
  button('Remove', `Remove ${entry.signup_id}`, trying(tell, () => gateway.call(list.remove, {
    app_id: appId, signups: [entry.signup_id],
  }))));

// A cell at the head of a column that sorts by it.
const sorter = (text, label, click) => make('th', { scope: 'col' }, button(text, label, click));

// What is asked for: who has a text, in which order, and the cursors of the pages up to this one.
const FIRST = { text: '', order: 'added', descending: false, cursors: [''] };

// By page number where that will do, for no search is as quick.
const isPlain = ({ text, order, descending }) => text === '' && order === 'added' && !descending;

const told = ({ text }, matched, list) => {
  if (matched === undefined) return '';
  if (text === '') return `${matched.toLocaleString()} on the ${list.name}`;
  return count(matched, 'matches', 'match');
};

const titled = (wanted, list) => {
  const found = wanted.text === '' ? `On the ${list.name}` : `On the ${list.name}, with “${wanted.text}”`;
  return `${found}, page ${wanted.cursors.length.toLocaleString()}`;
};

// The list, live. Gives what ends that.
export const show = async (gateway, appId, list, view, tell) => {
  let [wanted, next, took, timer] = [FIRST, undefined, 0, undefined];
  const ask = ({ text, order, descending, cursors }) => (isPlain({ text, order, descending })
    ? gateway.call(list.get, { app_id: appId, page_size: PAGE_SIZE, page_number: cursors.length - 1 })
    : gateway.call(list.search, { app_id: appId, text, order, descending, page_size: PAGE_SIZE, cursor: cursors.at(-1) }));
  const refresh = inTurn(async () => {
    const [asked, begun] = [wanted, performance.now()];
    const { signups, eop, cursor = '', matched } = await ask(asked);
    took = performance.now() - begun;
    // Something else may have been asked for meanwhile.
    if (asked !== wanted) return;
    if (signups.length === 0 && asked.cursors.length > 1) {
      turnTo({ cursors: asked.cursors.slice(0, -1) });
      return;
    }
    next = eop ? undefined : cursor;
    draw(signups, matched);
  });
  const turnTo = (change) => {
    wanted = { ...wanted, cursors: FIRST.cursors, ...change };
    return refresh().then(() => tell(''), (error) => tell(error.message));
  };
  const sort = (order) => () => turnTo({ order, descending: wanted.order === order && !wanted.descending });
  const heads = {
    signup_id: sorter('Sign-up', 'Sort by sign-up id', sort('signup_id')),
    added: sorter('Added', 'Sort by when they were added', sort('added')),
  };
  const shown = steadyTable([heads.signup_id, ...(list.isTagged ? ['Tags'] : []), heads.added, 'Change']);
  const before = button('Before', 'Page before', () => turnTo({ cursors: wanted.cursors.slice(0, -1) }));
  const after = button('After', 'Page after', () => turnTo({ cursors: [...wanted.cursors, next] }));
  const [place, counted] = [make('span', {}), make('output', {})];
  const draw = (signups, matched) => {
    const none = wanted.text === '' ? 'Nobody is on it yet.'
      : `Nobody matches “${wanted.text}”. It is looked for in sign-up ids and tags; try a shorter part of one.`;
    shown.show(titled(wanted, list), signups.map((entry) => ({
      id: entry.id, says: JSON.stringify(entry), made: () => entryRow(gateway, appId, list, entry, tell),
    })), none);
    for (const [order, head] of Object.entries(heads)) {
      const direction = wanted.descending ? 'descending' : 'ascending';
      head.ariaSort = order === wanted.order ? direction : 'none';
    }
    Object.assign(before, { disabled: wanted.cursors.length === 1 });
    Object.assign(after, { disabled: next === undefined });
    place.textContent = `Page ${wanted.cursors.length.toLocaleString()}`;
    counted.textContent = told(wanted, matched, list);
  };
  const search = field('Search', 'search', {
    type: 'search',
    maxLength: 254,
    placeholder: 'part of a sign-up id or tag',
    on: {
      input: soon(() => {
        const text = search.element.value.trim();
        if (text !== wanted.text) turnTo({ text });
      }, TYPED_MS),
    },
  });
  const [added, imported, exported] = [adder, importer, exporter].map((part) => part(gateway, appId, list, tell));
  view.replaceChildren(added.element,
    make('details', {}, make('summary', {}, 'CSV files'), imported.element, exported.element),
    make('p', { className: 'line', role: 'search' }, ...search.parts, counted),
    shown.element,
    make('nav', { className: 'together', ariaLabel: 'Pages' }, before, place, after));
  await refresh();
  const hear = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      // Where there is no connection, the page says so already.
      refresh().catch((error) => error.frame && tell(error.message));
    }, Math.max(REFRESH_MS, took * REST));
  };
  const end = gateway.watch({ app_id: appId, events: ['signup'] }, hear);
  return () => {
    end();
    clearTimeout(timer);
    for (const part of [added, imported, exported]) part.end();
  };
};
