// Who is connected, asked again and again while anybody looks.

import { count } from './people.js';

const POLL_MS = 2000;

const all = async (gateway) => {
  const found = [];
  let cursor = '';
  while (cursor !== undefined) {
    const page = await gateway.call('getConnections', { page_size: 1000, cursor });
    found.push(...page.connections);
    cursor = page.cursor;
  }
  return found;
};

// Has a listener hear of all connections, until what this gives is called. Nothing is heard without a connection of one's own, nor by
// those who may not know.
export const watchConnections = (gateway, hear) => {
  let [isOver, timer] = [false, undefined];
  const poll = async () => {
    const found = document.hidden ? undefined : await all(gateway).catch((error) => (error.isForbidden ? null : undefined));
    if (isOver || found === null) return;
    if (found) hear(found);
    timer = setTimeout(poll, POLL_MS);
  };
  poll();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
};

const moment = (since) => {
  const [then, now] = [new Date(since), new Date()];
  return then.toDateString() === now.toDateString() ? then.toLocaleTimeString() : then.toLocaleString();
};

// Since when, and how often and from where, somebody is connected by some connections.
export const told = (connections) => {
  const addresses = new Set(connections.map(({ address }) => address));
  const since = connections.map((each) => each.since).reduce((one, other) => (one < other ? one : other));
  const from = addresses.size === 1 ? [...addresses][0] : count(addresses.size, 'address', 'addresses');
  const times = connections.length === 1 ? '' : `${count(connections.length, 'connection', 'connections')} `;
  const isOwn = connections.some((each) => each.is_own);
  return `since ${moment(since)}, ${times}from ${from}${isOwn ? ' (this page)' : ''}`;
};
