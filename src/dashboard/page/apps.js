// The apps there are: which of their lists decide, how much is on them, and a new one.

import { field, line, link, make, row } from './dom.js';
import { newId } from './gateway.js';
import { inTurn, keep, trying } from './live.js';
import { steadyTable } from './steady.js';
import { tagBox } from './tags.js';

export const path = (appId) => `#/apps/${encodeURIComponent(appId)}`;

const LISTS = [['use_whitelist', 'whitelist', 'Whitelist'], ['use_blacklist', 'blacklist', 'Blacklist']];

const counts = ({ signups, patterns }) => ` ${signups.toLocaleString()} people, ${patterns.toLocaleString()} patterns`;

// A switch that says whether a list decides, and how much is on it.
const toggle = (gateway, app, tell) => ([setting, list, name]) => {
  const change = trying((problem) => {
    box.checked = app[setting];
    tell(problem);
  }, () => gateway.call('setApp', { app_id: app.app_id, [setting]: box.checked }));
  const label = `${name} of ${app.name || app.app_id} decides`;
  const box = make('input', { type: 'checkbox', checked: app[setting], ariaLabel: label, on: { change } });
  return make('label', {}, box, counts(app[list]));
};

const newApp = (gateway, tell) => {
  const name = field('New app', 'new-app', { required: true, maxLength: 254 });
  const add = trying(tell, async () => {
    const appId = newId(9);
    await gateway.call('setApp', { app_id: appId, name: name.element.value, use_whitelist: true, use_blacklist: true });
    location.hash = path(appId);
  });
  return line(add, 'Add', name);
};

// For whoever looks after an app without being an administrator, and knows its id.
const byId = (tell) => {
  const id = field('Id of the app', 'app-id', { required: true, inputMode: 'numeric' });
  return line(trying(tell, () => { location.hash = path(id.element.value.trim()); }), 'Open', id);
};

const HEADS = ['App', 'Id', 'Whitelist', 'Blacklist', 'Tags'];
const NONE = 'There are none yet. Name one below; it gets a whitelist and a blacklist.';

export const show = async (gateway, view, tell) => {
  const shown = steadyTable(HEADS);
  const place = make('div', {}, shown.element);
  const appRow = (app) => row(link(path(app.app_id), app.name || app.app_id), app.app_id, ...LISTS.map(toggle(gateway, app, tell)),
    tagBox(app.name || app.app_id, app.tags, tell, (tags) => gateway.call('setApp', { app_id: app.app_id, tags })));
  const refresh = inTurn(async () => {
    const { items, part } = await gateway.first('getApps', 'apps');
    const entries = items.map((app) => ({ id: app.app_id, says: JSON.stringify(app), made: () => appRow(app) }));
    shown.show(`All apps${part}`, entries, NONE);
  });
  view.replaceChildren(make('h2', {}, 'Apps'), place);
  try {
    const end = await keep(gateway, { events: ['*'] }, tell, refresh);
    view.append(newApp(gateway, tell));
    return end;
  } catch (error) {
    if (!error.isForbidden) throw error;
    place.replaceChildren(make('p', {}, 'Only administrators see all apps; open yours by its id.'), byId(tell));
    return () => {};
  }
};
