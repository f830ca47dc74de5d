// Signs somebody in, by the link that brought them here or by a token, and shows the apps there are.

const SETUP = '#setup=';
const element = (id) => document.getElementById(id);

const show = (id, shown = true) => { element(id).hidden = !shown; };

// Text is put in as text: nothing that anybody stored is ever read as HTML.
const cell = (text) => Object.assign(document.createElement('td'), { textContent: text });

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
  for (const id of ['who', 'out', 'apps']) show(id, false);
  show('sign-in');
  element('token').focus();
};

const showApps = (apps) => {
  const rows = apps.map((app) => {
    const row = document.createElement('tr');
    const toggle = (on) => (on ? 'decides' : 'off');
    row.append(cell(app.app_id), cell(app.name ?? ''), cell(toggle(app.use_whitelist)), cell(toggle(app.use_blacklist)));
    return row;
  });
  element('apps').querySelector('tbody').replaceChildren(...rows);
  element('apps').querySelector('table').hidden = rows.length === 0;
  show('none', rows.length === 0);
  show('apps');
};

const signedIn = (session) => {
  tell('');
  show('sign-in', false);
  element('who').textContent = `Signed in as ${session.name || `bot ${session.bot_id}`}`;
  for (const id of ['who', 'out']) show(id);
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  const socket = new WebSocket(`${scheme}://${location.host}/dashboard/socket`);
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.method === 'TOKEN_AUTH_OK') socket.send(JSON.stringify({ method: 'getApps', page_size: 1000 }));
    if (frame.method === 'getAppsResponse') showApps(frame.apps);
    if (frame.error !== undefined) tell(frame.message);
  };
  socket.onclose = ({ reason }) => tell(reason || 'The connection to the gateway ended; reload the page.');
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
