// Puts many people on a list: several messages under way at a time, each of a size that the gateway takes.

import { patiently } from './patient.js';

const PEOPLE_PER_MESSAGE = 500;
// Of at most three bytes each; a gateway takes 1,000,000 bytes.
const CHARS_PER_MESSAGE = 200_000;
const AHEAD = 8;

// The sign-ups in parts of which each fits into a message, with how many come before it.
function* parts(signups) {
  for (let start = 0; start < signups.length;) {
    let [end, chars] = [start, 0];
    while (end < signups.length && end - start < PEOPLE_PER_MESSAGE && chars < CHARS_PER_MESSAGE) {
      chars += JSON.stringify(signups[end]).length;
      end += 1;
    }
    yield { start, signups: signups.slice(start, end) };
    start = end;
  }
}

// Gives how many were taken, and where some were not, why and how many come before the first of them: all of those were taken.
export const send = async (gateway, appId, list, signups, signal, tellFar) => {
  const waiting = parts(signups);
  const refused = [];
  let taken = 0;
  const takeSome = async () => {
    // All take from the same, which ends for all with whoever leaves it.
    for (const { start, signups: some } of waiting) {
      try {
        await patiently(gateway, list.add, { app_id: appId, signups: some }, signal);
      } catch (error) {
        refused.push({ start, error });
        break;
      }
      taken += some.length;
      tellFar(taken, signups.length);
      if (signal.aborted) break;
    }
  };
  await Promise.all(Array.from({ length: AHEAD }, takeSome));
  refused.sort((one, other) => one.start - other.start);
  return { taken, refused: refused[0] };
};
