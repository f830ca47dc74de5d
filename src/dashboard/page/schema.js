// What the API document says of a message's fields: which there are, what can be typed for each, and what is sent for that.

import { parse, pretty } from './json.js';

// The envelope, which the page sees to.
const OWN = ['method', 'reference', 'ref'];

// A schema with what it refers to in it; what it says itself goes before. What may be null as well is not told apart.
const flat = (document, { $ref: ref, ...said }) => {
  if (ref !== undefined) return flat(document, { ...document.components.schemas[ref.split('/').pop()], ...said });
  const { anyOf, oneOf, allOf, ...rest } = said;
  const choices = (anyOf ?? oneOf ?? allOf ?? []).filter(({ type }) => type !== 'null');
  return choices.length === 1 ? flat(document, { ...flat(document, choices[0]), ...rest }) : { ...rest, choices };
};

const types = ({ type }) => [type ?? []].flat().filter((one) => one !== 'null');

// A text as the schema takes it: as a number where it has one first.
const scalar = (schema, text) => {
  const isNumber = ['integer', 'number'].includes(types(schema)[0]) && text.trim() !== '' && Number.isFinite(Number(text));
  return isNumber ? parse(text.trim()) : text;
};

const written = (value) => (typeof value === 'string' ? value : JSON.stringify(value));

const oneOfFew = (values) => ({
  kind: 'choice',
  values: values.map(String),
  read: (text) => values.find((value) => `${value}` === text),
  write: written,
});

const lines = (items) => ({
  kind: 'lines',
  hint: items.enum ? `One a line, of: ${items.enum.join(', ')}.` : 'One a line; a line that begins with { is JSON.',
  read: (text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== '')
    .map((line) => (line.startsWith('{') ? parse(line) : scalar(items, line))),
  write: (value) => [value].flat().map(written).join('\n'),
});

const JSON_TEXT = { kind: 'json', hint: 'As JSON.', read: parse, write: pretty };

// How a field is filled in: its kind, a hint, and how its text becomes a value and is made of one.
const filling = (document, schema) => {
  const [one] = types(schema);
  if (schema.enum) return oneOfFew(schema.enum);
  if (one === 'boolean') return oneOfFew([true, false]);
  const all = schema.choices.map((choice) => flat(document, choice));
  const list = one === 'array' ? schema : all.find((choice) => types(choice)[0] === 'array');
  if (list) {
    const items = flat(document, list.items ?? {});
    return lines(items.choices.map((choice) => flat(document, choice)).find((choice) => types(choice).includes('string')) ?? items);
  }
  if (one === undefined || one === 'object') return JSON_TEXT;
  return { kind: 'text', read: (text) => scalar(schema, text), write: written };
};

// The fields of a message, those first that it needs. Other names for a field, which some SDKs use, are left to the JSON.
export const fields = (document, message) => {
  const { properties = {}, required = [] } = flat(document, message.payload);
  const all = Object.entries(properties).filter(([name]) => !OWN.includes(name)).map(([name, property]) => {
    const schema = flat(document, property);
    return { name, isRequired: required.includes(name), about: schema.description ?? '', ...filling(document, schema) };
  });
  const named = all.filter(({ about }) => !about.startsWith('Means `'));
  return [...named.filter(({ isRequired }) => isRequired), ...named.filter(({ isRequired }) => !isRequired)];
};
