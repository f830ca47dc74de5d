// The bots there are, what they were granted, which are connected, and their tokens, each of which is shown once.

import { told, watchConnections } from './connections.js';
import { copied } from './copy.js';
import { button, field, line, make, row } from './dom.js';
import { newId } from './gateway.js';
import { inTurn, keep, trying } from './live.js';
import { count } from './people.js';
import { snippet } from './snippet.js';
import { steadyTable } from './steady.js';
import { sureButton } from './sure.js';

// On a phone the first are seen.
const HEADS = ['Bot', 'Connected', 'Change', 'Id', 'Apps', 'May'];

const granted = ({ permission, ...about }) => [permission, ...Object.values(about)].join(' ');

// The cells that say whether a bot is connected, each kept up by itself.
const connectedCells = (gateway, tell, answer) => {
  const [cells, texts] = [new Map(), new Map()];
  const disconnect = (id, name) => trying(tell, async () => {
    const { closed } = await gateway.call('closeConnection', { account_id: id });
    answer.textContent = `${count(closed, 'connection', 'connections')} of ${name} ended. A bot comes back by itself; `
      + 'one that is to stay away is removed, or given a new token.';
  });
  const fill = (id) => {
    const [{ name, element }, its = { text: 'no', isOther: false }] = [cells.get(id), texts.get(id)];
    // A button that is being pressed stays.
    if (texts.size === 0 || element.firstChild.data === its.text) return;
    element.replaceChildren(its.text, ...(its.isOther ? [button('Disconnect', `Disconnect ${name}`, disconnect(id, name))] : []));
  };
  const cell = (id, name) => {
    cells.set(id, { name, element: make('div', { className: 'buttons' }, '–') });
    fill(id);
    return cells.get(id).element;
  };
  const hear = (connections) => {
    const bots = Map.groupBy(connections.filter(({ kind }) => kind === 'bot'), (each) => each.account_id);
    texts.clear();
    for (const [id, its] of bots) texts.set(id, { text: told(its), isOther: its.some(({ is_own: isOwn }) => !isOwn) });
    for (const id of cells.keys()) fill(id);
  };
  return { cell, end: watchConnections(gateway, hear) };
};

export const show = async (gateway, view, tell) => {
  const [secret, answer] = [make('output', { className: 'secret' }), make('output', {})];
  const showToken = (name, token, app) => secret.replaceChildren(
    make('p', {}, `The token of ${name}, shown this once: `, copied(token, `the token of ${name}`)),
    snippet(name, { token, app }, tell));
  const rotate = ({ bot_id: id, name, apps }) => trying(tell, async () => {
    const { token } = await gateway.call('rotateBotToken', { bot_id: id });
    showToken(name || id, token, apps[0]);
  });
  const remove = ({ bot_id: id }) => trying(tell, () => gateway.call('removeBot', { bot_id: id }));
  const connected = connectedCells(gateway, tell, answer);
  const shown = steadyTable(HEADS);
  const botRow = (bot) => {
    const name = bot.name || bot.bot_id;
    const change = make('div', { className: 'buttons' },
      button('New token', `New token for ${name}`, rotate(bot)),
      sureButton('Remove', `Remove ${name}`, remove(bot)));
    return row(name, connected.cell(bot.bot_id, name), change, bot.bot_id, bot.apps.join(', '), bot.grants.map(granted).join(', '));
  };
  const refresh = inTurn(async () => {
    const { items, part } = await gateway.first('getBots', 'bots');
    const entries = items.map((bot) => ({ id: bot.bot_id, says: JSON.stringify(bot), made: () => botRow(bot) }));
    shown.show(`All bots${part}`, entries, 'There are none yet.');
  });
  const [name, app] = [field('New bot', 'new-bot', { required: true }), field('Keeps the lists of app', 'bot-app', { required: true })];
  const add = trying(tell, async () => {
    const [id, appId] = [newId(8), app.element.value.trim()];
    const grants = [{ permission: 'signup_management', app_id: appId }];
    const { token } = await gateway.call('setBot', { bot_id: id, name: name.element.value, apps: [appId], grants });
    showToken(name.element.value, token, appId);
    tell('');
  });
  view.replaceChildren(make('h2', {}, 'Bots'), shown.element, secret, answer, line(add, 'Add', name, app));
  try {
    const end = await keep(gateway, { events: ['*'] }, tell, refresh);
    return () => {
      end();
      connected.end();
    };
  } catch (error) {
    connected.end();
    throw error;
  }
};
