// Puts those in a CSV file on a list, after it was shown what is in the file.

import { field, make } from './dom.js';
import { job } from './job.js';
import { trying } from './live.js';
import { count, readCsv } from './people.js';
import { send } from './send.js';

const FORM = 'The first line is signup_id or signup_id,tags; between two tags stands a semicolon.';

const preview = ({ people, twice, wrong, firstWrong }) => [
  count(people.length, 'sign-up', 'sign-ups'),
  twice > 0 && `${count(twice, 'is', 'are')} there twice`,
  wrong > 0 && `${count(wrong, 'line is', 'lines are')} wrong and left out, the first is ${firstWrong}`,
].filter(Boolean).join(', ');

export const importer = (gateway, appId, list, tell) => {
  let people = [];
  const file = field('Add from a CSV file', 'file', { type: 'file', accept: '.csv,text/csv' });
  const told = make('output', {}, FORM);
  const adding = job('Adding from the file');
  const submit = make('button', { disabled: true }, 'Add those in the file');
  const hold = (read) => {
    people = read;
    submit.disabled = people.length === 0;
  };
  const look = trying(tell, async () => {
    tell('');
    hold([]);
    adding.end();
    const [chosen] = file.element.files;
    told.textContent = chosen ? 'It is being read.' : FORM;
    if (!chosen) return;
    try {
      const read = await readCsv(await chosen.text(), list, () => file.element.files[0] !== chosen);
      // Another one may have been chosen meanwhile.
      if (file.element.files[0] !== chosen) return;
      hold(read.people);
      told.textContent = preview(read);
    } catch (error) {
      told.textContent = FORM;
      throw error;
    }
  });
  file.element.addEventListener('change', look);
  const add = trying(tell, () => adding.run(async (signal, tellFar) => {
    const given = people;
    submit.disabled = true;
    tell('');
    const signups = given.map(({ signup }) => signup);
    const { taken, refused } = await send(gateway, appId, list, signups, signal, tellFar);
    const are = `${count(taken, 'sign-up is', 'sign-ups are')} on the ${list.name}`;
    if (taken === signups.length) {
      file.element.value = '';
      hold([]);
      told.textContent = `${are}.`;
      return;
    }
    hold(people);
    told.textContent = `${are}; whoever is on it stays as is when the file is added again.`;
    if (refused) throw new Error(`It stopped at line ${given[refused.start].line.toLocaleString()}: ${refused.error.message}`);
  }));
  const element = make('form', { on: { submit: add } }, ...file.parts, told, submit, adding.element);
  const end = () => {
    adding.end();
    // What is being read of it is dropped.
    file.element.value = '';
  };
  return { element, end };
};
