// The people on a list of an app, page by page, and who is added to it or taken off.

import { make, row, soon, table } from './dom.js';

const PAGE_SIZE = 50;
// Sign-ups that go in one message, so that its answer is one frame.
const AT_ONCE = 50;
const BYTES_MAX = 254;

export const LISTS = {
  whitelist: { name: 'Whitelist', get: 'getWhitelistUsers', add: 'addToWhitelist', remove: 'removeFromWhitelist', isTagged: true },
  blacklist: { name: 'Blacklist', get: 'getBlacklistUsers', add: 'addToBlacklist', remove: 'removeFromBlacklist', isTagged: false },
};

// What a text has in it: sign-ups, each once, and what cannot be one.
export const read = (text) => {
  const items = text.split(/[\n\r,;\t]+/).map((item) => item.trim()).filter((item) => item !== '');
  const fits = (item) => new TextEncoder().encode(item).length <= BYTES_MAX;
  const signups = new Map(items.filter(fits).map((item) => [item.toLowerCase(), item]));
  const wrong = items.filter((item) => !fits(item));
  return { signups: [...signups.values()], twice: items.length - wrong.length - signups.size, wrong };
};

const count = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

const preview = ({ signups, twice, wrong }) => [
  count(signups.length, 'sign-up', 'sign-ups'),
  twice > 0 && `${count(twice, 'is', 'are')} there twice`,
  wrong.length > 0 && `${count(wrong.length, 'is', 'are')} too long and left out`,
].filter(Boolean).join(', ');

const tagsField = (gateway, appId, list, entry, tell) => make('input', {
  value: (entry.tags ?? []).join(', '),
  placeholder: 'none',
  ariaLabel: `Tags of ${entry.signup_id}`,
  on: {
    change: async ({ target }) => {
      const tags = target.value.split(',').map((tag) => tag.trim()).filter((tag) => tag !== '');
      try {
        await gateway.call(list.add, { app_id: appId, signups: [{ signup_id: entry.signup_id, tags }] });
      } catch (error) {
        target.value = (entry.tags ?? []).join(', ');
        tell(error.message);
      }
    },
  },
});

const adder = (gateway, appId, list, tell) => {
  const text = make('textarea', { id: 'add', rows: 3, placeholder: 'name@example.com, 16136147500' });
  const told = make('output', {});
  const bar = make('progress', { hidden: true });
  text.addEventListener('input', () => { told.textContent = text.value.trim() && preview(read(text.value)); });
  const add = async (event) => {
    event.preventDefault();
    const { signups } = read(text.value);
    Object.assign(bar, { hidden: signups.length <= AT_ONCE, max: signups.length, value: 0 });
    try {
      for (let start = 0; start < signups.length; start += AT_ONCE) {
        await gateway.call(list.add, { app_id: appId, signups: signups.slice(start, start + AT_ONCE) });
        bar.value = start + AT_ONCE;
      }
      text.value = '';
      told.textContent = `${count(signups.length, 'sign-up is', 'sign-ups are')} on the ${list.name.toLowerCase()}.`;
    } catch (error) {
      tell(error.message);
    }
    bar.hidden = true;
  };
  return make('form', { on: { submit: add } },
    make('label', { htmlFor: 'add' }, `Add to the ${list.name.toLowerCase()}: one a line, or with commas between`),
    text, told, bar, make('button', {}, 'Add'));
};

// The list, live. Gives what ends that.
export const show = async (gateway, appId, list, view, tell) => {
  let page = 0;
  const place = make('div', {});
  const remove = (signup) => async () => {
    try {
      await gateway.call(list.remove, { app_id: appId, signups: [signup] });
    } catch (error) {
      tell(error.message);
    }
  };
  const rows = (signups) => signups.map((entry) => row(
    entry.signup_id,
    ...(list.isTagged ? [tagsField(gateway, appId, list, entry, tell)] : []),
    make('button', { type: 'button', ariaLabel: `Remove ${entry.signup_id}`, on: { click: remove(entry.signup_id) } }, 'Remove')));
  const turn = (by) => () => {
    page += by;
    refresh().catch((error) => tell(error.message));
  };
  const refresh = async () => {
    const { signups, eop } = await gateway.call(list.get, { app_id: appId, page_size: PAGE_SIZE, page_number: page });
    if (signups.length === 0 && page > 0) {
      page -= 1;
      return refresh();
    }
    const heads = ['Sign-up', ...(list.isTagged ? ['Tags'] : []), ''];
    // Whoever is typing goes on typing.
    if (place.contains(document.activeElement) && document.activeElement.matches('input')) return undefined;
    place.replaceChildren(
      signups.length ? table(`${list.name}, page ${page + 1}`, heads, rows(signups)) : make('p', {}, 'Nobody is on it yet.'),
      make('nav', { ariaLabel: 'Pages' },
        make('button', { type: 'button', disabled: page === 0, on: { click: turn(-1) } }, 'Before'),
        ` Page ${page + 1} `,
        make('button', { type: 'button', disabled: eop, on: { click: turn(1) } }, 'After')));
    return undefined;
  };
  view.replaceChildren(adder(gateway, appId, list, tell), place);
  await refresh();
  return gateway.watch({ app_id: appId, events: ['signup'] }, soon(() => refresh().catch((error) => tell(error.message))));
};
