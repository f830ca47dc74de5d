// The patterns on the lists of an app.

import { button, choice, field, line, make, row, table } from './dom.js';
import { keep, trying } from './live.js';

const OPERATORS = [
  ['', 'is, as a regular expression or with * for anything'],
  ['starts_with', 'starts with'],
  ['ends_with', 'ends with'],
  ['contains', 'contains'],
  ['regex', 'matches the regular expression'],
];

const LISTS = {
  Whitelist: { get: 'getWhitelistPatterns', add: 'addWhitelistPatterns', remove: 'removeWhitelistPatterns' },
  Blacklist: { get: 'getBlacklistPatterns', add: 'addBlacklistPatterns', remove: 'removeBlacklistPatterns' },
};

const adder = (gateway, appId, tell) => {
  const list = choice('On the', 'pattern-list', Object.keys(LISTS).map((name) => [name, name.toLowerCase()]));
  const operator = choice('whoever’s id', 'operator', OPERATORS);
  const pattern = field('Pattern', 'pattern', { required: true, placeholder: '*@example.com' });
  const add = trying(tell, async () => {
    const patterns = [{ pattern: pattern.element.value, operator: operator.element.value || undefined }];
    await gateway.call(LISTS[list.element.value].add, { app_id: appId, patterns });
    pattern.element.value = '';
    tell('');
  });
  return line(add, 'Add', list, operator, pattern);
};

export const show = (gateway, appId, view, tell) => {
  const place = make('div', {});
  const entryRow = (name, list) => ({ id, operator = '', pattern }) => row(
    name,
    OPERATORS.find(([value]) => value === operator)[1],
    pattern,
    button('Remove', `Remove ${pattern}`, trying(tell, () => gateway.call(list.remove, { app_id: appId, patterns: [id] }))));
  const refresh = async () => {
    const pages = Object.entries(LISTS).map(async ([name, list]) => {
      const { data } = await gateway.call(list.get, { app_id: appId, page_size: 1000 });
      return data.map(entryRow(name, list));
    });
    const rows = (await Promise.all(pages)).flat();
    const none = 'There are none yet: one pattern lets in, or keeps out, everybody whose id it matches.';
    place.replaceChildren(table('Patterns', ['List', 'Whoever’s id', 'Pattern', 'Change'], rows, none));
  };
  view.replaceChildren(adder(gateway, appId, tell), place);
  return keep(gateway, { app_id: appId, events: ['pattern'] }, tell, refresh);
};
