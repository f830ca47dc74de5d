// A field for those who are to be added to a list: one, or many pasted from elsewhere.

import { field, make } from './dom.js';
import { job } from './job.js';
import { trying } from './live.js';
import { count, read } from './people.js';
import { send } from './send.js';

const preview = ({ signups, twice, wrong }) => [
  count(signups.length, 'sign-up', 'sign-ups'),
  twice > 0 && `${count(twice, 'is', 'are')} there twice`,
  wrong > 0 && `${count(wrong, 'is', 'are')} too long and left out`,
].filter(Boolean).join(', ');

export const adder = (gateway, appId, list, tell) => {
  const label = `Add to the ${list.name}: one a line, or with commas between`;
  const text = field(label, 'add', { rows: 3, placeholder: 'name@example.com, 16136147500' }, 'textarea');
  const told = make('output', {});
  const adding = job('Adding');
  text.element.addEventListener('input', () => {
    told.textContent = text.element.value.trim() && preview(read(text.element.value));
  });
  const add = trying(tell, () => adding.run(async (signal, tellFar) => {
    const { signups } = read(text.element.value);
    const { taken, refused } = await send(gateway, appId, list, signups, signal, tellFar);
    if (refused) throw refused.error;
    if (taken === signups.length) text.element.value = '';
    told.textContent = `${count(taken, 'sign-up is', 'sign-ups are')} on the ${list.name}.`;
    tell('');
  }));
  const element = make('form', { on: { submit: add } }, ...text.parts, told, make('button', {}, 'Add'), adding.element);
  return { element, end: adding.end };
};
