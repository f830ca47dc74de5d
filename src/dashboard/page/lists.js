// The people on a list of an app, page by page, and who is added to it or taken off.

import { button, field, make, row, table } from './dom.js';
import { keep, trying } from './live.js';

const PAGE_SIZE = 50;
// Sign-ups that go in one message, so that its answer is one frame.
const AT_ONCE = 50;
const BYTES_MAX = 254;

export const WHITELIST = {
  name: 'whitelist', get: 'getWhitelistUsers', add: 'addToWhitelist', remove: 'removeFromWhitelist', isTagged: true,
};
export const BLACKLIST = {
  name: 'blacklist', get: 'getBlacklistUsers', add: 'addToBlacklist', remove: 'removeFromBlacklist', isTagged: false,
};

// What stands in a text between commas, lines and the like.
const items = (text, separators) => text.split(separators).map((item) => item.trim()).filter((item) => item !== '');

// What a text has in it: sign-ups, each once, and what cannot be one.
const read = (text) => {
  const fits = (item) => new TextEncoder().encode(item).length <= BYTES_MAX;
  const all = items(text, /[\n\r,;\t]+/);
  const signups = new Map(all.filter(fits).map((item) => [item.toLowerCase(), item]));
  const wrong = all.filter((item) => !fits(item)).length;
  return { signups: [...signups.values()], twice: all.length - wrong - signups.size, wrong };
};

const count = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

const preview = ({ signups, twice, wrong }) => [
  count(signups.length, 'sign-up', 'sign-ups'),
  twice > 0 && `${count(twice, 'is', 'are')} there twice`,
  wrong > 0 && `${count(wrong, 'is', 'are')} too long and left out`,
].filter(Boolean).join(', ');

const adder = (gateway, appId, list, tell) => {
  const label = `Add to the ${list.name}: one a line, or with commas between`;
  const text = field(label, 'add', { rows: 3, placeholder: 'name@example.com, 16136147500' }, 'textarea');
  const told = make('output', {});
  const bar = make('progress', { hidden: true, ariaLabel: 'Added so far' });
  text.element.addEventListener('input', () => {
    told.textContent = text.element.value.trim() && preview(read(text.element.value));
  });
  const add = trying(tell, async () => {
    const { signups } = read(text.element.value);
    Object.assign(bar, { hidden: signups.length <= AT_ONCE, max: signups.length, value: 0 });
    try {
      for (let start = 0; start < signups.length; start += AT_ONCE) {
        await gateway.call(list.add, { app_id: appId, signups: signups.slice(start, start + AT_ONCE) });
        bar.value = start + AT_ONCE;
      }
    } finally {
      bar.hidden = true;
    }
    text.element.value = '';
    told.textContent = `${count(signups.length, 'sign-up is', 'sign-ups are')} on the ${list.name}.`;
  });
  return make('form', { on: { submit: add } }, ...text.parts, told, bar, make('button', {}, 'Add'));
};

const tags = (gateway, appId, list, entry, tell) => {
  const written = (entry.tags ?? []).join(', ');
  const change = trying((problem) => {
    box.value = written;
    tell(problem);
  }, () => {
    const signup = { signup_id: entry.signup_id, tags: items(box.value, ',') };
    return gateway.call(list.add, { app_id: appId, signups: [signup] });
  });
  const box = make('input', { value: written, placeholder: 'none', ariaLabel: `Tags of ${entry.signup_id}`, on: { change } });
  return box;
};

// The list, live. Gives what ends that.
export const show = (gateway, appId, list, view, tell) => {
  let page = 0;
  const place = make('div', {});
  const entryRow = (entry) => row(
    entry.signup_id,
    ...(list.isTagged ? [tags(gateway, appId, list, entry, tell)] : []),
    button('Remove', `Remove ${entry.signup_id}`, trying(tell, () => gateway.call(list.remove, {
      app_id: appId, signups: [entry.signup_id],
    }))));
  const turn = (by) => trying(tell, () => {
    page += by;
    return refresh();
  });
  const refresh = async () => {
    const { signups, eop } = await gateway.call(list.get, { app_id: appId, page_size: PAGE_SIZE, page_number: page });
    if (signups.length === 0 && page > 0) {
      page -= 1;
      await refresh();
      return;
    }
    // Whoever is typing goes on typing.
    if (place.contains(document.activeElement) && document.activeElement.matches('input')) return;
    const heads = ['Sign-up', ...(list.isTagged ? ['Tags'] : []), 'Change'];
    const before = Object.assign(button('Before', 'Page before', turn(-1)), { disabled: page === 0 });
    const after = Object.assign(button('After', 'Page after', turn(1)), { disabled: eop });
    place.replaceChildren(
      table(`On the ${list.name}, page ${page + 1}`, heads, signups.map(entryRow), 'Nobody is on it yet.'),
      make('nav', { ariaLabel: 'Pages' }, before, ` Page ${page + 1} `, after));
  };
  view.replaceChildren(adder(gateway, appId, list, tell), place);
  return keep(gateway, { app_id: appId, events: ['signup'] }, tell, refresh);
};
