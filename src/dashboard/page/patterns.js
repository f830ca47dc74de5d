// The patterns on the lists of an app, whom each matches, and a new one, which is tried while it is typed.

import { counts } from './counts.js';
import { button, choice, field, line, make, row } from './dom.js';
import { inTurn, keep, soon, trying } from './live.js';
import { steadyTable } from './steady.js';
import { tester } from './tester.js';

const OPERATORS = [
  ['', 'matches as a whole (a regular expression, else * is anything)'],
  ['starts_with', 'starts with'],
  ['ends_with', 'ends with'],
  ['contains', 'contains'],
  ['regex', 'matches the regular expression'],
];

const LISTS = {
  Whitelist: { get: 'getWhitelistPatterns', add: 'addWhitelistPatterns', remove: 'removeWhitelistPatterns' },
  Blacklist: { get: 'getBlacklistPatterns', add: 'addBlacklistPatterns', remove: 'removeBlacklistPatterns' },
};

// How long after a change of the lists it is asked again whom the patterns match.
const LISTS_CHANGED_MS = 1000;

// On a phone the first are seen.
const HEADS = ['Pattern', 'Matches', 'Change', 'List', 'Whoever’s id'];
const NONE = 'There are none yet: one pattern lets in, or keeps out, everybody whose id it matches.';

// Gives the form for a new pattern, and what the pattern is as far as it is typed.
const adder = (gateway, appId, tell) => {
  const list = choice('On the', 'pattern-list', Object.keys(LISTS).map((name) => [name, name.toLowerCase()]));
  const operator = choice('whoever’s id', 'operator', OPERATORS);
  const pattern = field('Pattern', 'pattern', { required: true, placeholder: '*@example.com' });
  const asked = () => ({ pattern: pattern.element.value, operator: operator.element.value || undefined });
  const test = tester(gateway, appId, asked);
  operator.element.addEventListener('change', test.again);
  pattern.element.addEventListener('input', test.again);
  const add = trying(tell, async () => {
    await gateway.call(LISTS[list.element.value].add, { app_id: appId, patterns: [asked()] });
    pattern.element.value = '';
    test.again();
    tell('');
  });
  return { parts: [line(add, 'Add', list, operator, pattern), test.element], again: test.again };
};

export const show = async (gateway, appId, view, tell) => {
  const [shown, matched, added] = [steadyTable(HEADS), counts(gateway, appId), adder(gateway, appId, tell)];
  const entryRow = (name, list, { id, operator = '', pattern }) => row(
    pattern,
    matched.cell({ pattern, operator: operator || undefined }),
    button('Remove', `Remove ${pattern}`, trying(tell, () => gateway.call(list.remove, { app_id: appId, patterns: [id] }))),
    name,
    OPERATORS.find(([value]) => value === operator)[1]);
  const refresh = inTurn(async () => {
    const pages = Object.entries(LISTS).map(async ([name, list]) => {
      const { items, part } = await gateway.first(list.get, 'data', { app_id: appId });
      const entries = items.map((entry) => {
        const made = () => entryRow(name, list, entry);
        return { id: `${name} ${entry.id}`, says: JSON.stringify(entry), made };
      });
      return { entries, part };
    });
    const lists = await Promise.all(pages);
    const part = lists.find((list) => list.part !== '')?.part ?? '';
    shown.show(`Patterns${part && `${part} of each list`}`, lists.flatMap(({ entries }) => entries), NONE);
  });
  view.replaceChildren(...added.parts, shown.element);
  const end = await keep(gateway, { app_id: appId, events: ['pattern'] }, tell, refresh);
  const again = soon(() => {
    matched.recount();
    added.again();
  }, LISTS_CHANGED_MS);
  const endSignups = gateway.watch({ app_id: appId, events: ['signup'] }, again);
  return () => {
    end();
    endSignups();
    matched.end();
  };
};
