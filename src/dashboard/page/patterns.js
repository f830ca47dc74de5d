// The patterns on a list of an app.

import { make, row, soon, table } from './dom.js';

const OPERATORS = [
  ['', 'is, as a regular expression or with * for anything'],
  ['starts_with', 'starts with'],
  ['ends_with', 'ends with'],
  ['contains', 'contains'],
  ['regex', 'matches the regular expression'],
];

const METHODS = {
  whitelist: { name: 'Whitelist', get: 'getWhitelistPatterns', add: 'addWhitelistPatterns', remove: 'removeWhitelistPatterns' },
  blacklist: { name: 'Blacklist', get: 'getBlacklistPatterns', add: 'addBlacklistPatterns', remove: 'removeBlacklistPatterns' },
};

const adder = (gateway, appId, lists, tell) => {
  const list = make('select', { id: 'pattern-list' },
    ...Object.entries(lists).map(([value, { name }]) => make('option', { value }, name)));
  const operator = make('select', { id: 'operator' }, ...OPERATORS.map(([value, name]) => make('option', { value }, name)));
  const pattern = make('input', { id: 'pattern', required: true, autocomplete: 'off', placeholder: '*@example.com' });
  const add = async (event) => {
    event.preventDefault();
    const patterns = [{ pattern: pattern.value, operator: operator.value || undefined }];
    try {
      await gateway.call(lists[list.value].add, { app_id: appId, patterns });
      pattern.value = '';
      tell('');
    } catch (error) {
      tell(error.message);
    }
  };
  return make('form', { className: 'line', on: { submit: add } },
    make('label', { htmlFor: 'pattern-list' }, 'On the'), list,
    make('label', { htmlFor: 'operator' }, 'whoever’s id'), operator,
    make('label', { htmlFor: 'pattern' }, 'Pattern'), pattern, make('button', {}, 'Add'));
};

export const show = async (gateway, appId, view, tell) => {
  const place = make('div', {});
  const remove = (list, { id }) => async () => {
    try {
      await gateway.call(list.remove, { app_id: appId, patterns: [id] });
    } catch (error) {
      tell(error.message);
    }
  };
  const refresh = async () => {
    const pages = Object.values(METHODS).map(async (list) => {
      const { data } = await gateway.call(list.get, { app_id: appId, page_size: 1000 });
      return data.map((entry) => row(list.name, OPERATORS.find(([value]) => value === (entry.operator ?? ''))[1], entry.pattern,
        make('button', { type: 'button', ariaLabel: `Remove ${entry.pattern}`, on: { click: remove(list, entry) } }, 'Remove')));
    });
    const rows = (await Promise.all(pages)).flat();
    place.replaceChildren(rows.length
      ? table('Patterns', ['List', 'Whoever’s id', 'Pattern', ''], rows)
      : make('p', {}, 'There are none yet: one pattern lets in, or keeps out, everybody whose id it matches.'));
  };
  view.replaceChildren(adder(gateway, appId, METHODS, tell), place);
  await refresh();
  return gateway.watch({ app_id: appId, events: ['pattern'] }, soon(() => refresh().catch((error) => tell(error.message))));
};
