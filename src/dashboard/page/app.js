// Signs somebody in, by the link that brought them here or by a token, and shows what the address of the page asks for.

import * as apps from './apps.js';
import * as audit from './audit.js';
import * as bots from './bots.js';
import * as sandbox from './console.js';
import { link, make } from './dom.js';
import { Gateway } from './gateway.js';
import * as lists from './lists.js';
import * as organizations from './organizations.js';
import * as patterns from './patterns.js';
import * as shares from './shares.js';
import * as traffic from './traffic.js';
import * as trial from './trial.js';

const NAME = document.title;
const SETUP = '#setup=';
const element = (id) => document.getElementById(id);

const show = (id, shown = true) => { element(id).hidden = !shown; };

const tell = (problem) => {
  element('problem').textContent = problem;
  show('problem', problem !== '');
};

const ask = async (method, body) => {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch('/dashboard/session', { method, headers, body: body && JSON.stringify(body) });
  const answer = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.message), { status: response.status });
  return answer;
};

const signedOut = () => {
  for (const id of ['who', 'out', 'view', 'views', 'state']) show(id, false);
  show('sign-in');
  document.title = NAME;
  element('token').focus();
};

// The parts of an app's page, by the last part of its address.
const PARTS = {
  whitelist: ['Whitelist', (gateway, appId, view) => lists.show(gateway, appId, lists.WHITELIST, view, tell)],
  blacklist: ['Blacklist', (gateway, appId, view) => lists.show(gateway, appId, lists.BLACKLIST, view, tell)],
  patterns: ['Patterns', (gateway, appId, view) => patterns.show(gateway, appId, view, tell)],
  try: ['Try an address', (gateway, appId, view) => trial.show(gateway, appId, view, tell)],
};

const showApp = (gateway, [appId, asked], view) => {
  const part = Object.hasOwn(PARTS, asked ?? '') ? asked : 'whitelist';
  const place = make('div', {});
  const links = Object.entries(PARTS).map(([name, [title]]) => link(`${apps.path(appId)}/${name}`, title, name === part));
  view.replaceChildren(
    make('p', {}, link('#/', 'All apps')),
    make('h2', {}, `App ${appId}`),
    make('nav', { className: 'tabs', ariaLabel: 'Parts of the app' }, ...links),
    place);
  return PARTS[part][1](gateway, appId, place);
};

// What there is to be seen, by the first part of the address.
const VIEWS = {
  apps: ['Apps', (gateway, rest, view) => (rest.length ? showApp(gateway, rest, view) : apps.show(gateway, view, tell))],
  shares: ['Shares', (gateway, rest, view) => shares.show(gateway, rest, view, tell)],
  organizations: ['Organisations', (gateway, rest, view) => organizations.show(gateway, rest, view, tell)],
  bots: ['Bots', (gateway, rest, view) => bots.show(gateway, view, tell)],
  live: ['Live', (gateway, rest, view) => traffic.show(gateway, view, tell)],
  changes: ['Changes', (gateway, rest, view) => audit.show(gateway, view, tell)],
  console: ['Console', (gateway, rest, view) => sandbox.show(gateway, view, tell)],
};

// Says what is shown, in the title, and to whoever came to it by keyboard or by ear; who is in a field already stays there.
const announce = (view, title, isFirst) => {
  const heading = view.querySelector('h2') ?? make('h2', {}, title);
  document.title = `${heading.textContent} · ${NAME}`;
  heading.tabIndex = -1;
  if (!heading.isConnected) view.prepend(heading);
  if (!isFirst && !view.contains(document.activeElement)) heading.focus();
};

// Shows what the address asks for, in place of what was shown.
const router = (gateway) => {
  let end = () => {};
  let latest = 0;
  return async () => {
    const turn = ++latest;
    end();
    end = () => {};
    tell('');
    const [asked, ...rest] = location.hash.slice(2).split('/').map(decodeURIComponent);
    const name = Object.hasOwn(VIEWS, asked) ? asked : 'apps';
    element('views').replaceChildren(...Object.entries(VIEWS).map(([each, [title]]) => link(`#/${each}`, title, each === name)));
    // Its own, so that one who went on meanwhile is not shown what comes late.
    const view = make('section', {});
    element('view').replaceChildren(view);
    try {
      const ending = await VIEWS[name][1](gateway, rest, view);
      if (turn === latest) end = ending;
      else ending();
    } catch (error) {
      if (turn === latest) tell(error.message);
    }
    if (turn === latest) announce(view, VIEWS[name][0], turn === 1);
  };
};

const signedIn = (session) => {
  tell('');
  show('sign-in', false);
  element('who').textContent = `Signed in as ${session.name || `bot ${session.bot_id}`}`;
  for (const id of ['who', 'out', 'view', 'views', 'state']) show(id);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  let route;
  const heard = async ({ stands, reason }) => {
    element('state').textContent = stands ? 'Live' : 'Behind: the connection is lost, and is tried again';
    element('state').className = stands ? 'live' : 'behind';
    if (stands) {
      if (route === undefined) {
        route = router(gateway);
        addEventListener('hashchange', route);
        route();
      }
      return true;
    }
    try {
      await ask('GET');
    } catch (error) {
      // Without an answer the gateway is away, and comes back; with one, nobody is signed in any more.
      if (error.status !== undefined) {
        tell(reason || error.message);
        signedOut();
        return false;
      }
    }
    return true;
  };
  const gateway = new Gateway(`${scheme}://${location.host}/dashboard/socket`, heard);
};

const begin = async (proof) => {
  try {
    signedIn(await ask('POST', proof));
  } catch (error) {
    tell(error.message);
    signedOut();
  }
};

element('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  begin({ token: element('token').value });
});

// The address says what is shown, and stays.
element('skip').addEventListener('click', (event) => {
  event.preventDefault();
  element('main').focus();
});

element('out').addEventListener('click', async () => {
  await ask('DELETE');
  location.reload();
});

if (location.hash.startsWith(SETUP)) {
  const setup = location.hash.slice(SETUP.length);
  // A link works once; it is of no use in the history.
  history.replaceState(null, '', location.pathname);
  begin({ setup });
} else {
  ask('GET').then(signedIn, signedOut);
}
