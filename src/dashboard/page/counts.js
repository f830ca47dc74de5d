// How many on the lists each pattern matches: of those that are in sight, one after another, and again when the lists have changed.

import { make } from './dom.js';
import { inTurn, soon } from './live.js';

const RECOUNT_MS = 5000;

const told = ({ whitelist, blacklist }) => {
  const parts = [[whitelist, 'whitelisted'], [blacklist, 'blacklisted']].filter(([number]) => number > 0);
  return parts.map(([number, what]) => `${number.toLocaleString()} ${what}`).join(', ') || 'nobody';
};

export const counts = (gateway, appId) => {
  // What was counted, by pattern; what is not fresh is shown, and counted again.
  const [known, fresh, patterns, inSight] = [new Map(), new Set(), new WeakMap(), new Set()];
  let isOver = false;
  const count = async (cell) => {
    const { pattern, operator } = patterns.get(cell);
    const key = JSON.stringify([pattern, operator]);
    if (!fresh.has(key)) {
      const begun = performance.now();
      known.set(key, told(await gateway.call('testPattern', { app_id: appId, pattern, operator })));
      fresh.add(key);
      // Others are to have the gateway as long.
      await new Promise((done) => { setTimeout(done, performance.now() - begun); });
    }
    cell.textContent = known.get(key);
  };
  const work = inTurn(async () => {
    for (const cell of inSight) {
      if (isOver) return;
      await count(cell);
    }
  });
  // Without a connection, or where one is refused, nothing is shown; the next change asks again.
  const start = () => work().catch(() => {});
  const looking = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (isIntersecting) inSight.add(target);
      else inSight.delete(target);
    }
    start();
  });
  const recount = soon(() => {
    fresh.clear();
    start();
  }, RECOUNT_MS);
  const cell = ({ pattern, operator }) => {
    const made = make('span', {}, known.get(JSON.stringify([pattern, operator])) ?? '…');
    patterns.set(made, { pattern, operator });
    looking.observe(made);
    return made;
  };
  const end = () => {
    isOver = true;
    looking.disconnect();
  };
  return { cell, recount, end };
};
