// The bots there are, what they were granted, and their tokens, each of which is shown once.

import { button, field, line, make, row, table } from './dom.js';
import { newId } from './gateway.js';
import { keep, trying } from './live.js';

const granted = ({ permission, ...about }) => [permission, ...Object.values(about)].join(' ');

export const show = (gateway, view, tell) => {
  const [place, secret] = [make('div', {}), make('output', { className: 'secret' })];
  const showToken = (name, token) => {
    const snippet = `guestlist snippet python --url ${location.protocol.replace('http', 'ws')}//${location.host}/nandbox/api/`;
    secret.replaceChildren(
      make('p', {}, `The token of ${name}, shown this once: `, make('code', {}, token)),
      make('p', {}, 'A working bot with it: ', make('code', {}, `GUESTLIST_TOKEN='${token}' ${snippet}`)));
  };
  const rotate = ({ bot_id: id, name }) => trying(tell, async () => {
    const { token } = await gateway.call('rotateBotToken', { bot_id: id });
    showToken(name || id, token);
  });
  const remove = ({ bot_id: id }) => trying(tell, () => gateway.call('removeBot', { bot_id: id }));
  const refresh = async () => {
    const { bots } = await gateway.call('getBots', { page_size: 1000 });
    const rows = bots.map((bot) => row(bot.name || bot.bot_id, bot.bot_id, bot.apps.join(', '), bot.grants.map(granted).join(', '),
      make('span', {},
        button('New token', `New token for ${bot.name || bot.bot_id}`, rotate(bot)), ' ',
        button('Remove', `Remove ${bot.name || bot.bot_id}`, remove(bot)))));
    place.replaceChildren(table('All bots', ['Bot', 'Id', 'Apps', 'May', 'Change'], rows, 'There are none yet.'));
  };
  const [name, app] = [field('New bot', 'new-bot', { required: true }), field('Keeps the lists of app', 'bot-app', { required: true })];
  const add = trying(tell, async () => {
    const [id, appId] = [newId(8), app.element.value.trim()];
    const grants = [{ permission: 'signup_management', app_id: appId }];
    const { token } = await gateway.call('setBot', { bot_id: id, name: name.element.value, apps: [appId], grants });
    showToken(name.element.value, token);
    tell('');
  });
  view.replaceChildren(make('h2', {}, 'Bots'), place, secret, line(add, 'Add', name, app));
  return keep(gateway, { events: ['*'] }, tell, refresh);
};
