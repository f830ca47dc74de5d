// The apps there are: which of their lists decide, how much is on them, and a new one.

import { make, row, soon, table } from './dom.js';

export const path = (appId) => `#/apps/${encodeURIComponent(appId)}`;

const TOGGLES = [['use_whitelist', 'Whitelist'], ['use_blacklist', 'Blacklist']];

// A switch that says whether a list of an app decides.
export const toggle = (gateway, app, [field, name], tell) => make('input', {
  type: 'checkbox',
  checked: app[field],
  ariaLabel: `${name} of ${app.name || app.app_id} decides`,
  on: {
    change: async ({ target }) => {
      try {
        await gateway.call('setApp', { app_id: app.app_id, [field]: target.checked });
      } catch (error) {
        target.checked = !target.checked;
        tell(error.message);
      }
    },
  },
});

const counts = ({ signups, patterns }) => `${signups.toLocaleString()} people, ${patterns.toLocaleString()} patterns`;

const rows = (gateway, apps, tell) => apps.map((app) => row(
  make('a', { href: path(app.app_id) }, app.name || app.app_id),
  app.app_id,
  ...TOGGLES.map(([field, name]) => {
    const list = field === 'use_whitelist' ? app.whitelist : app.blacklist;
    return make('label', {}, toggle(gateway, app, [field, name], tell), ` ${counts(list)}`);
  })));

// Seventeen digits that nobody has by chance.
const newId = () => `9${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte % 10).join('')}`;

const newApp = (gateway, tell) => {
  const name = make('input', { id: 'new-app', required: true, maxLength: 254, autocomplete: 'off' });
  const add = async (event) => {
    event.preventDefault();
    try {
      const appId = newId();
      await gateway.call('setApp', { app_id: appId, name: name.value, use_whitelist: true, use_blacklist: true });
      location.hash = path(appId);
    } catch (error) {
      tell(error.message);
    }
  };
  return make('form', { className: 'line', on: { submit: add } },
    make('label', { htmlFor: 'new-app' }, 'New app'), name, make('button', {}, 'Add'));
};

const byId = () => {
  const id = make('input', { id: 'app-id', required: true, inputMode: 'numeric', autocomplete: 'off' });
  const open = (event) => {
    event.preventDefault();
    location.hash = path(id.value.trim());
  };
  return make('form', { className: 'line', on: { submit: open } },
    make('label', { htmlFor: 'app-id' }, 'Id of the app'), id, make('button', {}, 'Open'));
};

export const show = async (gateway, view, tell) => {
  const place = make('div', {});
  const refresh = async () => {
    try {
      const { apps } = await gateway.call('getApps', { page_size: 1000 });
      place.replaceChildren(apps.length
        ? table('All apps', ['App', 'Id', 'Whitelist', 'Blacklist'], rows(gateway, apps, tell))
        : make('p', {}, 'There are none yet. Name one below; it gets a whitelist and a blacklist.'));
      return true;
    } catch (error) {
      // Whoever looks after an app need not be an administrator, and then knows its id.
      if (error.code !== 160017) throw error;
      place.replaceChildren(make('p', {}, 'Only administrators see all apps; open yours by its id.'), byId());
      return false;
    }
  };
  view.replaceChildren(make('h2', {}, 'Apps'), place);
  const isAdmin = await refresh();
  if (!isAdmin) return () => {};
  view.append(newApp(gateway, tell));
  return gateway.watch({ events: ['*'] }, soon(() => refresh().catch((error) => tell(error.message))));
};
