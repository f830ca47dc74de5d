// The shares of a user's chats, and who may open each.

import { button, field, line, link, make, row, table } from './dom.js';
import { keep, trying } from './live.js';

const path = (...ids) => ['#/shares', ...ids].join('/');

const people = (gateway) => gateway.first('getUsers', 'users');

const showUsers = (gateway, view, tell) => {
  const place = make('div', {});
  const refresh = async () => {
    const { items, part } = await people(gateway);
    const rows = items.map((user) => row(link(path(user.user_id), user.primary_email), `${user.user_id}`));
    place.replaceChildren(table(`Users${part}`, ['User', 'Id'], rows, 'There are none yet: people sign up, or an administrator makes them.'));
  };
  view.replaceChildren(make('h2', {}, 'Shares'), make('p', {}, 'Whose chats are shared?'), place);
  return keep(gateway, { events: ['*'] }, tell, refresh);
};

const how = (share) => [
  share.is_shared ? 'shared' : 'not shared',
  share.use_whitelist && 'for its list',
  share.has_password && 'with a password',
  share.is_protected && 'protected',
].filter(Boolean).join(', ');

const showShares = (gateway, userId, view, tell) => {
  const place = make('div', {});
  const refresh = async () => {
    const { items, part } = await gateway.first('getShares', 'shares', { user_id: Number(userId) });
    const rows = items.map((share) => row(link(path(userId, share.chat_id, share.share_id), share.share_uuid), `${share.chat_id}`,
      how(share), `${share.entries}`));
    place.replaceChildren(table(`Shares${part}`, ['Share', 'Chat', 'How', 'Listed'], rows, 'This user shares no chat yet.'));
  };
  view.replaceChildren(make('p', {}, link('#/shares', 'All users')), make('h2', {}, `Shares of user ${userId}`), place);
  return keep(gateway, { user_id: Number(userId), events: ['share'] }, tell, refresh);
};

const showList = (gateway, [userId, chatId, shareId], view, tell) => {
  const share = { user_id: Number(userId), chat_id: Number(chatId), share_id: Number(shareId) };
  const place = make('div', {});
  const emails = field('Email addresses of users, with commas between', 'emails', { required: true });
  const add = trying(tell, async () => {
    const given = emails.element.value.split(/[\s,;]+/).filter((email) => email !== '');
    await gateway.call('addToShareWhitelist', { ...share, emails: given });
    emails.element.value = '';
    tell('');
  });
  const remove = (id) => trying(tell, () => gateway.call('removeFromShareWhitelist', { ...share, entry_ids: [id] }));
  const refresh = async () => {
    const { items, part } = await gateway.first('getShareWhitelist', 'shareWhitelistEntries', share);
    // Only administrators may see who is behind an id.
    const { items: users } = await people(gateway).catch(() => ({ items: [] }));
    const name = (id) => users.find((user) => user.user_id === id)?.primary_email ?? `user ${id}`;
    const rows = items.map(({ id, whitelisted_neptun_user_id: user }) => row(name(user),
      user === share.user_id ? 'the owner' : button('Remove', `Remove ${name(user)}`, remove(id))));
    place.replaceChildren(table(`Who may open it${part}`, ['User', 'Change'], rows, 'There is no list: everybody it is shared with may.'));
  };
  view.replaceChildren(make('p', {}, link(path(userId), `Shares of user ${userId}`)), make('h2', {}, `Share ${shareId}`), place,
    line(add, 'Add', emails));
  return keep(gateway, { user_id: share.user_id, events: ['share'] }, tell, refresh);
};

export const show = (gateway, ids, view, tell) => {
  if (ids.length === 3) return showList(gateway, ids, view, tell);
  return ids.length === 1 ? showShares(gateway, ids[0], view, tell) : showUsers(gateway, view, tell);
};
