// A small chart of how something went over time, as lines in SVG.

import { make } from './dom.js';

const [WIDTH, HEIGHT] = [320, 140];
const [TOP, BOTTOM] = [18, 120];
// Fewer minutes than these do not fill the width, so that the first samples are not drawn as if they were all.
const SPAN_MS_MIN = 5 * 60_000;

// The page has a drawing of its own, which knows what drawings are made of.
const drawing = (name, attributes, ...children) => {
  const element = document.createElementNS(document.querySelector('svg').namespaceURI, name);
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
};

// The next number that is round.
const round = (value) => {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 3, 4, 6, 8, 10].map((times) => times * power).find((found) => found >= value * (1 - 1e-9));
};

const number = (value) => (value === null ? '–' : value.toLocaleString(undefined, { maximumSignificantDigits: 3 }));
const clock = (time) => time.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });

// Where a line goes: pen down from point to point, and up where nothing was measured.
const path = (values, x, y) => values.map((value, index) => {
  if (value === null) return '';
  const isStart = index === 0 || values[index - 1] === null;
  return `${isStart ? 'M' : 'L'}${x(index).toFixed(1)} ${y(value).toFixed(1)}${isStart ? 'h0' : ''}`;
}).join('');

// The last value, which is the one that is looked for.
const dot = ({ look, values }, x, y) => (values.at(-1) === null
  ? ''
  : drawing('circle', { cx: x(values.length - 1), cy: y(values.at(-1)), r: 3, class: `dot ${look}` }));

const key = ({ name, look, values }) => make('span', { className: `key ${look}` }, `${name} ${number(values.at(-1))}`);

// `series` have a name, a look, which is a class, and a value for each time.
export const chart = (id, title, times, series) => {
  const max = round(Math.max(0, ...series.flatMap(({ values }) => values)));
  const end = times.at(-1).getTime();
  const start = Math.min(times[0].getTime(), end - SPAN_MS_MIN);
  const x = (index) => ((times[index].getTime() - start) / (end - start)) * WIDTH;
  const y = (value) => BOTTOM - (value / max) * (BOTTOM - TOP);
  const line = (height) => drawing('line', { x1: 0, x2: WIDTH, y1: height, y2: height, class: 'grid' });
  const text = (left, top, anchor, words) => drawing('text', { x: left, y: top, 'text-anchor': anchor, class: 'axis' }, words);
  const told = series.map(({ name, values }) => `${name} at most ${number(Math.max(...values))}, last ${number(values.at(-1))}`);
  return make('figure', { className: 'chart', id: `chart-${id}` },
    make('figcaption', {}, make('strong', {}, title), ...series.map(key)),
    drawing('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-labelledby': `title-${id} desc-${id}` },
      drawing('title', { id: `title-${id}` }, title),
      drawing('desc', { id: `desc-${id}` }, `From ${clock(new Date(start))} to ${clock(times.at(-1))}: ${told.join('; ')}.`),
      line(TOP), line((TOP + BOTTOM) / 2), line(BOTTOM),
      text(0, TOP - 5, 'start', number(max)),
      text(0, HEIGHT - 4, 'start', clock(new Date(start))), text(WIDTH, HEIGHT - 4, 'end', clock(times.at(-1))),
      ...series.map(({ look, values }) => drawing('path', { d: path(values, x, y), class: `line ${look}` })),
      ...series.map((one) => dot(one, x, y))));
};
