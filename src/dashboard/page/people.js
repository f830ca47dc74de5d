// What a text or a file says of who is to be on a list, and what none can be.

import { records, written } from './csv.js';

const SIGNUP_BYTES_MAX = 254;
const TAGS_MAX = 16;
const TAG_BYTES_MAX = 64;
const BETWEEN_TAGS = ';';
// Records after which whoever looks at the page gets a turn.
const RECORDS_AT_ONCE = 5000;

const encoder = new TextEncoder();
const isWithin = (text, max) => text.length * 3 <= max || encoder.encode(text).length <= max;

// What stands in a text between commas, lines and the like.
export const items = (text, separators) => text.split(separators).map((item) => item.trim()).filter((item) => item !== '');

export const count = (number, one, many) => `${number.toLocaleString()} ${number === 1 ? one : many}`;

// What a text has in it: sign-ups, each once, and what cannot be one.
export const read = (text) => {
  const all = items(text, /[\n\r,;\t]+/);
  const fitting = all.filter((item) => isWithin(item, SIGNUP_BYTES_MAX));
  const signups = new Map(fitting.map((item) => [item.toLowerCase(), item]));
  return { signups: [...signups.values()], twice: fitting.length - signups.size, wrong: all.length - fitting.length };
};

const whatIsWrong = (id, tags, list) => {
  if (id === undefined || id === '') return 'it has no signup_id';
  if (id.includes('\ufffd')) return 'it is not UTF-8';
  if (!isWithin(id, SIGNUP_BYTES_MAX)) return `a sign-up id has at most ${SIGNUP_BYTES_MAX} bytes`;
  if (!list.isTagged && tags.length > 0) return `people on the ${list.name} have no tags`;
  if (tags.length > TAGS_MAX) return `at most ${TAGS_MAX} tags are taken`;
  return tags.every((tag) => isWithin(tag, TAG_BYTES_MAX)) ? undefined : `a tag has at most ${TAG_BYTES_MAX} bytes`;
};

// What a CSV file says, as `guestlist import` takes it: of two lines with the same id the later counts.
export const readCsv = async (text, list, isDropped) => {
  const all = records(text);
  const names = all.next().value?.cells.map((name) => name.replace('\ufeff', '').trim()) ?? [];
  const [id, tags] = ['signup_id', 'tags'].map((name) => names.indexOf(name));
  if (id < 0) throw new Error('The first line of the file names no column signup_id; begin it with signup_id or signup_id,tags.');
  const people = new Map();
  let [lines, wrong, firstWrong] = [0, 0, undefined];
  for (const { line, cells } of all) {
    lines += 1;
    if (lines % RECORDS_AT_ONCE === 0) await new Promise((done) => { setTimeout(done); });
    if (isDropped()) break;
    const given = tags < 0 ? [] : items(cells[tags] ?? '', BETWEEN_TAGS);
    const what = whatIsWrong(cells[id], given, list);
    if (what === undefined) {
      const isTagged = list.isTagged && tags >= 0;
      people.set(cells[id].toLowerCase(), { line, signup: isTagged ? { signup_id: cells[id], tags: given } : cells[id] });
    } else {
      wrong += 1;
      firstWrong ??= `line ${line.toLocaleString()}: ${what}`;
    }
  }
  return { people: [...people.values()], twice: lines - wrong - people.size, wrong, firstWrong };
};

export const CSV_HEAD = written(['signup_id', 'tags']);

// Somebody as a line of CSV, which `guestlist import` and this page read.
export const csvLine = ({ signup_id: id, tags = [] }) => {
  const unfit = tags.find((tag) => tag.includes(BETWEEN_TAGS) || tag.trim() !== tag);
  if (unfit !== undefined) {
    throw new Error(`The tag “${unfit}” of ${id} has a semicolon, or a space at an end, which CSV cannot hold; `
      + 'save the list by guestlist export --format jsonl.');
  }
  return written([id, tags.join(BETWEEN_TAGS)]);
};
