// Saves a whole list as CSV, in the order in which people came onto it.

import { button, make } from './dom.js';
import { save } from './download.js';
import { job } from './job.js';
import { trying } from './live.js';
import { patiently } from './patient.js';
import { CSV_HEAD, count, csvLine } from './people.js';

const PAGE_SIZE = 1000;

export const exporter = (gateway, appId, list, tell) => {
  const told = make('output', {});
  const saving = job(`Saving the ${list.name}`);
  const walk = async (signal, tellFar) => {
    tell('');
    told.textContent = '';
    const { matched } = await gateway.call(list.search, { app_id: appId, page_size: 1 });
    const pieces = [CSV_HEAD];
    let [cursor, saved] = ['', 0];
    while (cursor !== undefined && !signal.aborted) {
      const page = await patiently(gateway, list.get, { app_id: appId, page_size: PAGE_SIZE, cursor }, signal);
      pieces.push(page.signups.map(csvLine).join(''));
      saved += page.signups.length;
      cursor = page.cursor;
      tellFar(saved, Math.max(matched, saved));
    }
    if (signal.aborted) {
      told.textContent = 'Nothing was saved.';
      return;
    }
    save(`${list.name}-${appId}.csv`, 'text/csv', pieces);
    told.textContent = `${count(saved, 'sign-up is', 'sign-ups are')} in the file.`;
  };
  const start = button('Save as CSV', `Save the ${list.name} as CSV`, trying(tell, () => saving.run(walk)));
  const element = make('div', { className: 'together' }, start, told, saving.element);
  return { element, end: saving.end };
};
