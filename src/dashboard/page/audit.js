// Who changed what, and when: the latest, what comes then as it happens, and back to a change that the journal still has.

import { written } from './csv.js';
import { button, field, line, make, row, table } from './dom.js';
import { download, save } from './download.js';
import { soon, trying } from './live.js';

// Changes that are kept on the page; older ones are in the journal.
const KEPT_MAX = 1000;
const SHOWN_MAX = 200;
const TEXT_MAX = 300;

const about = ({ app_id: app, org_id: org, user_id: user }) => (app && `app ${app}`) ?? (org && `organisation ${org}`)
  ?? (user && `user ${user}`) ?? '';

const told = (entries) => entries.map((entry) => (typeof entry === 'string' ? entry : JSON.stringify(entry))).join(', ');

const HEADS = ['When', 'Who', 'What', 'Of', 'Which', 'Number'];

const ALL = { events: ['*'] };

const cells = (event) => [event.by, event.change, about(event), told(event.entries)];

export const show = async (gateway, view, tell) => {
  const place = make('div', {});
  let [events, isPaused, end] = [[], false, () => {}];
  const filter = field('Only what has', 'filter', { placeholder: 'a method, a bot, an address', on: { input: () => draw() } });
  const wanted = () => events.filter((event) => JSON.stringify(event).toLowerCase().includes(filter.element.value.toLowerCase()));
  const draw = () => {
    const rows = wanted().slice(-SHOWN_MAX).reverse().map((event) => row(new Date(event.at).toLocaleString(),
      ...cells(event).map((cell) => cell.slice(0, TEXT_MAX)), `${event.seq}`));
    const none = events.length > 0
      ? 'None of the changes has that; ask for something else.'
      : 'Nothing has changed yet. What changes is shown here at once.';
    place.replaceChildren(table('Changes, the latest first', HEADS, rows, none));
  };
  const soonDrawn = soon(() => isPaused || draw());
  const hear = (event) => {
    if (event === undefined) {
      tell('Some changes before these are not in the journal any more.');
      return;
    }
    events = [...events.slice(1 - KEPT_MAX), event];
    soonDrawn();
  };
  const since = field('Since change number', 'since', { type: 'number', min: 0, required: true });
  const back = trying(tell, () => {
    end();
    events = [];
    tell('');
    draw();
    end = gateway.watch(ALL, hear, Number(since.element.value));
  });
  const pause = button('Pause', 'Pause', () => {
    isPaused = !isPaused;
    Object.assign(pause, { textContent: isPaused ? 'Go on' : 'Pause', ariaLabel: isPaused ? 'Go on' : 'Pause' });
    draw();
  });
  const saveCsv = () => save('changes.csv', 'text/csv',
    [HEADS, ...wanted().map((event) => [event.at, ...cells(event), `${event.seq}`])].map(written));
  view.replaceChildren(make('h2', {}, 'Changes'), line(back, 'Show', since),
    make('p', { className: 'line' }, ...filter.parts, pause,
      button('Save', 'Save what is shown', () => download('changes.jsonl', wanted())),
      button('Save as CSV', 'Save what is shown as CSV', saveCsv)), place);
  draw();
  try {
    const { seq } = await gateway.call('subscribeToEvent', ALL);
    end = gateway.watch(ALL, hear, Math.max(0, seq - SHOWN_MAX));
  } catch (error) {
    if (!error.isForbidden) throw error;
    view.replaceChildren(make('h2', {}, 'Changes'), make('p', { className: 'none' }, 'Only administrators see who changed what.'));
  }
  return () => end();
};
