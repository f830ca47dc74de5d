// Signs somebody in, by the link that brought them here or by a token, and shows what the address of the page asks for.

import * as apps from './apps.js';
import { make } from './dom.js';
import { Gateway } from './gateway.js';
import * as lists from './lists.js';
import * as patterns from './patterns.js';
import * as trial from './trial.js';

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
  for (const id of ['who', 'out', 'view', 'state']) show(id, false);
  show('sign-in');
  element('token').focus();
};

// The parts of an app's page, by the last part of its address.
const PARTS = {
  whitelist: ['Whitelist', (gateway, appId, view) => lists.show(gateway, appId, lists.LISTS.whitelist, view, tell)],
  blacklist: ['Blacklist', (gateway, appId, view) => lists.show(gateway, appId, lists.LISTS.blacklist, view, tell)],
  patterns: ['Patterns', (gateway, appId, view) => patterns.show(gateway, appId, view, tell)],
  try: ['Try an address', (gateway, appId, view) => trial.show(gateway, appId, view, tell)],
};

const showApp = (gateway, appId, part, view) => {
  const place = make('div', {});
  const links = Object.entries(PARTS).map(([name, [title]]) => {
    const link = make('a', { href: `${apps.path(appId)}/${name}` }, title);
    if (name === part) link.ariaCurrent = 'page';
    return link;
  });
  view.replaceChildren(
    make('p', {}, make('a', { href: '#/' }, 'All apps')),
    make('h2', {}, `App ${appId}`),
    make('nav', { className: 'tabs', ariaLabel: 'Parts of the app' }, ...links),
    place);
  return PARTS[part][1](gateway, appId, place);
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
    const [, appId, part = 'whitelist'] = location.hash.slice(2).split('/').map(decodeURIComponent);
    const view = element('view');
    try {
      const ending = appId ? await showApp(gateway, appId, PARTS[part] ? part : 'whitelist', view) : await apps.show(gateway, view, tell);
      // Somebody who went on meanwhile is shown something else by now.
      if (turn === latest) end = ending;
      else ending();
    } catch (error) {
      tell(error.message);
    }
  };
};

const signedIn = (session) => {
  tell('');
  show('sign-in', false);
  element('who').textContent = `Signed in as ${session.name || `bot ${session.bot_id}`}`;
  for (const id of ['who', 'out', 'view', 'state']) show(id);
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
