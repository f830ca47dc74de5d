// What happens now: connections that open and close, messages that come and go, and what was decided.

import { button, choice, field, make, row, wide } from './dom.js';
import { parse, pretty } from './json.js';
import { soon, trying } from './live.js';
import * as load from './load.js';

// Entries that are kept for when another filter is chosen, and those of them that are shown.
const KEPT_MAX = 2000;
const SHOWN_MAX = 200;
// Names that a filter offers at most: there may be any number of accounts.
const OFFERED_MAX = 200;
const SHORT = 120;

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23',
});
const NOBODY = 'not signed in';
const HEADS = ['When', 'What', 'Message', 'Outcome', 'Who', 'Connection'];

const KINDS = [
  ['', 'everything', () => true],
  ['messages', 'messages', ({ kind }) => ['in', 'out', 'http'].includes(kind)],
  ['decisions', 'decisions', ({ allowed }) => allowed !== undefined],
  ['refused', 'what was refused', ({ allowed, error }) => allowed === false || error !== undefined],
  ['connections', 'connections', ({ kind }) => kind === 'opened' || kind === 'closed'],
];

const who = ({ by }) => by || NOBODY;

const outcome = ({ allowed, error }) => {
  if (error !== undefined) return make('strong', { className: 'refused' }, `refused, ${error}`);
  if (allowed === undefined) return '';
  return make('strong', { className: allowed ? 'allowed' : 'refused' }, allowed ? 'allowed' : 'not allowed');
};

const title = ({ method, error }) => method ?? (error === undefined ? 'message' : 'refusal');

const origin = ({ connection_id: connection }) => (connection === undefined ? 'over HTTP' : `connection ${connection}`);

// A message whole; one that was cut is no JSON any more, and stands as it came.
const whole = (text) => {
  try {
    return pretty(parse(text));
  } catch {
    return text;
  }
};

const opener = () => {
  const place = make('dialog', { ariaLabel: 'The message' });
  const open = (entry) => {
    place.replaceChildren(
      make('h3', {}, `${title(entry)} ${entry.kind === 'in' ? 'from' : 'to'} ${who(entry)}`),
      make('p', { className: 'help' }, `${origin(entry)}, ${new Date(entry.at).toLocaleString()}`),
      make('pre', { tabIndex: 0 }, whole(entry.message)),
      button('Close', 'Close the message', () => place.close()));
    place.showModal();
  };
  return { place, open };
};

const shownRow = (open) => (entry) => {
  const { at, connection_id: connection, kind, message } = entry;
  const text = message === undefined ? entry.method ?? '' : button(
    make('span', {}, make('strong', {}, title(entry)), ` ${message.slice(0, SHORT)}`),
    `${title(entry)}, ${origin(entry)}, whole`,
    () => open(entry));
  return Object.assign(row(CLOCK.format(new Date(at)), kind, text, outcome(entry), who(entry), `${connection ?? ''}`), { className: kind });
};

// A field that offers the names that were seen.
const filter = (label, id, placeholder, draw) => {
  const made = field(label, id, { placeholder, on: { input: draw } });
  const offered = make('datalist', { id: `${id}-seen` });
  made.element.setAttribute('list', offered.id);
  const names = new Set();
  const see = (name) => {
    if (!name || names.has(name) || names.size === OFFERED_MAX) return;
    names.add(name);
    offered.append(make('option', { value: name }));
  };
  const fits = (name) => name.toLowerCase().includes(made.element.value.trim().toLowerCase());
  return { parts: [...made.parts, offered], see, fits };
};

const filters = (draw) => {
  const account = filter('Who', 'traffic-account', 'a bot or user', draw);
  const method = filter('Method', 'traffic-method', 'any method', draw);
  const kind = choice('Show', 'traffic-kind', KINDS);
  kind.element.addEventListener('change', draw);
  const wants = (entry) => account.fits(who(entry)) && method.fits(title(entry))
    && KINDS.find(([value]) => value === kind.element.value)[2](entry);
  const see = (entry) => {
    account.see(entry.by);
    method.see(entry.method);
  };
  return { parts: [kind, account, method].map(({ parts }) => make('div', {}, ...parts)), wants, see };
};

const watch = async (gateway, view) => {
  // The last ones that came, those when it was paused, how many wait to be shown, how many came at all, and how many were left out.
  let [kept, paused, waiting, all, missed] = [[], undefined, 0, 0, 0];
  const { parts, wants, see } = filters(() => drawAll());
  const { place: dialog, open } = opener();
  const [body, told, none] = [make('tbody', {}), make('p', { className: 'help', id: 'traffic-told' }), make('p', { className: 'none' })];
  const rows = (entries) => entries.filter(wants).slice(-SHOWN_MAX).reverse().map(shownRow(open));
  const say = () => {
    none.hidden = body.rows.length > 0;
    none.textContent = (paused ?? kept).length > 0
      ? 'Nothing of what came fits; ask for something else.'
      : 'Nothing has happened since you came. Have a bot send something: it is shown here at once.';
    told.textContent = [
      `${all.toLocaleString()} seen`,
      paused && `paused, ${waiting.toLocaleString()} wait`,
      missed > 0 && `${missed.toLocaleString()} left out, for they came too fast`,
    ].filter(Boolean).join('; ');
  };
  const drawAll = () => {
    if (!paused) waiting = 0;
    body.replaceChildren(...rows(paused ?? kept));
    say();
  };
  // Only what is new is drawn, so that whoever is on a row stays there.
  const drawNew = soon(() => {
    if (!paused && waiting > 0) {
      body.prepend(...rows(kept.slice(-waiting)));
      waiting = 0;
      while (body.rows.length > SHOWN_MAX) body.lastElementChild.remove();
    }
    say();
  });
  const hear = (frame) => {
    frame.entries.forEach(see);
    kept = [...kept, ...frame.entries].slice(-KEPT_MAX);
    waiting += frame.entries.length;
    all += frame.entries.length;
    missed += frame.missed ?? 0;
    drawNew();
  };
  const pause = button('Pause', 'Pause', () => {
    [paused, waiting] = [paused ? undefined : kept, 0];
    Object.assign(pause, { textContent: paused ? 'Go on' : 'Pause', ariaLabel: paused ? 'Go on' : 'Pause' });
    drawAll();
  });
  const clear = button('Clear', 'Clear what is shown', () => {
    [kept, paused, waiting, all, missed] = [[], paused && [], 0, 0, 0];
    drawAll();
  });
  view.append(make('h3', {}, 'Traffic'), make('div', { className: 'filters' }, ...parts, make('p', { className: 'line' }, pause, clear)),
    told, Object.assign(wide('What happens, the latest first', HEADS, body), { id: 'traffic' }), none, dialog);
  drawAll();
  return gateway.watchTraffic(hear);
};

export const show = async (gateway, view, tell) => {
  const charts = make('div', {});
  view.replaceChildren(make('h2', {}, 'Live'), charts);
  try {
    const end = await watch(gateway, view);
    const endCharts = load.show(gateway, charts, tell);
    return () => {
      end();
      endCharts();
    };
  } catch (error) {
    if (!error.isForbidden) throw error;
    view.replaceChildren(make('h2', {}, 'Live'), make('p', { className: 'none' }, 'Only administrators see what others send.'));
    return () => {};
  }
};
