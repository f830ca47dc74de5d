// How busy the gateway was within the last hour, in charts, and in a table for whoever rather reads numbers.

import { chart } from './chart.js';
import { make, row, table } from './dom.js';

// While there is nothing yet, it is asked for sooner.
const EMPTY_MS = 1000;
// What is shorter says little of how much there is a second.
const SAMPLE_MS_MIN = 1000;
const NONE = 'Nothing measured yet; the first sample comes within 10 s.';
const HEADS = ['Until', 'Seconds', 'Messages', 'Refused', 'Median, ms', 'p99, ms', 'Allowed', 'Not allowed'];

const rate = (name) => (sample) => (sample[name] * 1000) / sample.ms;

const CHARTS = [
  ['messages', 'Messages a second', [
    ['all', 'one', rate('requests')],
    ['refused', 'bad', rate('refused')]]],
  ['latencies', 'Time to answer, in ms', [
    ['median', 'one', ({ p50_ms: ms }) => ms],
    ['p99', 'two', ({ p99_ms: ms }) => ms]]],
  ['decisions', 'Decisions a second', [
    ['allowed', 'good', rate('allowed')],
    ['not allowed', 'bad', rate('denied')]]],
];

const drawn = (samples) => CHARTS.map(([id, title, series]) => chart(id, title, samples.map(({ at }) => new Date(at)),
  series.map(([name, look, value]) => ({ name, look, values: samples.map((sample) => value(sample) ?? null) }))));

const numbers = (samples) => samples.toReversed().map((sample) => row(new Date(sample.at).toLocaleTimeString(), (sample.ms / 1000).toFixed(1),
  ...['requests', 'refused', 'p50_ms', 'p99_ms', 'allowed', 'denied'].map((name) => (sample[name] ?? '–').toLocaleString())));

// Shows them now and from then on. Gives what ends that.
export const show = (gateway, view, tell) => {
  let [samples, timer, isOver] = [[], undefined, false];
  const [charts, place] = [make('div', { className: 'charts' }), make('div', {})];
  const list = () => {
    if (details.open) place.replaceChildren(table('The latest first', HEADS, numbers(samples), NONE));
  };
  const details = make('details', { hidden: true, on: { toggle: list } }, make('summary', {}, 'The same in numbers'), place);
  const refresh = async () => {
    let wait = EMPTY_MS;
    try {
      const load = await gateway.call('getLoad');
      samples = load.samples.filter(({ ms }) => ms >= SAMPLE_MS_MIN);
      if (samples.length > 0) wait = load.interval_ms;
      charts.replaceChildren(...(samples.length > 0 ? drawn(samples) : [make('p', { className: 'none' }, NONE)]));
      details.hidden = samples.length === 0;
      list();
    } catch (error) {
      // What the page says itself while it is behind need not be said twice.
      if (error.frame) tell(error.message);
    }
    if (!isOver) timer = setTimeout(refresh, wait);
  };
  view.replaceChildren(charts, details);
  refresh();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
};
